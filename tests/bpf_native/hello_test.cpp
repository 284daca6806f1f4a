// TLS that no probe takes part in: whose ClientHello user space is told of, and when it is told that data follows.
#include "agent/capture/client_hello.h"
#include "tests/bpf_native/plain_fixture.h"
#include "tests/support/client_hello.h"

namespace llmsnoop::bpf_native {

namespace {

using support::client_hello;
using support::handshake_record;
using support::hello_body;

class HelloTest : public PlainTest {
 protected:
    // A TLS record of so many bytes, its header included.
    static std::string record(char type, std::size_t size) {
        std::string out{type, '\x03', '\x03', static_cast<char>((size - 5) >> 8), static_cast<char>(size - 5)};
        out.resize(size, '\xa5');
        return out;
    }
    static std::string app_data(std::size_t size) { return record('\x17', size); }
    static std::string change_cipher_spec() { return record('\x14', 6); }
    static constexpr std::size_t kFinished = 74;  // the longest of TLS 1.3

    // The kinds of the records that a call leaves behind, that of the process aside.
    Kinds after_sending(const std::string& bytes) {
        sends(bytes);
        return told();
    }
    Kinds told() {
        Kinds out;
        for (const Record& one : take()) {
            if (one.kind() != WIRE_PROCESS) out.push_back(one.kind());
        }
        return out;
    }
    void begins(const std::string& hello = client_hello("api.openai.com")) {
        connects();
        EXPECT_EQ(after_sending(hello), Kinds({WIRE_HELLO}));
    }
};

SEEN_IN_BOTH_WAYS(HelloTest);

TEST_P(HelloTest, IsToldWithItsProcessAndItsSocket) {
    const std::string hello = client_hello("api.openai.com");
    connects();
    sends(hello);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_HELLO}));
    const auto told = records[1].as<wire_hello>();
    EXPECT_EQ(told.pid, process.pid());
    EXPECT_EQ(told.process_start_ns, records[0].as<wire_process>().start_ns);
    EXPECT_EQ(told.socket, address(&socket));
    EXPECT_EQ(told.addresses.family, static_cast<unsigned>(AF_INET));
    EXPECT_EQ(told.addresses.local_port, 40000);
    EXPECT_EQ(told.addresses.peer_port, 8000);
    ASSERT_EQ(told.captured, hello.size());
    EXPECT_EQ(capture::server_name_of({told.bytes, told.captured}), "api.openai.com");
}

TEST_P(HelloTest, DataThatFollowsIsToldOnce) {
    begins();
    EXPECT_EQ(after_sending(app_data(400)), Kinds({WIRE_HELLO_DATA}));
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(after_sending(app_data(400)), Kinds());
    receives(app_data(400));
    EXPECT_EQ(told(), Kinds());
}

TEST_P(HelloTest, AHandshakeIsNoData) {
    begins();
    EXPECT_EQ(after_sending(client_hello("api.openai.com")), Kinds());  // after HelloRetryRequest
    EXPECT_EQ(after_sending(record('\x16', 130) + change_cipher_spec() + record('\x16', 45)), Kinds());  // TLS 1.2
    EXPECT_EQ(after_sending(change_cipher_spec() + app_data(kFinished)), Kinds());
    receives(app_data(5000));  // the server's certificate
    EXPECT_EQ(after_sending(record('\x15', 24)), Kinds());
    EXPECT_EQ(after_sending(app_data(24)), Kinds());  // close_notify of TLS 1.3
}

TEST_P(HelloTest, DataBehindAHandshakeInOneCall) {
    begins();
    EXPECT_EQ(after_sending(change_cipher_spec() + app_data(kFinished) + app_data(200)), Kinds({WIRE_HELLO_DATA}));
}

TEST_P(HelloTest, DataInSmallPieces) {
    begins();
    EXPECT_EQ(after_sending(app_data(60)), Kinds());
    EXPECT_EQ(after_sending("the rest of a record, which was longer"), Kinds());
    EXPECT_EQ(after_sending(app_data(60)), Kinds({WIRE_HELLO_DATA}));
}

TEST_P(HelloTest, WhatAProbedCallSendsIsItsOwn) {
    connects();
    enter(kWrite, kSsl, "secret", 6, kStack + 64);
    EXPECT_EQ(after_sending(client_hello("api.openai.com")), Kinds());
}

TEST_P(HelloTest, DataOfAProbedCallIsItsOwn) {
    begins();
    enter(kWrite, kSsl, "secret", 6, kStack + 64);
    EXPECT_EQ(after_sending(app_data(400)), Kinds());
    socket_send_tracepoint(&socket, 400, 0);
    leave(kWrite, 6, kStack + 64);
    told();
    EXPECT_EQ(after_sending(app_data(400)), Kinds());
}

