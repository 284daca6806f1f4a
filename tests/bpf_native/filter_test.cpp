// Which processes are traced, and what becomes of it when they fork, execute, move and end.
#include "tests/bpf_native/bpf_test.h"

namespace llmsnoop::bpf_native {

namespace {

class FilterTest : public BpfTest {
 protected:
    FilterTest() { kernel.knobs().own_pid = 9999; }

    void select(std::uint32_t kinds) { kernel.knobs().select = kinds; }
    void select_pid(std::uint32_t pid) { kernel.put("target_pids", pid, 1U); }
    void select_uid(std::uint32_t uid) { kernel.put("target_uids", uid, 1U); }
    void select_comm(const char* comm) {
        std::array<char, WIRE_COMM_MAX> key{};
        std::memcpy(key.data(), comm, std::strlen(comm));
        kernel.put("target_comms", key, 1U);
    }
    void select_exe(const FakeProcess& one, __u32 device = 0x800001) {
        kernel.put("target_exes", exe_key{one.inode_number(), device, 0}, 1U);
    }

    bool is_traced(FakeProcess& one) {
        run(one);
        write("q", 0x1000 + one.pid());
        ssl_free(0x1000 + one.pid());
        return !take(WIRE_DATA).empty();
    }
    void fork(FakeProcess& parent, FakeProcess& fresh) {
        run(parent);
        process_fork(parent.task(), fresh.task());
    }
    void exec(FakeProcess& one, const char* comm) {
        run(one);
        one.set_comm(comm);
        process_exec(one.task(), static_cast<int>(one.pid()), nullptr);
    }
    void exit(FakeProcess& one) {
        run(one);
        one.signals().live.counter = 0;
        process_exit(one.task());
    }
    std::optional<process_state> state_of(const FakeProcess& one) {
        return kernel.get<process_state>("processes", one.pid());
    }

