// From the entry of a TLS call to its return: arguments, results, nesting, and calls that never return.
#include "tests/bpf_native/bpf_test.h"

namespace llmsnoop::bpf_native {

namespace {

class CallTest : public BpfTest {};

// Whether `ssl` is followed as one connection: that of the last WIRE_CONNECTION_OPEN.
struct Opened {
    std::uint64_t object, id;
    bool from_start;
};
std::vector<Opened> opened(const std::vector<Record>& records) {
    std::vector<Opened> out;
    for (const Record& one : records) {
        if (one.kind() != WIRE_CONNECTION_OPEN) continue;
        const auto open = one.as<wire_connection_open>();
        out.push_back({open.object, open.connection, (open.header.flags & WIRE_OPEN_FROM_START) != 0});
    }
    return out;
}

TEST_F(CallTest, TheResultIsTheLength) {
    const std::string buffer = "hello, and what is left in the buffer";
    enter(kRead, kSsl, buffer.data(), buffer.size());
    leave(kRead, 5);
    EXPECT_EQ(data(), Strings({"received@0 hello"}));
    write("question");
    EXPECT_EQ(data(), Strings({"sent@0 question"}));
}

TEST_F(CallTest, TheLengthIsBehindThePointer) {
    for (const IoFunction& function : {kReadEx, kReadInternal}) {
        start_over();
        const std::string buffer = "hello and more";
        std::uint64_t done = 0;
        enter(function, kSsl, buffer.data(), buffer.size(), kStack, &done);
        done = 5;  // known only at the return
        leave(function, 1);
        EXPECT_EQ(data(), Strings({"received@0 hello"}));
    }
    start_over();
    call(kWriteEx, "question");
    EXPECT_EQ(data(), Strings({"sent@0 question"}));
}

TEST_F(CallTest, AFailureMovesNothing) {
    write("first");
    take();
    for (const IoFunction& function : {kRead, kWrite, kReadInternal}) {
        const std::uint64_t done = 7;
        enter(function, kSsl, "buffer!", 7, kStack, &done);
        leave(function, -1);  // an int in a 64-bit register: not 4294967295 bytes
    }
    EXPECT_TRUE(take().empty());
    write("second");
    EXPECT_EQ(data(), Strings({"sent@5 second"}));
}

TEST_F(CallTest, ZeroEndsWhatIsRead) {
    for (const IoFunction& function : {kRead, kReadInternal}) {
        start_over();
        read("answer");
        take();
        for (int i = 0; i < 2; ++i) {  // it may be read again
            enter(function, kSsl, "buffer", 6, kStack, nullptr);
            leave(function, 0);
        }
        const auto records = take();
        ASSERT_EQ(kinds(records), Kinds({WIRE_DIRECTION_END}));
        EXPECT_EQ(records[0].header().direction, WIRE_RECEIVED);
        EXPECT_EQ(records[0].as<wire_direction_end>().offset, 6U);
    }
}

TEST_F(CallTest, ZeroOfTheExtendedReadMayBeARetry) {
    read("answer");
    take();
    const std::uint64_t done = 0;
    enter(kReadEx, kSsl, "buffer", 6, kStack, &done);
    leave(kReadEx, 0);
    EXPECT_TRUE(take().empty());
    read(" goes on");
    EXPECT_EQ(data(), Strings({"received@6  goes on"}));
}

TEST_F(CallTest, ZeroOfAWriteIsNoEnd) {
    write("question");
    take();
    enter(kWrite, kSsl, "buffer", 6);
    leave(kWrite, 0);
    EXPECT_TRUE(take().empty());
}

TEST_F(CallTest, ACallForNothingIsNoEnd) {
    read("answer");
    take();
    enter(kRead, kSsl, nullptr, 0);
    leave(kRead, 0);
    enter(kReadInternal, kSsl, nullptr, 0);
    leave(kReadInternal, 0);
    EXPECT_TRUE(take().empty());
}

TEST_F(CallTest, AnEndBeforeAnyByteSaysNothing) {
    enter(kRead, kSsl, "buffer", 6);
    leave(kRead, 0);
    EXPECT_TRUE(take().empty());
}

TEST_F(CallTest, ALengthThatCannotBeReadEndsTheConnection) {
    call(kWriteEx, "first");
    const auto before = opened(take());
    const std::uint64_t done = 6;
    kernel.make_unreadable(&done, sizeof done);
    enter(kWriteEx, kSsl, "second", 6, kStack, &done);
    leave(kWriteEx, 1);
    EXPECT_EQ(losses(WIRE_LOSS_UNREADABLE), 1U);
    auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_CLOSE}));
    EXPECT_EQ(records[0].header().flags, WIRE_CLOSE_LOST);
    EXPECT_EQ(records[0].as<wire_connection_close>().offset[WIRE_SENT], 5U);

    call(kWrite, "third");
    records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_NE(opened(records)[0].id, before[0].id);
    EXPECT_FALSE(opened(records)[0].from_start);
    EXPECT_EQ(records[1].as<wire_data>().offset, 0U);
}

