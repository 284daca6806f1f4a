// Which bytes a call moved, by each of the three ways to see it.
#include <sys/socket.h>

#include "tests/bpf_native/plain_fixture.h"

namespace llmsnoop::bpf_native {

namespace {

class PlainCallsTest : public PlainTest {
 protected:
    PlainCallsTest() { connects(); }

    // The tracepoint of a receive, while this call is under way.
    void told(Call call, int result, std::uint64_t buffer, std::uint64_t fd = kFd) {
        kernel.current.registers = {};
        kernel.current.registers.di = fd;
        kernel.current.registers.si = buffer;
        kernel.current.registers.ax = static_cast<std::uint64_t>(-ENOSYS);
        kernel.current.registers.orig_ax = static_cast<std::uint64_t>(call);
        plain_receive_tracepoint(&socket, result, 0);
    }
    // What the kernel's own functions see: an iterator that stands behind what was moved.
    static kernel_msghdr buffer_message(const void* buffer, std::size_t moved) {
        kernel_msghdr out{};
        out.msg_iter.iter_type = ITER_UBUF;
        out.msg_iter.iov_offset = moved;
        out.msg_iter.ubuf = const_cast<void*>(buffer);
        return out;
    }
    static kernel_msghdr vectors_message(const ::iovec* at, std::size_t offset) {
        kernel_msghdr out{};
        out.msg_iter.iter_type = ITER_IOVEC;
        out.msg_iter.iov_offset = offset;
        out.msg_iter.iov = reinterpret_cast<const kernel_iovec*>(at);
        return out;
    }
    void send_fexit(kernel_msghdr& message, std::size_t size, int result) {
        socket.write_seq += result > 0 ? static_cast<std::uint32_t>(result) : 0;
        plain_send_fexit(&socket, &message, size, result);
    }
    void receive_fexit(kernel_msghdr& message, std::uint64_t flags, int result) {
        socket.copied_seq += result > 0 && flags == 0 ? static_cast<std::uint32_t>(result) : 0;
        kernel.knobs().receive_arguments = 5;
        unsigned long long arguments[] = {
            address(&socket), address(&message), 100, flags, 0, static_cast<unsigned long long>(result)};
        plain_receive_fexit(arguments);
    }
};

SEEN_IN_BOTH_WAYS(PlainCallsTest);

TEST_P(PlainCallsTest, TheConnectionIsToldOfWithItsAddresses) {
    sends("GET / HTTP/1.1\r\n\r\n");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    const auto open = records[1].as<wire_connection_open>();
    EXPECT_EQ(open.library, static_cast<__u32>(WIRE_LIBRARY_NONE));
    EXPECT_EQ(open.header.flags, WIRE_OPEN_FROM_START);
    EXPECT_EQ(open.pid, process.pid());
    EXPECT_EQ(records[2].as<wire_connection_socket>().socket.peer_port, 8000);
}

TEST_P(PlainCallsTest, OneBuffer) {
    const std::string question = "POST / HTTP/1.1\r\n", answer = "HTTP/1.1 200";
    returns(Call::write, 17, kFd, address(question.data()), 17);
    returns(Call::read, 12, kFd, address(answer.data()), 4096);
    sends("more");
    receives("less");
    EXPECT_EQ(data(),
              Strings({"sent@0 POST / HTTP/1.1\r\n", "received@0 HTTP/1.1 200", "sent@17 more", "received@12 less"}));
}

TEST_P(PlainCallsTest, OnlyWhatTheCallReturnedCounts) {
    const std::string question = "POST / HTTP/1.1\r\n";
    returns(Call::write, 5, kFd, address(question.data()), question.size());
    returns(Call::write, -EAGAIN, kFd, address(question.data()) + 5, 12);
    returns(Call::write, 12, kFd, address(question.data()) + 5, 12);
    EXPECT_EQ(data(), Strings({"sent@0 POST ", "sent@5 / HTTP/1.1\r\n"}));
}

TEST_P(PlainCallsTest, AFewHugeBuffersOfWhichLittleWasTaken) {
    const std::string head = "POST / HTTP/1.1\r\n";
    returns(Call::write, 6, kFd, address(head.data()), 3ULL << 30);
    moves_vectors(Call::writev, {{const_cast<char*>(head.data()) + 6, 3ULL << 30}, {nullptr, 3ULL << 30}}, 5);
    EXPECT_EQ(data(), Strings({"sent@0 POST /", "sent@6  HTTP"}));
    EXPECT_EQ(losses(WIRE_LOSS_UNREADABLE), 0U);
}

TEST_P(PlainCallsTest, SeveralBuffers) {
    const std::string one = "POST ", two = "/ HTTP", three = "/1.1\r\n";
    moves_vectors(Call::writev, {vector_of(one), {nullptr, 0}, vector_of(two), vector_of(three)}, 13);
    EXPECT_EQ(data(), Strings({"sent@0 POST ", "sent@5 / HTTP", "sent@11 /1"}));
    ::iovec vectors[] = {vector_of(three), vector_of(two)};
    user_msghdr message{};
    message.msg_iov = reinterpret_cast<kernel_iovec*>(vectors);
    message.msg_iovlen = 2;
    returns(Call::sendmsg, 8, kFd, address(&message), 0);
    returns(Call::recvmsg, 12, kFd, address(&message), 0);
    EXPECT_EQ(data(), Strings({"sent@13 /1.1\r\n", "sent@19 / ", "received@0 /1.1\r\n", "received@6 / HTTP"}));
}

TEST_P(PlainCallsTest, AsManyBuffersAsThereMayBe) {
    const std::string bytes = "GET / ";
    std::vector<::iovec> vectors(1024, vector_of(bytes));
    moves_vectors(Call::writev, vectors, 6144);
    const auto all = data();
    ASSERT_EQ(all.size(), 257U);
    EXPECT_EQ(all[255], "sent@1530 GET / ");
    EXPECT_EQ(all[256], "sent@1536 ");  // the rest is a gap
    EXPECT_EQ(losses(WIRE_LOSS_CALL_LIMIT), 1U);
    sends("next");
    EXPECT_EQ(data(), Strings({"sent@6144 next"}));
}

TEST_P(PlainCallsTest, TheLimitOfACallHoldsForAllItsBuffers) {
    kernel.knobs().call_limit = 8;
    const std::string bytes = "GET /a";
    moves_vectors(Call::writev, {vector_of(bytes), vector_of(bytes), vector_of(bytes)}, 18);
    const auto records = take(WIRE_DATA);
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[1].payload(), "GE");
    const auto rest = records[2].as<wire_data>();
    EXPECT_EQ(rest.offset, 8U);
    EXPECT_EQ(rest.length, 10U);
    EXPECT_EQ(rest.captured, 0U);
    EXPECT_EQ(rest.header.flags, WIRE_MISSING_CALL_LIMIT);
    EXPECT_EQ(losses(WIRE_LOSS_CALL_LIMIT), 1U);
}

TEST_P(PlainCallsTest, APeekMovesNothing) {
    sends("GET / HTTP/1.1\r\n\r\n");
    take();
    receives("HTTP/1.1", kFd, MSG_PEEK);
    returns(Call::recvmsg, 8, kFd, address("HTTP/1.1"), MSG_PEEK);
    returns(Call::recvmsg, 8, kFd, address("HTTP/1.1"), MSG_ERRQUEUE);
    EXPECT_TRUE(take().empty());
    receives("HTTP/1.1 200");
    EXPECT_EQ(data(), Strings({"received@0 HTTP/1.1 200"}));
}

TEST_P(PlainCallsTest, WhatTheKernelMovesByItselfIsAGap) {
    sends("POST /");
    take();
    returns(Call::sendfile, 100, kFd, 3);
    returns(Call::splice, 200, 3, 0, kFd);  // from a pipe to the socket
    returns(Call::splice, 300, kFd, 0, 3);
    returns(Call::recvfrom, 50, kFd, 0, 50, MSG_TRUNC);
    const auto records = take(WIRE_DATA);
    ASSERT_EQ(records.size(), 4U);  // splice() out of a socket shows in its sequence numbers, at the latest
    const std::pair<std::uint64_t, std::uint64_t> expected[] = {{6, 100}, {106, 200}, {0, 300}, {300, 50}};
    for (std::size_t i = 0; i < 4; ++i) {
        const auto one = records[i].as<wire_data>();
        EXPECT_EQ(std::pair(std::uint64_t{one.offset}, std::uint64_t{one.length}), expected[i]);
        EXPECT_EQ(one.captured, 0U);
        EXPECT_EQ(one.header.flags, WIRE_MISSING_UNSEEN);
        EXPECT_EQ(one.header.direction, i < 2 ? WIRE_SENT : WIRE_RECEIVED);
    }
    EXPECT_EQ(losses(WIRE_LOSS_UNSEEN), 4U);
}

TEST_P(PlainCallsTest, ManyMessagesAtOnceAreAGapOfTheirSum) {
    sends("POST /");
    kernel_mmsghdr messages[3] = {};
    for (kernel_mmsghdr& one : messages)
        one.msg_len = 1000;
    take();
    socket.copied_seq += 3000;
    returns(Call::recvmmsg, 3, kFd, address(messages), 3);
    if (GetParam() == Seen::by_tracepoint) told(Call::recvmmsg, 3000, address(messages));
    const auto records = take(WIRE_DATA);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].as<wire_data>().length, 3000U);
}

