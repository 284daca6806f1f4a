// Which socket carries a TLS connection: the one that is used during a call, or that sends exactly its ciphertext
// afterwards.
#include <arpa/inet.h>
#include <sys/socket.h>

#include "tests/bpf_native/bpf_test.h"

namespace llmsnoop::bpf_native {

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

class SocketTest : public BpfTest {
 protected:
    // A write whose ciphertext leaves during the call.
    void write_through(sock& socket, std::uint64_t ssl = kSsl) {
        enter(kWrite, ssl, "question", 8);
        socket_send_tracepoint(&socket, 30, 0);
        leave(kWrite, 8);
    }
    std::vector<wire_socket> sockets() {
        std::vector<wire_socket> out;
        for (const Record& one : take(WIRE_CONNECTION_SOCKET))
            out.push_back(one.as<wire_connection_socket>().socket);
        return out;
    }
    static std::string text(int family, const __u8* address) {
        char out[INET6_ADDRSTRLEN] = "";
        inet_ntop(family, address, out, sizeof out);
        return out;
    }
    void send(sock& socket, int bytes) { socket_send_tracepoint(&socket, bytes, 0); }

    tcp_sock first = ipv4_socket("10.0.0.1", 40000, "10.0.0.2", 443);
    tcp_sock second = ipv4_socket("10.0.0.1", 40001, "10.0.0.3", 443);
};

TEST_F(SocketTest, TheOneThatIsUsedDuringACall) {
    write_through(first);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    const auto record = records[2].as<wire_connection_socket>();
    EXPECT_EQ(record.connection, records[3].as<wire_data>().connection);
    EXPECT_EQ(record.socket.family, static_cast<__u32>(AF_INET));
    EXPECT_EQ(text(AF_INET, record.socket.local_address), "10.0.0.1");
    EXPECT_EQ(text(AF_INET, record.socket.peer_address), "10.0.0.2");
    EXPECT_EQ(record.socket.local_port, 40000);
    EXPECT_EQ(record.socket.peer_port, 443);
    for (std::size_t i = 4; i < 16; ++i)
        EXPECT_EQ(record.socket.local_address[i], 0);  // not old memory
    write_through(first);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_DATA}));
}

TEST_F(SocketTest, TheHandshakeTellsItBeforeAnyByte) {
    ssl_new();
    shake_hands(first, -1);  // SSL_ERROR_WANT_READ
    EXPECT_EQ(kinds(take()), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET}));
    shake_hands(first, 1);
    EXPECT_TRUE(take().empty());
    write_through(first);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_DATA}));
}

TEST_F(SocketTest, TheHandshakeOfAnUnknownObjectTellsNothing) {
    shake_hands(first, 1);
    EXPECT_TRUE(take().empty());
}

TEST_F(SocketTest, Ipv6) {
    tcp_sock socket = ipv6_socket("2001:db8::1", 40000, "2001:db8::2", 443);
    write_through(socket);
    const auto found = sockets();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].family, static_cast<__u32>(AF_INET6));
    EXPECT_EQ(text(AF_INET6, found[0].local_address), "2001:db8::1");
    EXPECT_EQ(text(AF_INET6, found[0].peer_address), "2001:db8::2");
    EXPECT_EQ(found[0].peer_port, 443);
}

TEST_F(SocketTest, OtherFamiliesHaveNoAddressToTell) {
    sock socket = unix_socket();
    write_through(socket);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA}));
    write_through(socket);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_DATA}));
}

TEST_F(SocketTest, AReadTellsItToo) {
    enter(kRead, kSsl, "answer", 6);
    socket_receive_tracepoint(&first, 40, 0);
    leave(kRead, 6);
    EXPECT_EQ(sockets().size(), 1U);
}

TEST_F(SocketTest, EveryKindOfHook) {
    enter(kWrite, 0xa, "question", 8);
    socket_send_fexit(&first, nullptr, 30, 30);
    leave(kWrite, 8);
    enter(kWrite, 0xb, "question", 8);
    socket_send_kprobe(&first, nullptr, 30);
    leave(kWrite, 8);
    enter(kRead, 0xc, "answer", 6);
    socket_receive_fentry(&first);
    leave(kRead, 6);
    EXPECT_EQ(sockets().size(), 3U);
}

TEST_F(SocketTest, TheInnermostCallOwnsIt) {
    enter(kWrite, 0xa, "plain", 5, kStack);
    enter(kWrite, 0xb, "cipher", 6, kStack - 0x200);
    send(first, 28);
    leave(kWrite, 6, kStack - 0x200);
    leave(kWrite, 5, kStack);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA,
                                     WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_EQ(records[2].as<wire_connection_socket>().connection, records[1].as<wire_connection_open>().connection);
}

