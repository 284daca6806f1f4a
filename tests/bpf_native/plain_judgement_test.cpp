// Whose bytes are copied: of processes that are selected, of connections that begin like HTTP or have begun before
// anybody looked.
#include "tests/bpf_native/plain_fixture.h"

namespace llmsnoop::bpf_native {

namespace {

class PlainJudgementTest : public PlainTest {
 protected:
    // The number of records that a call leaves behind.
    std::size_t after_sending(const std::string& bytes) {
        sends(bytes);
        return take().size();
    }
    static std::string tls_record() { return {"\x16\x03\x01\x02\x00\x01\x00", 7}; }
};

SEEN_IN_BOTH_WAYS(PlainJudgementTest);

TEST_P(PlainJudgementTest, WhatBeginsLikeHttp) {
    for (const char* first :
         {"GET / HTTP/1.1", "POST /v1", "PUT /", "DELETE /", "HEAD /", "OPTIONS *", "PATCH /", "TRACE /",
          "CONNECT a:443", "PRI * HTTP/2.0", "HTTP/1.1 200 OK", "HTTP/1.0 200", "G", "PO", "HTTP/1"}) {
        connects();
        sends(first);
        EXPECT_EQ(data(), Strings({std::string("sent@0 ") + first})) << first;
    }
}

TEST_P(PlainJudgementTest, AnHttp2ServerMaySpeakFirst) {
    is_accepted();
    const std::string settings("\0\0\x12\x04\0\0\0\0\0\0\x03", 11), ack("\0\0\0\x04\x01\0\0\0\0", 9);
    sends(settings);
    receives("PRI * HTTP/2.0");
    EXPECT_EQ(take(WIRE_DATA).size(), 2U);
    is_accepted();
    sends(ack);
    receives("PRI * HTTP/2.0");
    EXPECT_TRUE(take(WIRE_DATA).empty());
}

TEST_P(PlainJudgementTest, WhatDoesNot) {
    const std::string with_nul("\0\0\0\x08", 4);
    for (const std::string& first :
         {tls_record(), std::string("SSH-2.0-x"), std::string("*3\r\n$3\r\nSET"), with_nul, std::string("GETTY / "),
          std::string("HTTP/2 200"), std::string("get / HTTP/1.1"), std::string("POSTS"), std::string("X")}) {
        connects();
        EXPECT_EQ(after_sending(first), 0U) << first;
        EXPECT_EQ(after_sending("GET / HTTP/1.1\r\n\r\n"), 0U) << first;
        receives("HTTP/1.1 200 OK");
        EXPECT_TRUE(take().empty());
    }
}

TEST_P(PlainJudgementTest, TheFirstBytesOfAServerAreReceived) {
    is_accepted();
    receives("POST / HTTP/1.1\r\n");
    EXPECT_EQ(data(), Strings({"received@0 POST / HTTP/1.1\r\n"}));
    is_accepted();
    receives(tls_record());
    receives("POST / HTTP/1.1\r\n");
    EXPECT_TRUE(take(WIRE_DATA).empty());
}

TEST_P(PlainJudgementTest, FirstBytesInSeveralBuffers) {
    connects();
    const std::string empty, one = "PO", two = "ST / HTTP";
    moves_vectors(Call::writev, {vector_of(empty), vector_of(one), vector_of(two)}, 11);
    EXPECT_EQ(data(), Strings({"sent@0 PO", "sent@2 ST / HTTP"}));
    connects();
    const std::string tls = tls_record();
    moves_vectors(Call::writev, {vector_of(empty), vector_of(tls)}, 7);
    EXPECT_TRUE(take(WIRE_DATA).empty());
}

TEST_P(PlainJudgementTest, AConnectionThatBeginsUnseenIsJoinedLate) {
    connects();
    returns(Call::sendfile, 100, kFd, 3);
    sends("GET / HTTP/1.1\r\n\r\n");
    const auto records = take();
    ASSERT_EQ(kinds(records),
              Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA, WIRE_DATA}));
    EXPECT_EQ(records[1].header().flags, 0);
    EXPECT_EQ(records[3].header().flags, WIRE_MISSING_UNSEEN);
    EXPECT_EQ(records[4].as<wire_data>().offset, 100U);
}

TEST_P(PlainJudgementTest, SocketsOfTheKernelItselfAreLeftAlone) {
    socket.sk_socket->file = nullptr;
    EXPECT_EQ(after_sending("GET / HTTP/1.1\r\n\r\n"), 0U);
    connects();
    EXPECT_EQ(after_sending("GET / HTTP/1.1\r\n\r\n"), 0U);
}

TEST_P(PlainJudgementTest, AConnectionInUseIsDelivered) {
    sends("rest of a body");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_SOCKET, WIRE_DATA}));
    EXPECT_EQ(records[1].header().flags, 0);
    sends("POST / HTTP/1.1\r\n");
    EXPECT_EQ(data(), Strings({"sent@14 POST / HTTP/1.1\r\n"}));
}