TEST_P(PlainCallsTest, ABufferThatCannotBeReadIsAGap) {
    sends("POST /");
    take();
    returns(Call::writev, 20, kFd, 0, 2);
    const auto records = take(WIRE_DATA);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].as<wire_data>().length, 20U);
    EXPECT_EQ(losses(WIRE_LOSS_UNREADABLE), 1U);
}

TEST_P(PlainCallsTest, OtherCallsAndOtherDescriptors) {
    process.open_socket(6, nullptr);
    tcp_sock datagrams = ipv4_socket("10.0.0.1", 1, "10.0.0.2", 53);
    sock local = unix_socket();
    datagrams.sk_protocol = 17;
    process.open_socket(7, &datagrams);
    process.open_socket(8, &local);
    const std::string bytes = "GET / HTTP/1.1\r\n";
    returns(Call::getpid, 16, kFd, address(bytes.data()), 16);
    for (const std::uint64_t fd : {3ULL, 4ULL, 6ULL, 7ULL, 8ULL, 9ULL, 1000ULL, ~0ULL})
        returns(Call::write, 16, fd, address(bytes.data()), 16);
    process.task()->thread_info.status = 2;  // a 32-bit program: call 1 is exit there
    sends(bytes);
    EXPECT_TRUE(take().empty());
}

