// GnuTLS: results that are about an earlier call, corked sends, sessions behind a pointer.
#include "tests/bpf_native/bpf_test.h"

namespace llmsnoop::bpf_native {

namespace {

constexpr IoFunction kRecv{gnutls_recv_entry, gnutls_recv_return, false};
constexpr IoFunction kSend{gnutls_send_entry, gnutls_send_return, false};
constexpr IoFunction kRecvPacket{gnutls_recv_packet_entry, gnutls_recv_packet_return, false};
constexpr int kAgain = -28;

class GnuTlsTest : public BpfTest {
 protected:
    // GnuTLS's results are ssize_t.
    void end(const IoFunction& function, long result, std::uint64_t stack = kStack) {
        pt_regs regs{0, 0, 0, 0, static_cast<std::uint64_t>(result), stack + 8};
        function.on_return(&regs);
    }
    void send(const std::string& bytes) {
        enter(kSend, kSsl, bytes.data(), bytes.size());
        end(kSend, static_cast<long>(bytes.size()));
    }
    void init(const std::uint64_t* session, int result) {
        pt_regs entry{address(session), 2, 0, 0, 0, kStack};
        gnutls_init_entry(&entry);
        pt_regs exit{0, 0, 0, 0, static_cast<std::uint32_t>(result), kStack + 8};
        gnutls_init_return(&exit);
    }
};

TEST_F(GnuTlsTest, TheResultIsTheLength) {
    const std::string buffer = "hello, and what is left in the buffer";
    enter(kRecv, kSsl, buffer.data(), buffer.size());
    end(kRecv, 5);
    send("question");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA, WIRE_DATA}));
    EXPECT_EQ(records[1].as<wire_connection_open>().library, WIRE_LIBRARY_GNUTLS);
    EXPECT_EQ(records[2].payload(), "hello");
    EXPECT_EQ(records[3].payload(), "question");
}

TEST_F(GnuTlsTest, ASendThatIsMadeAgainCountsOnce) {
    const std::string bytes = "question";
    enter(kSend, kSsl, bytes.data(), bytes.size());
    end(kSend, kAgain);
    enter(kSend, kSsl, bytes.data(), bytes.size());
    end(kSend, 8);
    EXPECT_EQ(data(), Strings({"sent@0 question"}));
}

TEST_F(GnuTlsTest, ASendThatIsMadeAgainWithoutItsBytesLacksThem) {
    const std::string bytes = "question";
    enter(kSend, kSsl, bytes.data(), bytes.size());
    end(kSend, kAgain);
    enter(kSend, kSsl, nullptr, 0);
    end(kSend, 8);
    const auto records = take(WIRE_DATA);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].as<wire_data>().length, 8U);
    EXPECT_EQ(records[0].as<wire_data>().captured, 0U);
    EXPECT_EQ(records[0].header().flags, WIRE_MISSING_UNREADABLE);
    EXPECT_EQ(losses(WIRE_LOSS_UNREADABLE), 1U);
    send("more");
    EXPECT_EQ(data(), Strings({"sent@8 more"}));
}

TEST_F(GnuTlsTest, AResultBeyondTheBufferIsNotReadFromIt) {
    const std::string bytes = "short";
    enter(kSend, kSsl, bytes.data(), bytes.size());
    end(kSend, 4096);
    const auto records = take(WIRE_DATA);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].as<wire_data>().length, 4096U);
    EXPECT_EQ(records[0].as<wire_data>().captured, 0U);
}

TEST_F(GnuTlsTest, WhatIsFlushedWasCountedWhenItWasCorked) {
    send("one ");
    send("two");
    const std::string gathered = "one two";
    pt_regs uncork{kSsl, 1, 0, 0, 0, kStack};
    gnutls_uncork_entry(&uncork);
    enter(kSend, kSsl, gathered.data(), gathered.size(), kStack - 64);
    end(kSend, kAgain, kStack - 64);
    enter(kSend, kSsl, gathered.data(), gathered.size(), kStack - 64);
    end(kSend, 7, kStack - 64);
    pt_regs done{0, 0, 0, 0, 7, kStack + 8};
    gnutls_uncork_return(&done);
    EXPECT_EQ(data(), Strings({"sent@0 one ", "sent@4 two"}));
    send("three");
    EXPECT_EQ(data(), Strings({"sent@7 three"}));
    EXPECT_EQ(losses(WIRE_LOSS_CALL_UNRETURNED), 0U);
}

TEST_F(GnuTlsTest, AnotherSessionMaySendInsideAFlush) {
    pt_regs uncork{kSsl, 1, 0, 0, 0, kStack};
    gnutls_uncork_entry(&uncork);
    enter(kSend, kSsl + 8, "outer", 5, kStack - 64);
    end(kSend, 5, kStack - 64);
    EXPECT_EQ(data(), Strings({"sent@0 outer"}));
}

TEST_F(GnuTlsTest, BytesOfPacketsAreMissing) {
    std::uint64_t packet = 0;
    enter(kRecvPacket, kSsl, &packet, 0);
    end(kRecvPacket, 100);
    const auto records = take(WIRE_DATA);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].as<wire_data>().length, 100U);
    EXPECT_EQ(records[0].as<wire_data>().captured, 0U);
    EXPECT_EQ(losses(WIRE_LOSS_UNREADABLE), 1U);
}

TEST_F(GnuTlsTest, OnlyAReadOfNothingMoreIsTheEnd) {
    const std::string buffer(16, ' ');
    send("question");
    take();
    enter(kRecv, kSsl, buffer.data(), buffer.size());
    end(kRecv, kAgain);
    EXPECT_TRUE(take().empty());
    enter(kRecv, kSsl, buffer.data(), 0);
    end(kRecv, 0);
    EXPECT_TRUE(take().empty());
    enter(kRecv, kSsl, buffer.data(), buffer.size());
    end(kRecv, 0);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_DIRECTION_END}));
}

TEST_F(GnuTlsTest, ASessionIsSeenFromItsStartToItsEnd) {
    const std::uint64_t session = kSsl;
    init(&session, 0);
    const std::string name = "example.com and more";
    pt_regs set{kSsl, 1, address(name.data()), 11, 0, kStack};
    gnutls_server_name_set_entry(&set);
    send("question");
    pt_regs gone{kSsl, 0, 0, 0, 0, kStack};
    gnutls_deinit_entry(&gone);
    const auto records = take();
    ASSERT_EQ(kinds(records),
              Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_NAME, WIRE_DATA, WIRE_CONNECTION_CLOSE}));
    EXPECT_EQ(records[1].header().flags, WIRE_OPEN_FROM_START);
    EXPECT_STREQ(records[2].as<wire_connection_name>().name, "example.com");
    EXPECT_EQ(records[4].header().flags, WIRE_CLOSE_FREED);
}

TEST_F(GnuTlsTest, AFailedInitMakesNothing) {
    const std::uint64_t session = kSsl;
    init(&session, -25);
    send("question");
    const auto opens = take(WIRE_CONNECTION_OPEN);
    ASSERT_EQ(opens.size(), 1U);
    EXPECT_EQ(opens[0].header().flags, 0);
}

TEST_F(GnuTlsTest, AnInitAtTheSameAddressReplaces) {
    const std::uint64_t session = kSsl;
    send("first");
    init(&session, 0);
    send("second");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA, WIRE_CONNECTION_CLOSE,
                                     WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_EQ(records[3].header().flags, WIRE_CLOSE_REPLACED);
    EXPECT_EQ(records[5].as<wire_data>().offset, 0U);
}

}  // namespace

}  // namespace llmsnoop::bpf_native