TEST_P(PlainJudgementTest, UntilItShowsATlsRecord) {
    EXPECT_GT(after_sending("the end of a record"), 0U);
    EXPECT_EQ(after_sending(std::string("\x17\x03\x03\x00\x20", 5)), 0U);  // a header read by itself
    EXPECT_EQ(after_sending("and what belongs to it"), 0U);
}

TEST_P(PlainJudgementTest, WhatTurnedOutToBeTlsMissesNothingAtItsEnd) {
    receives("the body of a record, whose header was read before tracing began");
    receives(std::string("\x17\x03\x03\x00\x20", 5));
    take();
    socket.copied_seq += 200;  // what its TLS library reads is no business of plain TCP's
    socket.sk_shutdown = 3;
    changes(kEstablished, kClose);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_CONNECTION_CLOSE}));
}

TEST_P(PlainJudgementTest, WhatUserSpaceMutesForGoodIsLeftAlone) {
    sends("something");
    const auto id = take()[1].as<wire_connection_open>().connection;
    kernel.put("mutes", id, mute{{~0ULL, 9}});
    mutes_in_use = 1;
    EXPECT_EQ(after_sending("more"), 0U);  // one direction only
    receives("an answer");
    EXPECT_TRUE(take().empty());
    receives("beyond");
    EXPECT_EQ(take().size(), 1U);
    kernel.put("mutes", id, mute{{~0ULL, ~0ULL}});
    EXPECT_EQ(after_sending("more"), 0U);
    mutes_in_use = 0;  // it is not asked for any more
    EXPECT_EQ(after_sending("more"), 0U);
}

TEST_P(PlainJudgementTest, WhatATlsCallSendsIsItsOwn) {
    connects();
    enter(kWrite, kSsl, "secret", 6, kStack + 64);  // its frame is above that of the system call
    sends(tls_record());
    EXPECT_TRUE(data().empty());
    socket_send_tracepoint(&socket, 100, 0);
    leave(kWrite, 6, kStack + 64);
    EXPECT_EQ(data(), Strings({"sent@0 secret"}));
    sends("GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(data().empty());
}

TEST_P(PlainJudgementTest, ATlsCallThatNeverReturnedHidesNothing) {
    connects();
    enter(kWrite, kSsl, "secret", 6, kStack - 64);
    sends("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(data(), Strings({"sent@0 GET / HTTP/1.1\r\n\r\n"}));
}

TEST_P(PlainJudgementTest, ProcessesThatAreNotSelected) {
    kernel.knobs().select = SELECT_UID;
    kernel.put("target_uids", __u32{4242}, __u32{1});
    connects();
    EXPECT_EQ(after_sending("GET / HTTP/1.1\r\n\r\n"), 0U);
    EXPECT_EQ(kernel.entries("calls"), 0U);  // it takes no room
    kernel.current.uid = 4242;               // setuid()
    EXPECT_EQ(after_sending("GET / HTTP/1.1\r\n\r\n"), 4U);
}

TEST_P(PlainJudgementTest, AProcessThatTakesAnotherName) {
    kernel.knobs().select = SELECT_COMM;
    char wanted[WIRE_COMM_MAX] = "wanted";
    kernel.put("target_comms", wanted, __u32{1});
    connects();
    EXPECT_EQ(after_sending("GET / HTTP/1.1\r\n\r\n"), 0U);
    process.set_comm("wanted");
    EXPECT_EQ(after_sending("GET / HTTP/1.1\r\n\r\n"), 4U);
}

TEST_P(PlainJudgementTest, AnExecAndAnExitForgetTheQuickVerdict) {
    kernel.knobs().select = SELECT_PID;
    connects();
    EXPECT_EQ(after_sending("GET / HTTP/1.1\r\n\r\n"), 0U);
    kernel.put("target_pids", process.pid(), __u32{1});
    EXPECT_EQ(after_sending("GET / HTTP/1.1\r\n\r\n"), 0U);  // the quick verdict
    process_exec(process.task(), process.task()->pid, nullptr);
    EXPECT_EQ(after_sending("GET / HTTP/1.1\r\n\r\n"), 4U);

    kernel.knobs().select = SELECT_COMM;
    FakeProcess other{100, {}};  // of the same number
    process.signals().live.counter = 0;
    process_exit(process.task());
    run(other);
    other.open_socket(kFd, &socket);
    take();
    EXPECT_EQ(after_sending("GET / HTTP/1.1\r\n\r\n"), 0U);
}

TEST_P(PlainJudgementTest, TwoProcessesWithTheSamePlaceForTheirVerdicts) {
    FakeProcess other{100 + 65536, {}};
    other.open_socket(kFd, &socket);
    kernel.knobs().select = SELECT_PID;
    kernel.put("target_pids", __u32{100}, __u32{1});
    connects();
    for (int i = 0; i < 3; ++i) {
        run(other);
        EXPECT_EQ(after_sending("GET / HTTP/1.1\r\n\r\n"), 0U);
        run(process);
        EXPECT_GT(after_sending("GET / HTTP/1.1\r\n\r\n"), 0U);
    }
}

}  // namespace

}  // namespace llmsnoop::bpf_native