    FakeProcess other{200, ProcessFacts{.comm = "other", .uid = 2000}};
    FakeProcess child{300, {}};
};

TEST_F(FilterTest, WithoutASelectionEverybodyButTheAgent) {
    EXPECT_TRUE(is_traced(process));
    kernel.knobs().own_pid = other.pid();
    EXPECT_FALSE(is_traced(other));
}

// --- each kind

TEST_F(FilterTest, ByPid) {
    select(SELECT_PID);
    select_pid(process.pid());
    EXPECT_TRUE(is_traced(process));
    EXPECT_FALSE(is_traced(other));
}

TEST_F(FilterTest, ByUid) {
    select(SELECT_UID);
    select_uid(1000);
    EXPECT_TRUE(is_traced(process));
    EXPECT_FALSE(is_traced(other));
}

TEST_F(FilterTest, ByName) {
    select(SELECT_COMM);
    select_comm("client");
    EXPECT_TRUE(is_traced(process));
    EXPECT_FALSE(is_traced(other));
    FakeProcess longer(201, ProcessFacts{.comm = "client2"});
    EXPECT_FALSE(is_traced(longer));
}

TEST_F(FilterTest, ByTheNameOfTheLeader) {
    select(SELECT_COMM);
    select_comm("client");
    run_thread(process, process.add_thread(101, "worker"));
    write("q");
    EXPECT_EQ(data().size(), 1U);
}

TEST_F(FilterTest, ByExecutable) {
    select(SELECT_EXE);
    select_exe(process);
    EXPECT_TRUE(is_traced(process));
    EXPECT_FALSE(is_traced(other));
    FakeProcess elsewhere(202, ProcessFacts{.inode = process.inode_number()});
    FileSystem disk(0x800002);
    elsewhere.set_exe(disk, "/usr/bin/client");  // the same inode on another device
    EXPECT_FALSE(is_traced(elsewhere));
}

TEST_F(FilterTest, ByCgroup) {
    select(SELECT_CGROUP);
    kernel.knobs().cgroups = 3;
    kernel.current.under = {};
    EXPECT_FALSE(is_traced(process));
    kernel.current.under = {2};
    EXPECT_TRUE(is_traced(other));
    kernel.current.under = {3};  // beyond those in use
    EXPECT_FALSE(is_traced(child));
    kernel.knobs().cgroups = SELECT_CGROUPS_MAX;
    kernel.current.under = {SELECT_CGROUPS_MAX - 1};
    FakeProcess last(203, {});
    EXPECT_TRUE(is_traced(last));
}

TEST_F(FilterTest, OfSeveralKindsAllMustMatch) {
    select(SELECT_COMM | SELECT_UID);
    select_comm("client");
    select_comm("other");
    select_uid(1000);
    EXPECT_TRUE(is_traced(process));
    EXPECT_FALSE(is_traced(other));  // right name, wrong user
    FakeProcess third(204, ProcessFacts{.comm = "third", .uid = 1000});
    EXPECT_FALSE(is_traced(third));
}

TEST_F(FilterTest, OfOneKindAnyEntryMatches) {
    select(SELECT_PID);
    select_pid(process.pid());
    select_pid(other.pid());
    EXPECT_TRUE(is_traced(process));
    EXPECT_TRUE(is_traced(other));
}

// --- when it is decided

TEST_F(FilterTest, TheFirstTlsCallDecides) {
    select(SELECT_COMM);
    select_comm("client");
    EXPECT_TRUE(is_traced(process));
    process.set_comm("renamed");
    EXPECT_TRUE(is_traced(process));
    EXPECT_FALSE(is_traced(other));
    other.set_comm("client");
    EXPECT_FALSE(is_traced(other));
}

TEST_F(FilterTest, NothingBeforeItDoes) {
    select(SELECT_UID);
    select_uid(33);
    exec(other, "server");  // as root, before it gives up its privileges
    fork(other, child);
    other.uid = 33;
    EXPECT_TRUE(is_traced(other));
    EXPECT_FALSE(is_traced(child));  // forked before
}

TEST_F(FilterTest, AnotherEpochDecidesAgain) {
    select(SELECT_PID);
    EXPECT_FALSE(is_traced(process));
    select_pid(process.pid());
    EXPECT_FALSE(is_traced(process));
    ++filter_epoch;
    EXPECT_TRUE(is_traced(process));
    kernel.knobs().select = SELECT_UID;
    ++filter_epoch;
    EXPECT_FALSE(is_traced(process));
}

TEST_F(FilterTest, AMoveDecidesAgainWhereCgroupsAreSelected) {
    select(SELECT_CGROUP);
    kernel.knobs().cgroups = 1;
    EXPECT_FALSE(is_traced(process));
    kernel.current.under = {0};
    process_moved();
    EXPECT_TRUE(is_traced(process));
    kernel.current.under = {};
    process_moved();
    EXPECT_FALSE(is_traced(process));

    select(SELECT_PID);
    const __u32 epoch = filter_epoch;
    process_moved();
    EXPECT_EQ(filter_epoch, epoch);
}

TEST_F(FilterTest, AFullTableMeansLookingEachTime) {
    kernel.limit("processes", 0);
    select(SELECT_PID);
    select_pid(process.pid());
    EXPECT_TRUE(is_traced(process));
    EXPECT_FALSE(is_traced(other));
}

// --- fork

TEST_F(FilterTest, ChildrenInherit) {
    select(SELECT_PID);
    select_pid(process.pid());
    FakeProcess grandchild(400, {}), stranger(500, {});
    fork(process, child);
    fork(child, grandchild);
    fork(other, stranger);
    EXPECT_TRUE(is_traced(child));
    EXPECT_TRUE(is_traced(grandchild));
    EXPECT_FALSE(is_traced(stranger));
    EXPECT_EQ(kernel.entries("processes"), 3U);  // and `stranger`, which made a call
}

TEST_F(FilterTest, WithoutChildrenTheyDoNot) {
    kernel.knobs().with_children = 0;
    select(SELECT_PID);
    select_pid(process.pid());
    fork(process, child);
    EXPECT_FALSE(is_traced(child));
    EXPECT_TRUE(is_traced(process));
}

TEST_F(FilterTest, AThreadIsNoChild) {
    select(SELECT_PID);
    select_pid(process.pid());
    run(process);
    process_fork(process.task(), process.add_thread(101, "worker"));
    EXPECT_EQ(kernel.entries("processes"), 0U);
}

TEST_F(FilterTest, WithoutASelectionForksAreNotFollowed) {
    fork(process, child);
    EXPECT_EQ(kernel.entries("processes"), 0U);
}

TEST_F(FilterTest, InheritanceOutlivesParentEpochAndExec) {
    select(SELECT_PID);
    select_pid(process.pid());
    fork(process, child);
    exit(process);
    exec(child, "another");
    ++filter_epoch;
    EXPECT_TRUE(is_traced(child));
}

// --- exec

TEST_F(FilterTest, ExecIsDecidedAnew) {
    select(SELECT_COMM);
    select_comm("client");
    EXPECT_TRUE(is_traced(process));
    exec(process, "another");
    EXPECT_FALSE(is_traced(process));
    exec(process, "client");
    EXPECT_TRUE(is_traced(process));
    EXPECT_FALSE(is_traced(other));
    exec(other, "client");
    EXPECT_TRUE(is_traced(other));
}

TEST_F(FilterTest, ExecIsToldAndTheProcessAnnouncedAgain) {
    write("q");
    take();
    exec(process, "another");
    auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS_EXEC}));
    EXPECT_EQ(records[0].as<wire_process_end>().pid, process.pid());
    EXPECT_EQ(records[0].as<wire_process_end>().start_ns, process.start_ns());
    exec(process, "third");  // not announced since: nothing to tell
    EXPECT_TRUE(take().empty());
    write("q", 0xb);
    records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS, WIRE_CONNECTION_OPEN, WIRE_DATA}));
    EXPECT_STREQ(records[0].as<wire_process>().comm, "third");
}

