#!/usr/bin/python3
"""How programs use their connections, and how they end: each of these once cost some tool its bytes."""
import time

import kernel_case


class Behaviours(kernel_case.KernelCase):
    def expect_all(self, agent):
        records = agent.stop()
        self.expect_equal(records)
        self.assertEqual(agent.lost(), "nothing")
        return records

    def test_keep_alive(self):
        agent = self.agent()
        self.client("--keep-alive", 20, "--stream")
        records = self.expect_all(agent)
        self.assertEqual(len({record["net"]["local"]["port"] for record in records}), 1)

    def test_two_connections_interleaved_in_one_thread(self):
        agent = self.agent()
        self.client("--interleave", "--connections", 2, "--stream", "--keep-alive", 5)
        records = self.expect_all(agent)
        self.assertEqual(len({record["net"]["local"]["port"] for record in records}), 2)

    def test_one_connection_used_by_two_threads(self):
        agent = self.agent()
        self.client("--two-threads", "--stream", "--keep-alive", 10)
        self.expect_all(agent)

    def test_nonblocking(self):
        """WANT_READ and WANT_WRITE, with partial writes: a call that fails must not count its buffer."""
        agent = self.agent()
        self.client("--nonblocking", "--stream", "--keep-alive", 5, "--query", "gap_us=500", "--body", 1 << 20)
        self.expect_all(agent)

    def test_memory_bio(self):
        agent = self.agent()
        self.client("--memory-bio", "--stream", "--keep-alive", 3)
        records = self.expect_all(agent)
        self.assertEqual({record["net"]["peer"]["port"] for record in records}, {self.server.port})

    def test_killed_in_mid_stream(self):
        agent = self.agent()
        client = self.start_client("--die-mid-stream", "--stream", "--query", "gap_us=20000")
        client.wait_ready()
        client.kill()
        client.finish()
        records = agent.wait_for(1)
        agent.stop()
        self.assertEqual(len(records), 1)
        self.assertEqual(records[0]["completeness"], "interrupted")
        self.assertEqual(records[0]["http"]["status"], 200)

    def test_a_process_that_lives_for_milliseconds(self):
        agent = self.agent()
        for _ in range(20):
            self.client("--short")
        records = self.expect_all(agent)
        for record in records:
            self.assertEqual(record["process"]["comm"], "ssl_client")
            self.assertTrue(record["process"]["exe"].endswith("/ssl_client"), record["process"])

    def test_running_and_connected_before_the_agent(self):
        client = self.start_client("--hold", "--stream", "--keep-alive", 3)
        client.wait_ready()  # it has made one exchange and stays connected
        seen_before = len(self.server.exchanges())
        self.assertGreater(seen_before, 0)
        agent = self.agent()
        client.go()
        client.finish()
        records = agent.stop()
        self.expect_equal(records, self.server.exchanges(seen_before))

    def test_running_process_selected_by_pid_with_its_library(self):
        """No library is named: what the selected process has mapped is found and probed."""
        client = self.start_client("--hold", "--keep-alive", 2)
        pid = client.wait_ready()
        seen_before = len(self.server.exchanges())
        agent = self.enterContext(kernel_case.Agent(kernel_case.BUILD, "trace", "--json", "--pid", pid))
        client.go()
        client.finish()
        records = agent.stop()
        self.expect_equal(records, self.server.exchanges(seen_before))

    def test_library_that_appears_later(self):
        """Started before the program and without naming its library: the mapping is noticed and probed."""
        agent = self.enterContext(kernel_case.Agent(kernel_case.BUILD, "trace", "--json", "--cgroup", self.cgroup.path))
        client = self.start_client("--hold", "--keep-alive", 2)
        client.wait_ready()
        deadline = time.monotonic() + 60
        while "probing" not in agent.messages():
            self.assertLess(time.monotonic(), deadline, "the library was not noticed")
            time.sleep(0.05)
        seen_before = len(self.server.exchanges())
        client.go()
        client.finish()
        records = agent.stop()
        after = self.server.exchanges(seen_before)
        ids = {entry["id"] for entry in after}
        self.expect_equal([record for record in records if record["llm"].get("response_id") in ids], after)

    def test_other_processes_are_not_seen(self):
        agent = self.agent()
        kernel_case.live.run_client(kernel_case.BUILD, self.server, libs=self.libs)  # the same library, outside the cgroup
        self.client()
        records = agent.stop()
        self.assertEqual(len(records), 1)


if __name__ == "__main__":
    kernel_case.main()
