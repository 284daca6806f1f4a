// Go: calls that belong to goroutines, which change threads and whose stacks move, and run on one connection at once.
#include "tests/bpf_native/bpf_test.h"

namespace llmsnoop::bpf_native {

namespace {

using Program = int (*)(pt_regs*);

// runtime.g, as far as the programs look.
struct Goroutine {
    std::uint64_t lo = 0, hi = 0xc000'0100'0000;
};

struct EofError {
    const char* text = "EOF";
    std::uint64_t length = 3;
};

class GoTest : public BpfTest {
 protected:
    static constexpr std::uint64_t kConn = 0xc000'1000;
    static constexpr std::uint64_t kDepth = 0x400;
    static constexpr std::uint64_t kZeroFlag = 0x40;

    pt_regs registers(const Goroutine& g, std::uint64_t depth) const {
        pt_regs out{0, 0, 0, 0, 0, g.hi - depth};
        out.r14 = address(&g);
        return out;
    }
    void begin(Program program, const Goroutine& g, const std::string& buffer, std::uint64_t conn = kConn,
               std::uint64_t depth = kDepth) {
        pt_regs regs = registers(g, depth);
        regs.ax = conn;
        regs.bx = address(buffer.data());
        regs.cx = regs.di = buffer.size();
        program(&regs);
    }
    void end(Program program, const Goroutine& g, long moved, std::uint64_t depth = kDepth,
             const EofError* error = nullptr) {
        pt_regs regs = registers(g, depth);
        regs.ax = static_cast<std::uint64_t>(moved);
        regs.bx = error != nullptr ? 0x1234 : 0;
        regs.cx = address(error);
        program(&regs);
    }
    void go_write(const Goroutine& g, const std::string& bytes, std::uint64_t conn = kConn) {
        begin(go_write_entry, g, bytes, conn);
        end(go_write_return, g, static_cast<long>(bytes.size()));
    }
    void close(const Goroutine& g, std::uint64_t conn = kConn) {
        pt_regs regs = registers(g, kDepth);
        regs.ax = conn;
        go_close_entry(&regs);
    }
    void shake(const Goroutine& g, std::uint64_t conn = kConn) {
        pt_regs regs = registers(g, kDepth + 0x100);
        regs.ax = conn;
        go_handshake_entry(&regs);
    }

    Goroutine reader, writer;
};

TEST_F(GoTest, ReadsAndWrites) {
    shake(writer);
    go_write(writer, "question");
    const std::string buffer = "answer and more";
    begin(go_read_entry, reader, buffer);
    end(go_read_return, reader, 6);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA, WIRE_DATA}));
    EXPECT_EQ(records[1].as<wire_connection_open>().library, WIRE_LIBRARY_GO);
    EXPECT_EQ(records[1].header().flags, WIRE_OPEN_FROM_START);
    EXPECT_EQ(records[2].payload(), "question");
    EXPECT_EQ(records[3].payload(), "answer");
    EXPECT_EQ(kernel.entries("go_calls"), 0U);
}

TEST_F(GoTest, AReadWaitsWhileOthersWrite) {
    const std::string buffer = "answer";
    begin(go_read_entry, reader, buffer);
    go_write(writer, "one");
    go_write(writer, "two");
    end(go_read_return, reader, 6);
    EXPECT_EQ(data(), Strings({"sent@0 one", "sent@3 two", "received@0 answer"}));
}

TEST_F(GoTest, AGoroutineReturnsOnAnotherThread) {
    const std::string buffer = "answer";
    begin(go_read_entry, reader, buffer);
    run_thread(process, process.add_thread(101, "worker"));
    end(go_read_return, reader, 6);
    EXPECT_EQ(data(), Strings({"received@0 answer"}));
}

TEST_F(GoTest, TheStackMovesDuringACall) {
    const std::string buffer = "answer";
    begin(go_read_entry, reader, buffer);
    reader.hi += 0x12'3000;
    end(go_read_return, reader, 6);
    EXPECT_EQ(data(), Strings({"received@0 answer"}));
}

TEST_F(GoTest, ACallThatHasToGrowTheStackFirstBeginsLater) {
    const std::string buffer = "question";
    pt_regs regs = registers(writer, kDepth);
    regs.ax = kConn;
    regs.bx = address(buffer.data());
    regs.cx = buffer.size();
    regs.flags = kZeroFlag;
    go_write_entry(&regs);
    EXPECT_EQ(kernel.entries("go_calls"), 0U);
    writer.hi += 0x1'0000;
    go_write(writer, buffer);
    EXPECT_EQ(data(), Strings({"sent@0 question"}));
}

TEST_F(GoTest, TlsInsideTls) {
    const std::string inner = "cipher", outer = "plain";
    begin(go_write_entry, writer, outer, kConn, 0x400);
    begin(go_write_entry, writer, inner, kConn + 64, 0x800);
    end(go_write_return, writer, 6, 0x800);
    end(go_write_return, writer, 5, 0x400);
    EXPECT_EQ(data(), Strings({"sent@0 cipher", "sent@0 plain"}));
}