TEST_P(PlainCallsTest, WhatIoUringMovesWhileAnotherCallIsUnderWayIsAGap) {
    const std::string bytes = "POST / HTTP/1.1\r\n", other = "never seen";
    sends(bytes);
    take();
    tcp_sock elsewhere = ipv4_socket("10.0.0.1", 40002, "10.0.0.2", 8000);
    opens(7, elsewhere);
    socket.copied_seq += 10;
    told(Call::read, 10, address(other.data()), 7);  // a read of another socket
    socket.copied_seq += 20;
    kernel.current.registers.ax = 10;  // it has returned already: task work on the way out
    kernel.current.registers.di = kFd;
    plain_receive_tracepoint(&socket, 20, 0);
    kernel.current.registers = {};  // a thread of io_uring's own
    socket.write_seq += 30;
    plain_send_tracepoint(&socket, 30, 0);
    const auto records = take(WIRE_DATA);
    ASSERT_EQ(records.size(), 3U);
    const std::pair<std::uint64_t, std::uint64_t> expected[] = {{0, 10}, {10, 20}, {17, 30}};
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(records[i].as<wire_data>().offset, expected[i].first);
        EXPECT_EQ(records[i].as<wire_data>().length, expected[i].second);
        EXPECT_EQ(records[i].header().flags, WIRE_MISSING_UNSEEN);
    }
}

TEST_P(PlainCallsTest, ACallThatMovesTheOtherWayIsNoneOfTheSockets) {
    const std::string bytes = "POST / HTTP/1.1\r\n";
    sends(bytes);
    take();
    socket.copied_seq += 10;
    told(Call::write, 10, address(bytes.data()));
    const auto records = take(WIRE_DATA);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].header().direction, WIRE_RECEIVED);
    EXPECT_EQ(records[0].header().flags, WIRE_MISSING_UNSEEN);
}

