// Connections: announced once and for certain, told apart where addresses and process ids come back, and ended.
#include <set>

#include "tests/bpf_native/bpf_test.h"

namespace llmsnoop::bpf_native {

namespace {

class ConnectionTest : public BpfTest {
 protected:
    static std::uint64_t id_of(const Record& open) { return open.as<wire_connection_open>().connection; }
    static bool from_start(const Record& open) { return (open.header().flags & WIRE_OPEN_FROM_START) != 0; }
};

// --- announcements

TEST_F(ConnectionTest, TheFirstBytesAnnounceProcessAndConnection) {
    read("answer");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA}));
    const auto seen = records[0].as<wire_process>();
    EXPECT_EQ(seen.pid, process.pid());
    EXPECT_EQ(seen.start_ns, process.start_ns());
    EXPECT_EQ(seen.uid, 1000U);
    EXPECT_EQ(seen.cgroup_id, process.cgroup_id);
    EXPECT_STREQ(seen.comm, "client");
    const auto open = records[1].as<wire_connection_open>();
    EXPECT_EQ(open.object, kSsl);
    EXPECT_EQ(open.pid, process.pid());
    EXPECT_EQ(open.process_start_ns, process.start_ns());
    EXPECT_EQ(open.library, WIRE_LIBRARY_OPENSSL);
    EXPECT_EQ(records[2].as<wire_data>().connection, open.connection);
    EXPECT_GE(records[2].as<wire_data>().time_ns, open.time_ns);
}

TEST_F(ConnectionTest, TheLeaderNamesTheProcess) {
    FakeProcess parent(50, {});
    FakeProcess child(60, ProcessFacts{.comm = "python3", .parent = parent.task()});
    run_thread(child, child.add_thread(61, "Thread-1"));
    write("q");
    const auto seen = take().at(0).as<wire_process>();
    EXPECT_STREQ(seen.comm, "python3");
    EXPECT_EQ(seen.pid, 60U);
    EXPECT_EQ(seen.ppid, 50U);
}

TEST_F(ConnectionTest, AnObjectSeenBeingMadeIsKnownFromItsStart) {
    ssl_new(0xa);
    EXPECT_TRUE(take().empty());  // of no interest until it moves bytes
    write("q", 0xa);
    write("q", 0xb);
    const auto opens = take(WIRE_CONNECTION_OPEN);
    ASSERT_EQ(opens.size(), 2U);
    EXPECT_TRUE(from_start(opens[0]));
    EXPECT_FALSE(from_start(opens[1]));
}

TEST_F(ConnectionTest, OneProcessIsAnnouncedOnce) {
    write("q", 0xa);
    write("q", 0xb);
    run_thread(process, process.add_thread(101, "worker"));
    write("q", 0xc);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA, WIRE_CONNECTION_OPEN, WIRE_DATA,
                                    WIRE_CONNECTION_OPEN, WIRE_DATA}));
}

TEST_F(ConnectionTest, LostAnnouncementsAreMadeUpFor) {
    kernel.make_rings(1, 16);
    write("lost");
    EXPECT_EQ(losses(WIRE_LOSS_PROCESS_RECORD), 1U);
    EXPECT_EQ(losses(WIRE_LOSS_RING_FULL), 1U);
    EXPECT_EQ(losses(WIRE_LOSS_PROCESS_SHARE), 1U);
    kernel.make_rings(1, 1U << 20);
    write("seen");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_EQ(records[2].as<wire_data>().offset, 4U);
    write("more");
    EXPECT_EQ(kinds(take()), Kinds({WIRE_DATA}));
}

TEST_F(ConnectionTest, OnlyWhatWasLostIsAnnouncedAgain) {
    kernel.make_rings(1, 1024);  // holds the connection and its data, not the process
    write("one");
    EXPECT_EQ(kinds(take()), Kinds({WIRE_CONNECTION_OPEN, WIRE_DATA}));
    write("two");
    EXPECT_EQ(kinds(take()), Kinds({WIRE_DATA}));
    EXPECT_EQ(losses(WIRE_LOSS_PROCESS_RECORD), 2U);
    kernel.make_rings(1, 1U << 20);
    write("three");
    EXPECT_EQ(kinds(take()), Kinds({WIRE_PROCESS, WIRE_DATA}));
    write("four");
    EXPECT_EQ(kinds(take()), Kinds({WIRE_DATA}));
}

