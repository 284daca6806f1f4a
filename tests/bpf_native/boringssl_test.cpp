// BoringSSL: neither the birth nor the death of its objects is seen, so connections are told apart by their sockets and
// by their ends.
#include "tests/bpf_native/bpf_test.h"

namespace llmsnoop::bpf_native {

namespace {

constexpr IoFunction kBoringRead{boringssl_read_entry, boringssl_read_return, false};
constexpr IoFunction kBoringWrite{boringssl_write_entry, boringssl_write_return, false};
constexpr IoFunction kWriteFlags{openssl_write_flags_entry, openssl_write_flags_return, true};

class BoringsslTest : public BpfTest {
 protected:
    void move(const IoFunction& function, const std::string& bytes, sock* socket = nullptr) {
        enter(function, kSsl, bytes.data(), bytes.size());
        if (socket != nullptr) socket_send_tracepoint(socket, 100, 0);
        leave(function, static_cast<int>(bytes.size()));
    }
    // A call that moves nothing: it waits for more of the handshake, which it has sent a part of.
    void wait(const IoFunction& function, sock* socket, int result = -1) {
        enter(function, kSsl, "buffer", 6);
        if (socket != nullptr) socket_send_tracepoint(socket, 100, 0);
        leave(function, result);
    }
    void send(const std::string& bytes, sock* socket = nullptr) { move(kBoringWrite, bytes, socket); }
    void receive(const std::string& bytes) { move(kBoringRead, bytes); }

    tcp_sock first = ipv4_socket("10.0.0.1", 40000, "10.0.0.2", 443);
    tcp_sock second = ipv4_socket("10.0.0.1", 40001, "10.0.0.2", 443);
};

TEST_F(BoringsslTest, ACallTellsWhatItMovedAndByWhom) {
    send("question", &first);
    receive("answer");
    const auto records = take();
    ASSERT_EQ(kinds(records),
              Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA, WIRE_DATA}));
    EXPECT_EQ(records[1].as<wire_connection_open>().library, WIRE_LIBRARY_BORINGSSL);
    EXPECT_EQ(records[1].header().flags & WIRE_OPEN_FROM_START, 0);
    EXPECT_EQ(records[3].payload(), "question");
    EXPECT_EQ(records[4].payload(), "answer");
}

TEST_F(BoringsslTest, RetriesDoNotCount) {
    wait(kBoringWrite, &first);
    wait(kBoringWrite, &first);
    send("question", &first);
    EXPECT_EQ(data(), Strings({"sent@0 question"}));
}

TEST_F(BoringsslTest, AnotherSocketIsAnotherConnection) {
    send("one", &first);
    receive("answer, cut");
    take();
    send("two", &second);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_CLOSE, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    EXPECT_EQ(records[0].header().flags, WIRE_CLOSE_REPLACED);
    EXPECT_EQ(records[0].as<wire_connection_close>().offset[WIRE_SENT], 3U);
    EXPECT_EQ(records[3].as<wire_data>().offset, 0U);
    receive("answer");
    EXPECT_EQ(data(), Strings({"received@0 answer"}));
}

TEST_F(BoringsslTest, TheMemoryOfASocketIsUsedAgainToo) {
    send("one", &first);
    take();
    tcp_sock other = ipv4_socket("10.0.0.1", 40002, "10.0.0.2", 443);
    first = other;  // at the same address
    send("two", &first);
    EXPECT_EQ(take().at(0).kind(), WIRE_CONNECTION_CLOSE);
}

TEST_F(BoringsslTest, AHandshakeWithinAReadTellsOfANewSocket) {
    // A server reads first: what it reads would be taken for the old connection's.
    receive("request one");
    send("answer one", &first);
    take();
    wait(kBoringRead, &second);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_CONNECTION_CLOSE}));
    receive("request two");
    EXPECT_EQ(data(), Strings({"received@0 request two"}));
}

TEST_F(BoringsslTest, ReadingOnAfterTheEndIsAnotherConnection) {
    send("one", &first);
    receive("answer");
    wait(kBoringRead, nullptr, 0);
    EXPECT_EQ(take().back().kind(), WIRE_DIRECTION_END);
    send("goodbye", &first);  // one side may go on after the other's end
    EXPECT_EQ(data(), Strings({"sent@3 goodbye"}));
    receive("request");
    EXPECT_EQ(data(), Strings({"received@0 request"}));
}

TEST_F(BoringsslTest, ADaemonThatACallbackTalksToIsNoConnection) {
    send("one", &first);
    take();
    sock daemon{};
    daemon.__sk_common.skc_family = 1;  // AF_UNIX
    send("two", &daemon);
    send("three", &first);
    EXPECT_EQ(data(), Strings({"sent@3 two", "sent@6 three"}));
}

TEST_F(BoringsslTest, AnObjectSeenBeingMadeIsOneConnectionWhateverItsSockets) {
    ssl_new();
    call(kWrite, "one");
    enter(kWrite, kSsl, "two", 3);
    socket_send_tracepoint(&first, 25, 0);
    leave(kWrite, 3);
    enter(kWrite, kSsl, "three", 5);
    socket_send_tracepoint(&second, 27, 0);
    leave(kWrite, 5);
    EXPECT_EQ(data(), Strings({"sent@0 one", "sent@3 two", "sent@6 three"}));
}

TEST_F(BoringsslTest, WhereItsMakingIsSeenItIsKnownFromItsStart) {
    for (const char* text : {"one", "two"}) {
        pt_regs made{0, 0, 0, 0, kSsl, kStack};
        boringssl_new_return(&made);
        send(text);
        const auto opens = take(WIRE_CONNECTION_OPEN);
        ASSERT_EQ(opens.size(), 1U);
        EXPECT_EQ(opens[0].header().flags, WIRE_OPEN_FROM_START);
        EXPECT_EQ(opens[0].as<wire_connection_open>().library, WIRE_LIBRARY_BORINGSSL);
    }
}

// Written into memory, and sent with the end of the handshake.
TEST_F(BoringsslTest, TheFirstFlightTellsTheSocket) {
    for (const int finished : {58, 64, 74, 80}) {
        start_over();
        send("question");
        socket_send_tracepoint(&first, 8 + 22 + finished, 0);
        EXPECT_EQ(take(WIRE_CONNECTION_SOCKET).size(), 1U) << finished;
    }
    start_over();
    send("question");
    socket_send_tracepoint(&first, 8 + 22 + 59, 0);
    EXPECT_TRUE(take(WIRE_CONNECTION_SOCKET).empty());
}

TEST_F(BoringsslTest, TheNumberOfBytesMayBeBehindTheFifthArgument) {
    const std::uint64_t done = 5;
    pt_regs regs{kSsl, address("hello, world"), 12, 0, 0, kStack};
    regs.r8 = address(&done);
    kWriteFlags.entry(&regs);
    leave(kWriteFlags, 1);
    EXPECT_EQ(data(), Strings({"sent@0 hello"}));
}

}  // namespace

}  // namespace llmsnoop::bpf_native