TEST_P(PlainCallsTest, TheTracepointsOfPlainTcpTellTheSocketsOfTlsToo) {
    const auto write_through = [&](std::uint64_t ssl) {
        enter(kWrite, ssl, "secret", 6);
        kernel.current.registers.sp = kStack - 0x100;
        plain_send_tracepoint(&socket, 28, 0);
        leave(kWrite, 6);
        return kinds(take());
    };
    kernel.knobs().plain_tells_sockets = 1;
    EXPECT_EQ(write_through(0xa), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    kernel.knobs().plain_tells_sockets = 0;
    EXPECT_EQ(write_through(0xb), Kinds({WIRE_CONNECTION_OPEN, WIRE_DATA}));
}

TEST_P(PlainCallsTest, MessagesSentTogetherAreToldOfOneByOne) {
    sends("POST /");
    take();
    for (int i = 0; i < 3; ++i) {
        kernel.current.registers.orig_ax = 307;  // sendmmsg
        kernel.current.registers.di = kFd;
        kernel.current.registers.ax = static_cast<std::uint64_t>(-ENOSYS);
        socket.write_seq += 100;
        plain_send_tracepoint(&socket, 100, 0);
    }
    const auto records = take(WIRE_DATA);
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[2].as<wire_data>().offset, 206U);
    EXPECT_EQ(records[2].header().flags, WIRE_MISSING_UNSEEN);
}

TEST_P(PlainCallsTest, OfProgramsOf32BitsNothingIsTaken) {
    process.task()->thread_info.status = 2;  // TS_COMPAT
    told(Call::read, 10, 0);
    EXPECT_TRUE(take().empty());
}

TEST_P(PlainCallsTest, FexitWithOneBuffer) {
    const std::string question = "POST / HTTP/1.1\r\n", answer = "HTTP/1.1 200 OK";
    kernel_msghdr sent = buffer_message(question.data(), 17), received = buffer_message(answer.data(), 15);
    send_fexit(sent, 17, 17);
    receive_fexit(received, MSG_PEEK, 15);
    receive_fexit(received, 0, 15);
    receive_fexit(received, 0, -EAGAIN);
    EXPECT_EQ(data(), Strings({"sent@0 POST / HTTP/1.1\r\n", "received@0 HTTP/1.1 200 OK"}));
}

TEST_P(PlainCallsTest, FexitBeforeLinux519) {
    const std::string answer = "HTTP/1.1 200 OK";
    kernel_msghdr received = buffer_message(answer.data(), 15);
    kernel.knobs().receive_arguments = 6;
    socket.copied_seq += 15;
    unsigned long long arguments[] = {address(&socket), address(&received), 100, 1, 0, 0, 15};
    plain_receive_fexit(arguments);
    EXPECT_EQ(data(), Strings({"received@0 HTTP/1.1 200 OK"}));
}

TEST_P(PlainCallsTest, FexitWithSeveralBuffers) {
    const std::string one = "POST ", two = "/ HTTP", three = "/1.1\r\n";
    const ::iovec vectors[] = {vector_of(one), {nullptr, 0}, vector_of(two), vector_of(three)};
    // All of the first three, and two bytes of the last.
    kernel_msghdr first = vectors_message(vectors + 3, 2);
    send_fexit(first, 100, 13);
    // The next call's iterator starts where that one ended, and ends behind the array.
    kernel_msghdr second = vectors_message(vectors + 4, 0);
    send_fexit(second, 4, 4);
    EXPECT_EQ(data(), Strings({"sent@0 POST ", "sent@5 / HTTP", "sent@11 /1", "sent@13 .1\r\n"}));
}

TEST_P(PlainCallsTest, FexitWithPages) {
    sends("POST /");
    take();
    kernel_msghdr message{};
    message.msg_iter.iter_type = ITER_BVEC;
    send_fexit(message, 4096, 4096);
    socket.write_seq += 100;
    plain_sendpage_fexit(&socket, nullptr, 0, 100, 0, 100);
    kernel_socket file{1, &socket, nullptr};
    socket.copied_seq += 10;
    plain_splice_fexit(&file, nullptr, nullptr, 10, 0, 10);
    const auto records = take(WIRE_DATA);
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[1].as<wire_data>().offset, 6U + 4096);
    EXPECT_EQ(records[2].header().direction, WIRE_RECEIVED);
}