TEST_F(SocketTest, SocketsOutsideCallsAndOfStrangersAreNone) {
    send(first, 100);  // of a thread that was never met
    write("question");
    take();
    send(first, 100);
    socket_receive_tracepoint(&first, 100, 0);
    EXPECT_TRUE(take().empty());
}

TEST_F(SocketTest, ARecordThatFindsNoRoomIsTriedWithTheNextCall) {
    write("question");
    kernel.make_rings(1, 16);
    write_through(first);
    EXPECT_EQ(losses(WIRE_LOSS_RING_FULL), 1U);
    EXPECT_EQ(losses(WIRE_LOSS_PROCESS_SHARE), 1U);
    kernel.make_rings(1, 4096);
    write_through(first);
    EXPECT_EQ(sockets().size(), 1U);
}

// --- memory BIOs: a call only fills a buffer, and the thread sends it afterwards

struct Overhead {
    const char* name;
    int bytes;  // per record
};
class CipherTest : public SocketTest, public testing::WithParamInterface<Overhead> {};
INSTANTIATE_TEST_SUITE_P(Each, CipherTest,
                         testing::Values(Overhead{"Tls13", 22}, Overhead{"Tls12Gcm", 29}, Overhead{"Tls12ChaCha", 21}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST_P(CipherTest, TheSendOfExactlyTheCiphertext) {
    write("question");
    send(first, 8 + GetParam().bytes);
    EXPECT_EQ(sockets().size(), 1U);
}

TEST_P(CipherTest, OfSeveralWrites) {
    write("question");
    write("and more");
    send(first, 16 + 2 * GetParam().bytes);
    EXPECT_EQ(sockets().size(), 1U);
}

TEST_P(CipherTest, OfAWriteThatTakesSeveralRecords) {
    for (const std::size_t size : {std::size_t{16384}, std::size_t{16385}, std::size_t{40'000}}) {
        start_over();
        write(std::string(size, 'x'));
        const auto records = static_cast<int>((size + 16383) / 16384);
        send(first, static_cast<int>(size) + records * GetParam().bytes);
        EXPECT_EQ(sockets().size(), 1U) << size;
    }
}

TEST_F(SocketTest, AnotherLengthIsAnotherConversation) {
    write("question");
    send(first, 8 + 23);
    EXPECT_TRUE(sockets().empty());
    send(first, 8 + 22);  // one guess only: the flush comes before anything else
    EXPECT_TRUE(sockets().empty());
    write("again");
    send(second, 5 + 22);
    const auto found = sockets();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(text(AF_INET, found[0].peer_address), "10.0.0.3");
}

TEST_F(SocketTest, WhatFailsToBeSentIsNotTheFlush) {
    write("question");
    send(first, -EAGAIN);
    send(first, 8 + 22);
    EXPECT_EQ(sockets().size(), 1U);
}

TEST_F(SocketTest, AFlushComesSoon) {
    write("question");
    kernel.now += 2 * kSecond;
    send(first, 8 + 22);
    EXPECT_TRUE(sockets().empty());
}

TEST_F(SocketTest, OnlyTheLastObjectIsExpected) {
    write("question", 0xa);
    write("other", 0xb);
    take();
    send(first, 8 + 22);
    EXPECT_TRUE(sockets().empty());
    write("question", 0xa);
    write("other", 0xb);
    take();
    send(first, 5 + 22);
    EXPECT_EQ(sockets().size(), 1U);
}

TEST_F(SocketTest, AnotherThreadsSendIsNotTheFlush) {
    write("question");
    take();
    run_thread(process, process.add_thread(101, "worker"));
    write("other", 0xb);
    take();
    send(first, 8 + 22);
    EXPECT_TRUE(sockets().empty());
}

TEST_F(SocketTest, WhatIsReceivedIsNotTheFlush) {
    write("question");
    socket_receive_tracepoint(&first, 8 + 22, 0);
    EXPECT_TRUE(sockets().empty());
}

TEST_F(SocketTest, AFreedObjectHasNone) {
    write("question");
    ssl_free();
    take();
    send(first, 8 + 22);
    EXPECT_TRUE(sockets().empty());
}

TEST_F(SocketTest, WhoHasItsSocketExpectsNothing) {
    write_through(first);
    write("question");  // this one buffered, as it were
    take();
    send(second, 8 + 22);
    EXPECT_TRUE(sockets().empty());
}

}  // namespace

}  // namespace llmsnoop::bpf_native
