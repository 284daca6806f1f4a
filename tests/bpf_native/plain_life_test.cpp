// The life of a connection: its end, its socket's next use, and who shares it.
#include <sys/socket.h>

#include "tests/bpf_native/plain_fixture.h"

namespace llmsnoop::bpf_native {

namespace {

class PlainLifeTest : public PlainTest {
 protected:
    PlainLifeTest() {
        connects();
        sends("GET / HTTP/1.1\r\n\r\n");
        take();
    }
    std::vector<Record> opened() { return take(WIRE_CONNECTION_OPEN); }
    void waits(sk_buff& packet) { socket.sk_receive_queue = {&packet, 1}; }

    sk_buff unread{12};
};

SEEN_IN_BOTH_WAYS(PlainLifeTest);

TEST_P(PlainLifeTest, ThePeerEndsFirst) {
    socket.sk_shutdown = 1;
    changes(kEstablished, kCloseWait);
    EXPECT_TRUE(ends().empty());  // there may be bytes to be read
    returns(Call::read, 0, kFd, 0, 4096);
    returns(Call::read, 0, kFd, 0, 4096);
    EXPECT_EQ(ends(), Strings({"received"}));
    changes(kCloseWait, kLastAck);
    EXPECT_EQ(ends(), Strings({"sent"}));
    socket.__sk_common.skc_flags = 1;  // SOCK_DEAD
    changes(kLastAck, kClose);
    EXPECT_EQ(ends(), Strings({"closed"}));
    EXPECT_EQ(kernel.entries("plain_sockets"), 0U);
    EXPECT_EQ(kernel.entries("connections"), 0U);
}

TEST_P(PlainLifeTest, TheFinThatWaitsIsNothingToRead) {
    sk_buff fin{0};
    waits(fin);
    socket.__sk_common.skc_state = kClose;
    changes(kCloseWait, kClose);  // the peer was killed, and answered our next bytes with a reset
    EXPECT_TRUE(ends().empty());
    returns(Call::write, -EPIPE, kFd, 0, 4096);
    EXPECT_EQ(ends(), Strings({"closed"}));
}

TEST_P(PlainLifeTest, AReadOfNothingIsNoEnd) {
    returns(Call::read, 0, kFd, 0, 0);
    returns(Call::recvfrom, 0, kFd, 0, 0);
    socket.sk_shutdown = 1;
    waits(unread);
    returns(Call::read, 0, kFd, 0, 0);
    EXPECT_TRUE(ends().empty());
}

TEST_P(PlainLifeTest, BytesAreReadAfterBothEndsHaveSentTheirLast) {
    changes(kEstablished, kFinWait1);
    EXPECT_EQ(ends(), Strings({"sent"}));
    changes(kFinWait1, kFinWait2);
    socket.sk_shutdown = 3;
    waits(unread);
    socket.__sk_common.skc_state = kClose;
    changes(kFinWait2, kClose);  // but the process still holds it
    EXPECT_TRUE(ends().empty());
    receives("HTTP/1.1 200");
    EXPECT_EQ(data(), Strings({"received@0 HTTP/1.1 200"}));
    socket.sk_receive_queue = {};
    returns(Call::read, 0, kFd, 0, 4096);
    EXPECT_EQ(ends(), Strings({"received", "closed"}));
}

TEST_P(PlainLifeTest, ClosedWithUnreadBytes) {
    socket.sk_shutdown = 3;
    changes(kEstablished, kClose);
    EXPECT_EQ(ends(), Strings({"closed"}));
}

TEST_P(PlainLifeTest, AResetShowsWithTheNextCall) {
    socket.__sk_common.skc_state = kClose;
    changes(kEstablished, kClose);
    EXPECT_TRUE(ends().empty());
    returns(Call::read, -EAGAIN, kFd, 0, 4096);
    EXPECT_TRUE(ends().empty());
    returns(Call::read, -ECONNRESET, kFd, 0, 4096);
    EXPECT_EQ(ends(), Strings({"closed"}));
}

TEST_P(PlainLifeTest, ASocketAtTheSameAddress) {
    connects();  // the end of the one before was not seen
    EXPECT_EQ(ends(), Strings({"closed"}));
    sends("GET /next HTTP/1.1\r\n\r\n");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    EXPECT_EQ(records[0].header().flags, WIRE_OPEN_FROM_START);
    EXPECT_EQ(records[2].as<wire_data>().offset, 0U);
}

TEST_P(PlainLifeTest, AnotherDescriptorOfTheSameSocket) {
    opens(6, socket);
    sends("body", 6);
    EXPECT_EQ(data(), Strings({"sent@18 body"}));
}

TEST_P(PlainLifeTest, AnotherSocketOfTheSameDescriptor) {
    tcp_sock other = ipv4_socket("10.0.0.1", 40001, "10.0.0.2", 8000);
    opens(kFd, other);
    plain_socket_state(&other, kClose, kSynSent);
    sends("GET /other HTTP/1.1\r\n\r\n");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    EXPECT_EQ(records[1].as<wire_connection_socket>().socket.local_port, 40001);
}

TEST_P(PlainLifeTest, AChildThatUsesItTooHasAStreamOfItsOwn) {
    FakeProcess child{200, {}};
    child.open_socket(kFd, &socket);
    run(child);
    sends("GET /child HTTP/1.1\r\n\r\n");
    auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    EXPECT_EQ(records[1].header().flags, 0);
    EXPECT_EQ(records[3].as<wire_data>().offset, 0U);
    run(process);
    sends("more");
    EXPECT_EQ(data(), Strings({"sent@18 ", "sent@41 more"}));  // the child's bytes are a gap here
}

TEST_P(PlainLifeTest, OverAnExecAStreamBeginsAnew) {
    process_exec(process.task(), process.task()->pid, nullptr);
    take();
    receives("HTTP/1.1 200");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    EXPECT_EQ(records[1].header().flags, 0);
}

TEST_P(PlainLifeTest, SocketsOfOtherProtocolsAreNotKept) {
    sock other = unix_socket();
    plain_socket_state(&other, kClose, kSynSent);
    EXPECT_EQ(kernel.entries("plain_sockets"), 1U);
}

TEST_P(PlainLifeTest, WhatIsForgottenComesBackAsJoinedLate) {
    kernel.limit("plain_sockets", 1);
    tcp_sock other = ipv4_socket("10.0.0.1", 40001, "10.0.0.2", 8000);
    plain_socket_state(&other, kClose, kSynSent);
    sends("body");
    EXPECT_EQ(data(), Strings({"sent@18 body"}));  // the connection itself is remembered
}

TEST_P(PlainLifeTest, WhatNobodyToldOfAtTheEndIsAGap) {
    is_accepted();
    receives("POST / HTTP/1.1\r\n\r\n");
    take();
    socket.copied_seq += 200;  // spliced into a pipe, say
    socket.sk_shutdown = 1;
    returns(Call::read, 0, kFd, 0, 4096);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_DATA, WIRE_DIRECTION_END}));
    EXPECT_EQ(records[0].header().flags, WIRE_MISSING_UNSEEN);
    EXPECT_EQ(records[0].as<wire_data>().offset, 19U);
    EXPECT_EQ(records[0].as<wire_data>().length, 200U);
    EXPECT_EQ(records[1].as<wire_direction_end>().offset, 219U);
}

TEST_P(PlainLifeTest, AndAtTheEndOfTheConnection) {
    connects();
    sends("GET / HTTP/1.1\r\n\r\n");
    receives("HTTP/1.1 200 OK\r\n\r\n");
    take();
    socket.copied_seq += 200;
    socket.sk_shutdown = 3;
    changes(kEstablished, kClose);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_DATA, WIRE_CONNECTION_CLOSE}));
    EXPECT_EQ(records[0].as<wire_data>().length, 200U);
}

TEST_P(PlainLifeTest, TheNumberOfTheFinIsNoMissingByte) {
    connects();
    sends("GET / HTTP/1.1\r\n\r\n");
    receives("HTTP/1.1 200 OK\r\n\r\n");
    take();
    socket.copied_seq += 1;
    socket.sk_shutdown = 1;
    returns(Call::read, 0, kFd, 0, 4096);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_DIRECTION_END}));
}

}  // namespace

}  // namespace llmsnoop::bpf_native