TEST_F(FilterTest, ExecByAnotherThreadForgetsBothThreads) {
    task_struct* const worker = process.add_thread(101, "worker");
    enter(kRead, kSsl, "buffer", 6);
    run_thread(process, worker);
    write("q");
    EXPECT_EQ(kernel.entries("calls"), 2U);
    run(process);  // the worker has become the leader
    process_exec(process.task(), 101, nullptr);
    EXPECT_EQ(kernel.entries("calls"), 0U);
}

// --- the end

TEST_F(FilterTest, ExitIsToldOnceAndForgets) {
    task_struct* const worker = process.add_thread(101, "worker");
    write("q");
    run_thread(process, worker);
    write("q");
    take();
    process.signals().live.counter = 1;
    process_exit(worker);
    EXPECT_TRUE(take().empty());
    EXPECT_EQ(kernel.entries("calls"), 1U);
    exit(process);
    const auto records = take();
    ASSERT_EQ(kinds(records), Kinds({WIRE_PROCESS_EXIT}));
    EXPECT_EQ(records[0].as<wire_process_end>().start_ns, process.start_ns());
    EXPECT_EQ(kernel.entries("calls"), 0U);
    EXPECT_EQ(kernel.entries("processes"), 0U);
    exit(process);
    EXPECT_TRUE(take().empty());
}

TEST_F(FilterTest, TheLeaderMayEndBeforeItsThreads) {
    task_struct* const worker = process.add_thread(101, "worker");
    write("q");
    take();
    process.signals().live.counter = 1;
    process_exit(process.task());
    EXPECT_TRUE(take().empty());
    run_thread(process, worker);
    write("still here");
    EXPECT_EQ(data(), Strings({"sent@1 still here"}));
}

TEST_F(FilterTest, AnExitThatWasNeverAnnouncedIsNotTold) {
    select(SELECT_PID);
    EXPECT_FALSE(is_traced(process));
    exit(process);
    EXPECT_TRUE(take().empty());
    EXPECT_FALSE(state_of(process));
}

TEST_F(FilterTest, AnExitThatFindsNoRoomIsCounted) {
    write("q");
    kernel.make_rings(1, 16);
    exit(process);
    EXPECT_EQ(losses(WIRE_LOSS_PROCESS_RECORD), 1U);
    EXPECT_FALSE(state_of(process));
}

// --- process ids come back

TEST_F(FilterTest, WhatAnEarlierProcessLeftIsNotInherited) {
    select(SELECT_UID);
    select_uid(1000);
    EXPECT_TRUE(is_traced(process));
    kernel.put("calls", std::uint64_t{1}, 0U);  // an unrelated one
    run(process);
    process_exit(process.task());  // its thread goes, the process's end was missed
    FakeProcess later(process.pid(), ProcessFacts{.uid = 2000});
    EXPECT_FALSE(is_traced(later));
    EXPECT_EQ(state_of(later)->start_ns, later.start_ns());
}

// --- put there by user space

TEST_F(FilterTest, ASeededProcessGetsItsStartTime) {
    select(SELECT_PID);
    process_state seeded{};
    seeded.traced = 1;
    seeded.inherited = 1;
    kernel.put("processes", child.pid(), seeded);
    run(child);
    write("q");
    EXPECT_EQ(take(WIRE_PROCESS).at(0).as<wire_process>().start_ns, child.start_ns());
    EXPECT_EQ(state_of(child)->start_ns, child.start_ns());
    EXPECT_EQ(state_of(child)->announced, 1U);
}

TEST_F(FilterTest, ChildrenOfASeededProcessInherit) {
    select(SELECT_PID);
    process_state seeded{};
    seeded.traced = 1;
    seeded.inherited = 1;
    kernel.put("processes", process.pid(), seeded);
    fork(process, child);
    EXPECT_TRUE(is_traced(child));
    EXPECT_EQ(state_of(process)->start_ns, process.start_ns());
}

}  // namespace

}  // namespace llmsnoop::bpf_native