// A runtime that encrypts into memory: the socket of what was written is known by the length of the ciphertext.
TEST_P(HelloTest, DataWhoseSocketIsFoundIsSeen) {
    begins();
    const std::string plaintext(300, 'p');
    enter(kWrite, kSsl, plaintext.data(), 300);
    leave(kWrite, 300);
    socket_send_tracepoint(&socket, 322, 0);
    told();
    EXPECT_EQ(after_sending(app_data(322)), Kinds());
}

TEST_P(HelloTest, ALongOneIsCut) {
    const std::string hello = handshake_record(
        hello_body(support::server_name_extension("a.example") + support::extension(21, std::string(5000, '\0'))));
    connects();
    sends(hello);
    const auto records = take(WIRE_HELLO);
    ASSERT_EQ(records.size(), 1U);
    const auto told = records[0].as<wire_hello>();
    EXPECT_EQ(told.captured, static_cast<unsigned>(WIRE_HELLO_MAX));
    EXPECT_EQ(capture::server_name_of({told.bytes, told.captured}), "a.example");
}

TEST_P(HelloTest, OfSeveralBuffersTheFirst) {
    const std::string hello = client_hello("a.example"), empty, more = app_data(50);
    connects();
    moves_vectors(Call::writev, {vector_of(empty), vector_of(hello), vector_of(more)},
                  static_cast<long>(hello.size() + more.size()));
    const auto records = take(WIRE_HELLO);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].as<wire_hello>().captured, hello.size());
}

TEST_P(HelloTest, OfWhatWasTakenOnly) {
    const std::string hello = client_hello("a.example");
    connects();
    moves_vectors(Call::writev, {vector_of(hello)}, 60);
    EXPECT_EQ(take(WIRE_HELLO).at(0).as<wire_hello>().captured, 60U);
}

TEST_P(HelloTest, WhatIsNone) {
    std::string other = client_hello("a.example");
    other[5] = '\x02';  // ServerHello
    for (const std::string& first :
         {other, client_hello("a.example").substr(0, 40), app_data(400), record('\x16', 20)}) {
        connects();
        EXPECT_EQ(after_sending(first), Kinds());
        EXPECT_EQ(after_sending(app_data(400)), Kinds());
    }
}

TEST_P(HelloTest, AServerThatReceivesOneIsNoClient) {
    is_accepted();
    receives(client_hello("a.example"));
    EXPECT_EQ(told(), Kinds());
    EXPECT_EQ(after_sending(app_data(400)), Kinds());
}

TEST_P(HelloTest, AProxySendsWhatAnotherHasSaid) {
    constexpr unsigned kUpstream = 6;
    tcp_sock upstream = ipv4_socket("10.0.0.1", 40001, "10.0.0.3", 443);
    opens(kUpstream, upstream);
    is_accepted();
    receives(client_hello("a.example"));
    plain_socket_state(&upstream, kClose, kSynSent);
    plain_socket_state(&upstream, kSynSent, kEstablished);
    sends(client_hello("a.example"), kUpstream);
    EXPECT_EQ(told(), Kinds());
    sends(app_data(400), kUpstream);
    EXPECT_EQ(told(), Kinds());
    begins(client_hello("a.example", 'o'));  // one of its own
}

TEST_P(HelloTest, AnotherProcessMayHaveReceivedIt) {
    is_accepted();
    receives(client_hello("a.example"));
    FakeProcess other{200, {}};
    other.open_socket(kFd, &socket);
    run(other);
    begins(client_hello("a.example"));
}

TEST_P(HelloTest, AConnectionInUseHasNone) {
    EXPECT_NE(after_sending("something"), Kinds());
    EXPECT_EQ(after_sending(client_hello("a.example")), Kinds());
}

TEST_P(HelloTest, ProcessesThatAreNotSelected) {
    kernel.knobs().select = SELECT_PID;
    connects();
    EXPECT_EQ(after_sending(client_hello("a.example")), Kinds());
}

TEST_P(HelloTest, WithoutRoomItIsCountedAndLeftAlone) {
    connects();
    kernel.make_rings(1, 64);
    sends(client_hello("a.example"));
    EXPECT_EQ(losses(WIRE_LOSS_RING_FULL), 1U);
    kernel.make_rings(1, 1 << 20);
    EXPECT_EQ(after_sending(app_data(400)), Kinds());
}

}  // namespace

}  // namespace llmsnoop::bpf_native