TEST_F(CallTest, AReturnWithoutAnEntryIsNothing) {
    leave(kRead, 5);
    EXPECT_TRUE(take().empty());
    write("known thread");
    take();
    leave(kRead, 5);
    EXPECT_TRUE(take().empty());
}

// TLS over TLS: writing to the inner connection makes the library write to the outer one.
TEST_F(CallTest, NestedCallsReturnInTheirOrder) {
    enter(kWrite, 0xa, "plain", 5, kStack);
    enter(kWrite, 0xb, "cipher", 6, kStack - 0x200);
    leave(kWrite, 6, kStack - 0x200);
    leave(kWrite, 5, kStack);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA, WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_EQ(opened(records)[0].object, 0xbU);
    EXPECT_EQ(records[2].payload(), "cipher");
    EXPECT_EQ(opened(records)[1].object, 0xaU);
    EXPECT_EQ(records[4].payload(), "plain");
}

TEST_F(CallTest, AnInnerCallThatWasNotSeenToBeginLeavesTheOuterOneAlone) {
    enter(kWrite, 0xa, "plain", 5, kStack);
    leave(kWrite, 6, kStack - 0x200);  // probed while it ran
    EXPECT_TRUE(take().empty());
    leave(kWrite, 5, kStack);
    EXPECT_EQ(data(), Strings({"sent@0 plain"}));
}

TEST_F(CallTest, AnOuterReturnDropsInnerCallsThatDidNotReturn) {
    enter(kWrite, 0xa, "plain", 5, kStack);
    enter(kWrite, 0xb, "cipher", 6, kStack - 0x200);
    leave(kWrite, 5, kStack);  // the inner one was left by longjmp
    EXPECT_EQ(data(), Strings({"sent@0 plain"}));
    leave(kWrite, 6, kStack - 0x200);
    EXPECT_TRUE(take().empty());
}

TEST_F(CallTest, ACallLeftByLongjmpEndsItsConnection) {
    call(kWrite, "first", 0xa);
    const auto first = opened(take()).at(0);
    enter(kWrite, 0xa, "lost", 4, kStack - 0x200);  // never returns
    call(kWrite, "other", 0xb, kStack);             // further up the stack: the former cannot be there any more
    EXPECT_EQ(losses(WIRE_LOSS_CALL_UNRETURNED), 1U);
    auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_CLOSE, WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_EQ(records[0].as<wire_connection_close>().connection, first.id);
    EXPECT_EQ(records[0].header().flags, WIRE_CLOSE_LOST);

    call(kWrite, "second", 0xa);
    records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_NE(opened(records)[0].id, first.id);
    EXPECT_FALSE(opened(records)[0].from_start);
}

TEST_F(CallTest, AMissedReturnIsNoticedByTheNextCall) {
    ssl_new();
    write("first");
    take();
    enter(kWrite, kSsl, "missed", 6);  // the kernel could not set the return probe
    write("second");
    EXPECT_EQ(losses(WIRE_LOSS_CALL_UNRETURNED), 1U);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_CLOSE, WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_FALSE(opened(records)[0].from_start);
    EXPECT_EQ(records[2].payload(), "second");
}

TEST_F(CallTest, SeveralCallsMayBeLeftAtOnce) {
    for (std::uint64_t i = 0; i < 3; ++i)
        enter(kWrite, 0xa + i, "lost", 4, kStack - 0x100 * (i + 1));
    call(kWrite, "seen", kSsl, kStack);
    EXPECT_EQ(losses(WIRE_LOSS_CALL_UNRETURNED), 3U);
    EXPECT_EQ(data(), Strings({"sent@0 seen"}));
}