TEST_F(ConnectionTest, WithoutRoomInTheTableOfProcessesEachConnectionAnnouncesIt) {
    kernel.limit("processes", 0);
    write("q", 0xa);
    write("q", 0xa);
    write("q", 0xb);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA, WIRE_DATA, WIRE_PROCESS,
                                    WIRE_CONNECTION_OPEN, WIRE_DATA}));
}

// --- generations

TEST_F(ConnectionTest, ANewObjectAtAnOldAddressIsAnotherConnection) {
    ssl_new();
    write("first");
    read("answer");
    const auto first = id_of(take(WIRE_CONNECTION_OPEN).at(0));
    ssl_new();
    write("second");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_CLOSE, WIRE_CONNECTION_OPEN, WIRE_DATA}));
    const auto close = records[0].as<wire_connection_close>();
    EXPECT_EQ(close.connection, first);
    EXPECT_EQ(close.header.flags, WIRE_CLOSE_REPLACED);
    EXPECT_EQ(close.offset[WIRE_SENT], 5U);
    EXPECT_EQ(close.offset[WIRE_RECEIVED], 6U);
    EXPECT_NE(id_of(records[1]), first);
    EXPECT_TRUE(from_start(records[1]));
    EXPECT_EQ(records[2].as<wire_data>().offset, 0U);
}

TEST_F(ConnectionTest, FreeingEndsIt) {
    write("q");
    take();
    ssl_free();
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_CLOSE}));
    EXPECT_EQ(records[0].header().flags, WIRE_CLOSE_FREED);
    EXPECT_EQ(kernel.entries("connections"), 0U);
    ssl_free();
    ssl_free(0);
    EXPECT_TRUE(take().empty());
}

TEST_F(ConnectionTest, WhatWasNeverAnnouncedIsNotClosed) {
    ssl_new();
    ssl_free();
    ssl_new();
    ssl_new();
    EXPECT_TRUE(take().empty());
}

TEST_F(ConnectionTest, AFailedSslNewIsNothing) {
    ssl_new(0);
    EXPECT_EQ(kernel.entries("connections"), 0U);
}

TEST_F(ConnectionTest, TheSameAddressInAnotherProcessIsAnother) {
    write("q");
    FakeProcess other(200, {});
    run(other);
    write("q");
    const auto opens = take(WIRE_CONNECTION_OPEN);
    ASSERT_EQ(opens.size(), 2U);
    EXPECT_NE(id_of(opens[0]), id_of(opens[1]));
}

TEST_F(ConnectionTest, ALaterProcessOfThatNumberIsAnother) {
    write("q");
    process_exit(process.task());  // not its last thread: nothing is told of the process
    process.signals().live.counter = 0;
    process_exit(process.task());
    FakeProcess later(process.pid(), {});
    run(later);
    write("later");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA, WIRE_PROCESS_EXIT, WIRE_PROCESS,
                                     WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_EQ(records[3].as<wire_process_end>().start_ns, process.start_ns());
    EXPECT_EQ(records[4].as<wire_process>().start_ns, later.start_ns());
    EXPECT_EQ(records[6].as<wire_data>().offset, 0U);
}

// --- a full table

TEST_F(ConnectionTest, TheLeastRecentlyUsedMakesRoomAndMayComeBack) {
    kernel.limit("connections", 2);
    ssl_new(0xa);
    write("aa", 0xa);
    write("b", 0xb);
    write("a", 0xa);
    const auto first = id_of(take(WIRE_CONNECTION_OPEN).at(1));
    write("c", 0xc);  // in place of 0xb
    EXPECT_EQ(data(), Strings({"sent@0 c"}));
    write("a", 0xa);
    EXPECT_EQ(data(), Strings({"sent@3 a"}));
    write("b", 0xb);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_NE(id_of(records[0]), first);
    EXPECT_FALSE(from_start(records[0]));
    EXPECT_EQ(records[1].as<wire_data>().offset, 0U);
}

TEST_F(ConnectionTest, WhatFindsNoPlaceIsCountedAndJoinedLater) {
    kernel.fail_updates("connections", 1);
    ssl_new();
    EXPECT_EQ(losses(WIRE_LOSS_CONNECTIONS_FULL), 1U);
    write("first");
    const auto opens = take(WIRE_CONNECTION_OPEN);
    ASSERT_EQ(opens.size(), 1U);
    EXPECT_FALSE(from_start(opens[0]));
    kernel.fail_updates("connections", 1);
    write("q", 0xb);
    EXPECT_EQ(losses(WIRE_LOSS_CONNECTIONS_FULL), 2U);
    EXPECT_TRUE(take().empty());
}