TEST_P(PlainCallsTest, Kprobes) {
    const std::string question = "POST / HTTP/1.1\r\n", answer = "HTTP/1.1 200 OK";
    kernel_msghdr sent = buffer_message(question.data(), 17), received = buffer_message(answer.data(), 15);
    plain_send_kprobe(&socket, &sent);
    socket.write_seq += 17;
    plain_send_kretprobe(17);
    pt_regs regs{};
    regs.di = address(&socket);
    regs.si = address(&received);
    regs.cx = MSG_PEEK;
    plain_receive_kprobe(&regs);
    plain_receive_kretprobe(15);
    regs.cx = 0;
    socket.copied_seq += 15;
    plain_receive_kprobe(&regs);
    plain_receive_kretprobe(15);
    plain_receive_kretprobe(15);  // of a call whose entry was not seen
    EXPECT_EQ(data(), Strings({"sent@0 POST / HTTP/1.1\r\n", "received@0 HTTP/1.1 200 OK"}));
    EXPECT_EQ(kernel.entries("plain_calls"), 0U);
}

TEST_P(PlainCallsTest, AReturnThatTheKernelMissedEndsTheConnection) {
    sends("POST / HTTP/1.1\r\n");
    take();
    kernel_msghdr message{};
    plain_send_kprobe(&socket, &message);
    plain_send_kprobe(&socket, &message);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_CONNECTION_CLOSE}));
    EXPECT_EQ(losses(WIRE_LOSS_CALL_UNRETURNED), 1U);
    EXPECT_EQ(kernel.entries("plain_calls"), 1U);
    process_exit(process.task());
    EXPECT_EQ(kernel.entries("plain_calls"), 0U);
}

TEST_P(PlainCallsTest, AKprobeThatFindsNoRoomEndsTheConnection) {
    sends("POST / HTTP/1.1\r\n");
    take();
    kernel.fail_updates("plain_calls", 1);
    kernel_msghdr message{};
    plain_send_kprobe(&socket, &message);
    plain_send_kretprobe(100);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_CONNECTION_CLOSE}));
    EXPECT_EQ(losses(WIRE_LOSS_CALLS_FULL), 1U);
    sends("rest");  // joined in the middle
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    EXPECT_EQ(records[0].header().flags, 0);
}

TEST_P(PlainCallsTest, WhatNobodyToldOfIsAGap) {
    sends("POST / HTTP/1.1\r\n");
    receives("HTTP/1.1 200");
    socket.copied_seq += 1000;  // by io_uring, perhaps
    receives(" OK");
    socket.write_seq += 2000;
    sends("more");
    EXPECT_EQ(data(), Strings({"sent@0 POST / HTTP/1.1\r\n", "received@0 HTTP/1.1 200", "received@12 ",
                               "received@1012  OK", "sent@17 ", "sent@2017 more"}));
    EXPECT_EQ(losses(WIRE_LOSS_UNSEEN), 2U);
}

TEST_P(PlainCallsTest, TheFinThatIsTakenWithTheLastBytesIsNoByte) {
    sends("GET / HTTP/1.1\r\n\r\n");
    receives("HTTP/1.1 200");
    socket.sk_shutdown = 1;
    socket.copied_seq += 1;
    receives(" OK");
    EXPECT_EQ(data(), Strings({"sent@0 GET / HTTP/1.1\r\n\r\n", "received@0 HTTP/1.1 200", "received@12  OK"}));
}

TEST_P(PlainCallsTest, BytesInAnOrderThatNobodyKnowsEndTheConnection) {
    sends("POST / HTTP/1.1\r\n");
    take();
    socket.write_seq -= 10;  // another thread's call was told of first, and took the sum for its own
    sends("01234");
    EXPECT_EQ(kinds(take()), Kinds({WIRE_CONNECTION_CLOSE}));
    sends("rest");
    EXPECT_EQ(data(), Strings({"sent@0 rest"}));
}

TEST_P(PlainCallsTest, AConnectionWhoseFirstBytesWentUnseenIsJoinedLate) {
    connects();
    socket.write_seq += 100;
    sends("GET /second HTTP/1.1\r\n");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    EXPECT_EQ(records[1].header().flags, 0);
}

}  // namespace

}  // namespace llmsnoop::bpf_native