TEST_F(CallTest, FourCallsDeepAreFollowed) {
    for (std::uint64_t i = 0; i < 4; ++i)
        call(kWrite, "known", 0xa + i);
    call(kWrite, "known", 0xe);
    const auto last = opened(take()).back();
    for (std::uint64_t i = 0; i < 5; ++i)
        enter(kWrite, 0xa + i, "0123456789", 10, kStack - 0x100 * i);
    EXPECT_EQ(losses(WIRE_LOSS_CALLS_NESTED), 1U);
    auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_CLOSE}));
    EXPECT_EQ(records[0].as<wire_connection_close>().connection, last.id);
    EXPECT_EQ(records[0].header().flags, WIRE_CLOSE_LOST);

    for (std::uint64_t i = 5; i-- > 0;)
        leave(kWrite, static_cast<int>(i) + 1, kStack - 0x100 * i);
    EXPECT_EQ(data(), Strings({"sent@5 0123", "sent@5 012", "sent@5 01", "sent@5 0"}));
    EXPECT_EQ(losses(WIRE_LOSS_CALL_UNRETURNED), 0U);
}

TEST_F(CallTest, AFunctionMadeOfAnotherIsOneCall) {
    const std::string text = "answer";
    std::uint64_t done = 0;
    enter(kReadEx, kSsl, text.data(), text.size(), kStack, &done);
    enter(kRead, kSsl, text.data(), text.size(), kStack - 0x40);
    leave(kRead, 6, kStack - 0x40);
    done = 6;
    leave(kReadEx, 1, kStack);
    EXPECT_EQ(data(), Strings({"received@0 answer"}));
}

TEST_F(CallTest, WhereTheTableOfThreadsIsFullTheConnectionEnds) {
    write("first");
    take();
    kernel.limit("calls", 1);
    run_thread(process, process.add_thread(101, "worker"));
    write("not seen");
    EXPECT_EQ(losses(WIRE_LOSS_CALLS_FULL), 1U);
    auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_CLOSE}));
    EXPECT_EQ(records[0].header().flags, WIRE_CLOSE_LOST);
    EXPECT_EQ(records[0].as<wire_connection_close>().offset[WIRE_SENT], 5U);

    run(process);
    write("second");
    records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_FALSE(opened(records)[0].from_start);
}

TEST_F(CallTest, AFullTableIsNoLossOfThoseWhoAreNotTraced) {
    kernel.knobs().select = SELECT_PID;
    kernel.limit("calls", 0);
    write("private");
    EXPECT_EQ(losses(WIRE_LOSS_CALLS_FULL), 0U);
    EXPECT_TRUE(take().empty());
}

TEST_F(CallTest, TwoThreadsMayUseOneConnectionInTurn) {
    task_struct* const second = process.add_thread(101, "worker");
    write("one");
    run_thread(process, second);
    write("two");
    run(process);
    write("three");
    EXPECT_EQ(data(), Strings({"sent@0 one", "sent@3 two", "sent@6 three"}));
    EXPECT_EQ(kernel.entries("connections"), 1U);
}

TEST_F(CallTest, CallsOfTwoThreadsDoNotMix) {
    task_struct* const second = process.add_thread(101, "worker");
    enter(kRead, 0xa, "aaaa", 4, kStack);
    run_thread(process, second);
    enter(kRead, 0xb, "bbbb", 4, kStack);
    leave(kRead, 3, kStack);
    run(process);
    leave(kRead, 2, kStack);
    EXPECT_EQ(data(), Strings({"received@0 bbb", "received@0 aa"}));
}

TEST_F(CallTest, ASessionSkipsReturnsOfNoInterest) {
    const std::string text = "answer";
    pt_regs entry = registers(kSsl, address(text.data()), text.size(), 0, 0, kStack);
    pt_regs on_return = registers(0, 0, 0, 0, 6, kStack + 8);
    EXPECT_EQ(openssl_read_session(&entry), 0);
    kernel.session_return = true;
    EXPECT_EQ(openssl_read_session(&on_return), 0);
    EXPECT_EQ(data(), Strings({"received@0 answer"}));

    start_over();
    kernel.knobs().select = SELECT_PID;
    EXPECT_EQ(openssl_read_session(&entry), 1);
}

TEST_F(CallTest, ACallInFlightOutlivesTheVerdict) {
    enter(kRead, kSsl, "answer", 6);
    kernel.knobs().select = SELECT_PID;  // another selection from now on
    ++filter_epoch;
    leave(kRead, 6);
    EXPECT_EQ(data(), Strings({"received@0 answer"}));
    read("more");
    EXPECT_TRUE(take().empty());
}

}  // namespace

}  // namespace llmsnoop::bpf_native