TEST_F(GoTest, ACallThatPanicsEndsWithTheNext) {
    go_write(writer, "seen");
    take();
    begin(go_write_entry, writer, "panics");
    begin(go_write_entry, writer, "next", kConn, kDepth - 0x10);
    EXPECT_EQ(losses(WIRE_LOSS_CALL_UNRETURNED), 1U);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_CONNECTION_CLOSE}));
}

TEST_F(GoTest, ErrorsMoveNothing) {
    const EofError closed{"use of closed network connection", 32}, end_of_file;
    const std::string buffer(16, ' ');
    go_write(writer, "question");
    take();
    begin(go_read_entry, reader, buffer);
    end(go_read_return, reader, 0, kDepth, &closed);
    EXPECT_TRUE(take().empty());
    begin(go_read_entry, reader, buffer);
    end(go_read_return, reader, 0, kDepth, &end_of_file);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_DIRECTION_END}));
}

TEST_F(GoTest, AnEndWaitsForTheCallsUnderWay) {
    const std::string answer = "answer", question = "question";
    shake(writer);
    begin(go_write_entry, writer, question);
    begin(go_read_entry, reader, answer);
    end(go_read_return, reader, 6);
    begin(go_read_entry, reader, answer);
    close(reader);
    close(reader);
    EXPECT_TRUE(take(WIRE_CONNECTION_CLOSE).empty());
    end(go_write_return, writer, 8);
    EXPECT_EQ(data(), Strings({"sent@0 question"}));
    end(go_read_return, reader, 0);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_CONNECTION_CLOSE}));
    close(reader);
    EXPECT_TRUE(take().empty());
}

TEST_F(GoTest, AnAddressComesBack) {
    shake(writer);
    go_write(writer, "first");
    shake(writer);  // its end was not seen
    go_write(writer, "second");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA, WIRE_CONNECTION_CLOSE,
                                     WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_EQ(records[3].header().flags, WIRE_CLOSE_REPLACED);
}

TEST_F(GoTest, AHandshakeWithinTheFirstCallIsItsBeginning) {
    const std::string question = "question";
    begin(go_write_entry, writer, question);
    shake(writer);
    end(go_write_return, writer, 8);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA}));
    close(writer);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_CONNECTION_CLOSE}));
}

TEST_F(GoTest, ARenegotiationIsNoBeginning) {
    const std::string answer = "answer";
    shake(writer);
    go_write(writer, "question");
    begin(go_read_entry, reader, answer);
    shake(reader);
    end(go_read_return, reader, 6);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA, WIRE_DATA}));
}

TEST_F(GoTest, WithoutRoomForACallItsConnectionBeginsAnew) {
    go_write(writer, "first");
    take();
    kernel.limit("go_calls", 0);
    go_write(writer, "missed");
    EXPECT_EQ(losses(WIRE_LOSS_CALLS_FULL), 1U);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_CONNECTION_CLOSE}));
}

TEST_F(GoTest, AnotherProcessWithTheSameNumbers) {
    const std::string buffer = "answer";
    begin(go_read_entry, reader, buffer);  // killed in it
    FakeProcess next(process.pid(), {});
    run(next);
    kernel.put("processes", process.pid(), process_state{});
    kernel.current.tid = 555;
    begin(go_read_entry, reader, buffer);
    end(go_read_return, reader, 6);
    EXPECT_EQ(losses(WIRE_LOSS_CALL_UNRETURNED), 0U);
}

TEST_F(GoTest, TheGoroutineTellsWhoseSocketItIs) {
    // The registers with which a thread entered the kernel lie at the end of its kernel stack.
    std::vector<std::uint8_t> stack(16384);
    auto* saved = reinterpret_cast<pt_regs*>(stack.data() + stack.size() - sizeof(pt_regs));
    process.task()->stack = stack.data();
    tcp_sock socket = ipv4_socket("10.0.0.1", 40000, "10.0.0.2", 443);
    const std::string question = "question";
    shake(writer);
    take();
    begin(go_write_entry, writer, question);
    saved->cs = 0x33;
    saved->r14 = address(&reader);  // another goroutine sends on this thread
    socket_send_tracepoint(&socket, 30, 0);
    end(go_write_return, writer, 8);
    EXPECT_TRUE(take(WIRE_CONNECTION_SOCKET).empty());
    begin(go_write_entry, writer, question);
    saved->r14 = address(&writer);
    socket_send_tracepoint(&socket, 30, 0);
    end(go_write_return, writer, 8);
    EXPECT_EQ(take(WIRE_CONNECTION_SOCKET).size(), 1U);
}

}  // namespace

}  // namespace llmsnoop::bpf_native
