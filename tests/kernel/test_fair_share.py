#!/usr/bin/python3
"""A process that sends more than the agent can read loses its own bytes, says so in its records, and takes none from others."""
import signal
import time

import kernel_case
import live

STOPS = 6


class FairShare(kernel_case.KernelCase):
    def test_one_floods_and_the_other_loses_nothing(self):
        flooded = self.enterContext(live.start_server(kernel_case.BUILD, self.work, "--plain"))
        agent = self.agent("trace", "--capture-ring-bytes", "4MiB", "--http-body-hashes", "true")
        flood = live.start_client(kernel_case.BUILD, flooded, "--load", 2, 600, "--quiet", "--body", 64 << 10,
                                  libs=self.libs, cgroup=self.cgroup)
        clients = []
        for _ in range(STOPS):
            agent.process.send_signal(signal.SIGSTOP)  # an agent that gets no CPU reads nothing
            try:
                self.wait_for_answers(flooded, 200)  # more than the ring has room for
                clients.append(self.client("--keep-alive", 5, "--stream"))
            finally:
                agent.process.send_signal(signal.SIGCONT)
            self.wait_for_records(agent, clients[-1].pid, 5)  # it has read what there was
        flood.process.terminate()
        flood.finish()
        records = agent.stop()
        pids = {client.pid for client in clients}
        of_flood = [record for record in records if record["process"]["pid"] == flood.pid]
        whole = [record for record in of_flood if record["completeness"] == "complete"]
        truth = {entry["id"]: entry for entry in flooded.exchanges()}
        print(f"the flood: {len(truth)} exchanges, {len(whole)} of them recorded whole; lost: {agent.lost()}", flush=True)
        self.expect_equal([record for record in records if record["process"]["pid"] in pids])
        self.assertIn("process_share", agent.lost())
        self.assertNotIn("ring_full", agent.lost())
        self.assertLess(len(whole), len(truth), "nothing of the flood was lost: the test shows nothing")
        # What is called complete is so, to the last byte.
        for record in whole:
            self.assertEqual(live.compare([record], [truth[record["llm"]["response_id"]]]), [])

    @staticmethod
    def wait_for_answers(server, more):
        """So many more than now."""
        wanted = server.stats()["whole"] + more
        deadline = time.monotonic() + 60
        while server.stats()["whole"] < wanted:
            if time.monotonic() > deadline:
                raise RuntimeError("the flood has dried up")
            time.sleep(0.02)

    def wait_for_records(self, agent, pid, count):
        deadline = time.monotonic() + 60
        while sum(record["process"]["pid"] == pid for record in agent.records()) < count:
            self.assertLess(time.monotonic(), deadline, f"there are no {count} records of process {pid}")
            time.sleep(0.1)


if __name__ == "__main__":
    kernel_case.main()