// --- identifiers and rings

TEST_F(ConnectionTest, IdentifiersAreNotUsedTwice) {
    std::set<std::uint64_t> seen;
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        kernel.current.cpu = i % 64;
        kernel.tick = i % 64 == 63 ? 1 : 0;  // all CPUs within one nanosecond
        seen.insert(native_fresh_connection_id());
    }
    EXPECT_EQ(seen.size(), 100'000U);
    EXPECT_EQ(seen.count(0), 0U);
}

TEST_F(ConnectionTest, TheConnectionsOfOneCpuSpreadOverTheRings) {
    for (const std::uint64_t step : {1ULL, 1000ULL, 1ULL << 20, 1'000'000ULL}) {
        std::vector<unsigned> per_ring(RINGS_MAX);
        kernel.current.cpu = 3;
        kernel.tick = step;
        for (int i = 0; i < 1600; ++i)
            ++per_ring[native_fresh_connection_id() & (RINGS_MAX - 1)];
        for (const unsigned count : per_ring) {
            EXPECT_GT(count, 40U) << step;
            EXPECT_LT(count, 200U) << step;
        }
    }
}

TEST_F(ConnectionTest, AConnectionKeepsToItsRingAndProcessesToTheFirst) {
    kernel.make_rings(4, 1U << 20);
    for (std::uint64_t ssl = 1; ssl <= 64; ++ssl) {
        write("q", ssl);
        read("a", ssl);
        ssl_free(ssl);
    }
    std::size_t processes = 0;
    for (std::size_t ring = 0; ring < 4; ++ring) {
        std::size_t closes = 0;
        for (const Record& one : take(ring)) {
            if (one.kind() == WIRE_PROCESS) {
                EXPECT_EQ(ring, 0U);
                ++processes;
                continue;
            }
            // Every record of a connection has its id behind the header.
            EXPECT_EQ(one.as<wire_data>().connection & 3, ring);
            if (one.kind() == WIRE_CONNECTION_CLOSE) ++closes;
        }
        EXPECT_GT(closes, 4U);
    }
    EXPECT_EQ(processes, 1U);
}

// --- server names

TEST_F(ConnectionTest, TheServerNameAnnouncesItsConnection) {
    ssl_new();
    set_server_name("api.openai.com");
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_CONNECTION_NAME}));
    EXPECT_STREQ(records[2].as<wire_connection_name>().name, "api.openai.com");
    EXPECT_EQ(records[2].as<wire_connection_name>().connection, id_of(records[1]));
    write("q");
    EXPECT_EQ(kinds(take()), Kinds({WIRE_DATA}));
}

TEST_F(ConnectionTest, AServerNameThatIsTooLongIsCut) {
    ssl_new();
    set_server_name(std::string(400, 'n').c_str());
    const auto name = take(WIRE_CONNECTION_NAME).at(0).as<wire_connection_name>();
    EXPECT_EQ(std::string(name.name), std::string(WIRE_NAME_MAX - 1, 'n'));
}

TEST_F(ConnectionTest, AServerNameThatCannotBeReadIsNotEmitted) {
    ssl_new();
    set_server_name("api.openai.com");
    take();
    set_server_name(nullptr);
    const char name[] = "api.anthropic.com";
    kernel.make_unreadable(name, sizeof name);
    set_server_name(name);
    EXPECT_TRUE(take().empty());
    write("q");
    EXPECT_EQ(kinds(take()), Kinds({WIRE_DATA}));
}

TEST_F(ConnectionTest, ANameForAnObjectOfNobodyIsNothing) {
    set_server_name("api.openai.com");
    EXPECT_TRUE(take().empty());
}

// --- the end of a direction

TEST_F(ConnectionTest, AnEndThatFindsNoRoomIsTriedAgain) {
    read("answer");
    kernel.make_rings(1, 16);
    enter(kRead, kSsl, "buffer", 6);
    leave(kRead, 0);
    EXPECT_EQ(losses(WIRE_LOSS_RING_FULL), 1U);
    kernel.make_rings(1, 4096);
    enter(kRead, kSsl, "buffer", 6);
    leave(kRead, 0);
    EXPECT_EQ(kinds(take()), Kinds({WIRE_DIRECTION_END}));
}

}  // namespace

}  // namespace llmsnoop::bpf_native
