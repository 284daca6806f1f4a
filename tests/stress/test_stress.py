#!/usr/bin/python3
"""Many processes, many connections, many probes, many agents: nothing leaks, nobody who is traced is disturbed, and what was
observed whole is counted right. Prints what the agent holds before and after.

    sudo tests/stress/test_stress.py --build build          # a few seconds of each: part of `make test`
    sudo make stress                                        # in full: LLMSNOOP_STRESS=full
"""
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "kernel"))
import footprint  # noqa: E402
import kernel_case  # noqa: E402
import live  # noqa: E402

FULL = os.environ.get("LLMSNOOP_STRESS") == "full"
STORM_SECONDS = 60 if FULL else 5
PROCESSES_PER_SECOND = 200
CONNECTIONS = 2000 if FULL else 300
FILES = 1000 if FULL else 40
RESTARTS = 30 if FULL else 4

# Of the agent's maps, what must be empty of traced processes once they have ended.
EMPTIED = ("calls", "go_calls", "processes", "connections", "mutes", "plain_calls")


class Stress(kernel_case.KernelCase):
    def setUp(self):
        super().setUp()
        self.plain_server = self.enterContext(live.start_server(kernel_case.BUILD, self.work, "--plain"))

    def truth(self):
        return self.server.exchanges() + self.plain_server.exchanges()

    def storm(self, seconds):
        """Half of the processes speak TLS, half do not. One in ten is executed anew. Returns what they say of themselves."""
        flags = ("--storm", PROCESSES_PER_SECOND // 2, seconds, "--storm-exec", 10)
        storms = [self.start_client(*flags), live.start_client(kernel_case.BUILD, self.plain_server, *flags,
                                                               libs=self.libs, cgroup=self.cgroup)]
        return [storm.finish(timeout=seconds + 300) for storm in storms]

    def expect_no_leak(self, before, after):
        """`before` and `after` are of an agent that nobody uses at that moment."""
        for kind in ("prog", "map", "link"):
            self.assertEqual(after.ids.get(kind), before.ids.get(kind), f"BPF {kind}s")
        self.assertEqual(after.descriptors, before.descriptors)
        self.assertEqual(after.threads, before.threads)
        for name in EMPTIED:
            self.assertLessEqual(after.elements.get(name, 0), before.elements.get(name, 0) + 1, f"elements of {name}")

    def settle(self, agent, records):
        """Waits until so many records are there, and returns what the agent holds."""
        agent.wait_for(records, timeout=120)
        return footprint.take(agent.pid)

    def test_processes_that_come_and_go(self):
        agent = self.agent()
        self.storm(1)
        found = {"before": self.settle(agent, len(self.truth()))}
        # What the agent remembers of processes that have ended is bounded, and full by half of the time.
        for part in ("half-way", "after"):
            for run in self.storm(STORM_SECONDS / 2):
                print(f"  {run.summary}", flush=True)
                self.assertEqual((run.summary["failed"], run.summary["killed"]), (0, 0))
            found[part] = self.settle(agent, len(self.truth()))
        print(footprint.table(found), flush=True)
        records, truth = agent.stop(), self.truth()
        print(f"  {len(truth)} exchanges, {len(records)} records; lost: {agent.lost()}", flush=True)
        self.expect_no_leak(found["before"], found["after"])
        if FULL:
            self.assertLess(found["after"].memory_kib, found["half-way"].memory_kib + (8 << 10), "memory, KiB")
        self.expect_equal(records, truth)
        self.assertEqual(agent.lost(), "nothing")
        self.assertEqual(footprint.left_behind(found.values()), [])

    def test_connections_at_once(self):
        agent = self.agent()
        self.client("--crowd", 10, "--quiet")
        found = {"before": self.settle(agent, len(self.truth()))}
        for server, kind in ((self.server, "TLS"), (self.plain_server, "plain")):
            before = server.stats()["whole"]
            client = live.start_client(kernel_case.BUILD, server, "--crowd", CONNECTIONS, "--keep-alive", 3, "--quiet",
                                       "--stream", libs=self.libs, cgroup=self.cgroup)
            deadline = time.monotonic() + 300  # all are open, and have two exchanges to go
            while server.stats()["whole"] < before + CONNECTIONS and time.monotonic() < deadline:
                time.sleep(0.05)
            found[f"all open, {kind}"] = footprint.take(agent.pid)
            run = client.finish(timeout=300)
            self.assertEqual(run.status, 0)
            print(f"  {kind}: {run.summary}", flush=True)
        found["after"] = self.settle(agent, len(self.truth()))
        print(footprint.table(found), flush=True)
        records = agent.stop()
        self.expect_no_leak(found["before"], found["after"])
        self.expect_equal(records, self.truth())
        self.assertEqual(agent.lost(), "nothing")
        self.assertEqual(footprint.left_behind(found.values()), [])

    def test_files_that_come_and_go(self):
        """Copies of libssl: each is mapped by a process, and then both are gone."""
        agent = self.enterContext(kernel_case.Agent(kernel_case.BUILD, "trace", "--json", "--cgroup", self.cgroup.path))
        mapper = subprocess.Popen([live.PYTHON, str(HERE / "mapper.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  env=live.environment(self.libs), text=True, preexec_fn=live.child_setup(self.cgroup))
        self.addCleanup(mapper.stdout.close)
        self.addCleanup(mapper.wait)
        self.addCleanup(mapper.stdin.close)
        mapper.stdout.readline()
        found = {"before": footprint.take(agent.pid)}
        most_links = 0
        for number in range(FILES):
            path = self.work / f"copy-{number}" / "libssl.so.3"
            path.parent.mkdir()
            shutil.copy(self.libs / "libssl.so.3", path)
            mapper.stdin.write(f"{path}\n")
            mapper.stdin.flush()
            self.assertEqual(mapper.stdout.readline(), "mapped\n")
            self.wait_for(agent, f"probing {path}")
            mapper.stdin.write("\n")
            mapper.stdin.flush()
            self.assertEqual(mapper.stdout.readline(), "ended\n")
            shutil.rmtree(path.parent)
            if number % 20 == 0:
                most_links = max(most_links, len(footprint.take(agent.pid).ids["link"]))
        self.wait_for(agent, f"no longer probing {path}")
        found["after"] = footprint.take(agent.pid)
        print(footprint.table(found), flush=True)
        print(f"  {FILES} files, at most {most_links} links at a time", flush=True)
        agent.stop()
        self.expect_no_leak(found["before"], found["after"])
        self.assertEqual(agent.messages().count(": nobody uses it"), FILES)
        self.assertEqual(footprint.left_behind(found.values()), [])

    def test_agent_restarted_under_load(self):
        load = self.start_client("--load", 3, RESTARTS * 4, "--quiet", "--stream", "--query", "gap_us=1000")
        storm = self.start_client("--storm", 20, RESTARTS * 4, "--storm-exec", 5)
        agents, whole, own = [], [], []  # what each holds; the records that it calls complete; the ids that it must have
        for number in range(RESTARTS):
            agent = self.agent()
            client = self.client("--keep-alive", 3, "--stream")  # lives from start to end under this agent
            agents.append(footprint.take(agent.pid))
            if number % 3 == 2:  # without a chance to clean up
                agent.process.kill()
                agent.process.wait()
                continue
            whole.append([one for one in agent.stop() if one["completeness"] == "complete"])
            own.append([line["id"] for line in client.lines])
        runs = [load.finish(timeout=300), storm.finish(timeout=300)]
        truth = {entry["id"]: entry for entry in self.server.exchanges()}
        print(f"  {RESTARTS} agents under load, {sum(map(len, whole))} of {len(truth)} exchanges seen whole; "
              f"clients: {[run.summary for run in runs]}", flush=True)
        for records, ids in zip(whole, own):
            seen = [one["llm"]["response_id"] for one in records]
            self.assertEqual(live.compare(records, [truth[one] for one in seen]), [])
            self.assertEqual(set(ids) - set(seen), set())
        self.assertEqual([run.status for run in runs], [0, 0])
        self.assertEqual(len({tuple(len(one.ids[kind]) for kind in footprint.FD_BY_ID) for one in agents}), 1)
        self.assertEqual(footprint.left_behind(agents), [])

    def wait_for(self, agent, text, timeout=60):
        deadline = time.monotonic() + timeout
        while text not in agent.messages():
            self.assertLess(time.monotonic(), deadline, f"llmsnoop never said: {text}")
            time.sleep(0.005)


if __name__ == "__main__":
    kernel_case.main()
