#!/usr/bin/python3
"""The agent's pod table against an API server and a kubelet that behave, misbehave and break off.

    test_pods.py --build build [-k NAME] [--seconds 8]
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

from api_server import ApiServer, pod

PATIENCE = 60  # seconds; only a failure takes so long
arguments = argparse.Namespace(build="build", seconds=8)


class Agent:
    """pod_driver: a pod table and its source."""

    def __init__(self, kind, url, token_file="-", ca_file="-", node="node-1"):
        driver = pathlib.Path(arguments.build) / "tests/kubernetes/pod_driver"
        self.process = subprocess.Popen([driver, kind, url, token_file, ca_file, node], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is not None:
            return
        self.process.stdin.close()
        self.stderr = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        self.code = self.process.wait(PATIENCE)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def table_of(server, node="node-1"):
    """What the table must be: by uid, names and the containers that the pod has now."""
    with server.lock:
        return {uid: {"namespace": one["metadata"]["namespace"], "name": one["metadata"]["name"], "node": node,
                      "labels": {"team": one["metadata"]["labels"]["team"], "example.com/cost-centre": "4711"},
                      "workload": "Deployment/app",
                      "containers": {status["containerID"].removeprefix("containerd://"): status["name"]
                                     for status in one["status"]["containerStatuses"]}}
                for uid, one in server.pods.items() if node is None or one["spec"]["nodeName"] == node}


def differences(wanted, got):
    out = [f"{uid} is missing" for uid in wanted.keys() - got.keys()]
    out += [f"{uid} is too much" for uid in got.keys() - wanted.keys()]
    for uid in wanted.keys() & got.keys():
        known = dict(got[uid])
        # Containers of before a restart stay the pod's.
        if not wanted[uid]["containers"].items() <= known["containers"].items():
            out.append(f"{uid}: containers {known['containers']}")
        known["containers"] = wanted[uid]["containers"]
        if known != wanted[uid]:
            out.append(f"{uid}: {known} instead of {wanted[uid]}")
    return out


class PodsTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)

    def server(self, **options):
        server = ApiServer(self.directory, **options)
        self.addCleanup(server.__exit__)
        return server

    def agent(self, server, kind="api", **options):
        agent = Agent(kind, server.url, **options)
        self.addCleanup(agent.__exit__)
        return agent

    def wait_for(self, what, condition):
        until = time.monotonic() + PATIENCE
        while not (found := condition()):
            self.assertLess(time.monotonic(), until, f"{what} did not come about")
            time.sleep(0.05)
        return found

    def wait_for_equality(self, server, agent):
        """Both change all the time: until they are the same once."""
        until = time.monotonic() + PATIENCE
        while found := differences(table_of(server), agent.ask("table")):
            self.assertLess(time.monotonic(), until, "\n".join(found[:5]))
            time.sleep(0.05)

    def fill(self, server, count=20):
        for i in range(count):
            server.put(pod(f"u-{i}", f"app-{i}", containers=[("web", f"c{i}"), ("side", f"s{i}")]))
        server.put(pod("u-else", "elsewhere", node="node-2", containers=[("web", "ce")]))

    def changes(self, server, count=10, seed=1):
        source = random.Random(seed)
        for _ in range(count):
            server.churn(source)
            time.sleep(0.02)

    def test_pods_of_this_node_are_listed_and_watched(self):
        server = self.server()
        self.fill(server)
        agent = self.agent(server)
        self.wait_for_equality(server, agent)
        self.changes(server, 30)
        self.wait_for_equality(server, agent)
        self.assertEqual(agent.ask("ask u-else ce")["pod"], "", "a pod of another node")
        counts = agent.ask("counts")
        self.assertEqual((counts["malformed"], counts["relists"], counts["failures"]), (0, 0, 0))
        self.assertEqual(server.counts["list"], 1)

    def test_a_watch_goes_on_where_it_ended(self):
        server = self.server(bookmark_every=0.2)
        self.fill(server)
        agent = self.agent(server)
        self.wait_for_equality(server, agent)
        self.wait_for("two watches", lambda: agent.ask("counts")["watches"] >= 3)  # each of at most four seconds
        self.changes(server)
        self.wait_for_equality(server, agent)
        self.assertEqual(server.counts["list"], 1, "no other list was needed")
        self.wait_for("bookmarks", lambda: agent.ask("counts")["bookmarks"] > 5)

    def test_what_is_gone_is_known_for_a_while(self):
        server = self.server()
        self.fill(server)
        agent = self.agent(server)
        self.wait_for_equality(server, agent)
        server.put(pod("u-short", "short", containers=[("job", "cs")]))
        server.remove("u-short")
        # Its beginning and its end arrive one after the other: what counts is the answer after both.
        self.wait_for("the short pod's beginning", lambda: agent.ask("ask u-short cs")["complete"])
        self.wait_for("the short pod's end", lambda: "u-short" not in agent.ask("table"))
        answer = agent.ask("ask u-short cs")
        self.assertEqual((answer["pod"], answer["container"]), ("short", "job"))

    def test_pods_of_one_name_stay_apart(self):
        server = self.server()
        server.put(pod("u-1", "db-0", containers=[("db", "c1")], team="one"))
        agent = self.agent(server)
        self.wait_for_equality(server, agent)
        server.remove("u-1")
        server.put(pod("u-2", "db-0", namespace="other", containers=[("db", "c2")], team="two"))
        self.wait_for_equality(server, agent)
        self.assertEqual(agent.ask("ask u-1 c1"), {"complete": True, "namespace": "prod", "pod": "db-0", "container": "db"})
        self.assertEqual(agent.ask("ask u-2 c2"), {"complete": True, "namespace": "other", "pod": "db-0", "container": "db"})
        self.assertFalse(agent.ask("ask u-2 c1")["complete"], "the other's container is not its own")

    def test_a_static_pod_is_found_by_its_hash(self):
        server = self.server()
        server.put(pod("u-1", "etcd-node-1", containers=[("etcd", "c1")],
                       annotations={"kubernetes.io/config.mirror": "abcd"}))
        agent = self.agent(server)
        self.wait_for("the pod", lambda: agent.ask("ask abcd c1")["pod"] == "etcd-node-1")

    def test_a_version_that_is_too_old_means_to_begin_again(self):
        for fault in ("gone", "gone_status", None):
            with self.subTest(fault=fault):
                server = self.server(bookmark_every=60)
                self.fill(server, 120)
                server.inject("watch", fault)
                agent = self.agent(server)
                if fault is None:
                    self.wait_for_equality(server, agent)
                    server.forget_history()
                self.changes(server)
                # Whenever the watch begins: events enough for it to be refused amid them.
                self.wait_for("another list", lambda a=agent, s=server: a.ask("counts")["relists"] >= 1 or s.churn())
                # The first list came from the cache, in one piece; the second is consistent, and paged.
                self.wait_for("all of it", lambda s=server: s.counts["list"] >= 3)
                self.wait_for_equality(server, agent)

    def test_a_page_that_is_too_old_means_to_begin_again(self):
        server = self.server()
        self.fill(server, 120)
        server.inject("watch", "gone_status")
        for fault in (None, None, "gone"):
            server.inject("list", fault)
        agent = self.agent(server)
        self.wait_for_equality(server, agent)
        self.wait_for("both lists", lambda: agent.ask("counts")["relists"] >= 2)
        self.wait_for_equality(server, agent)

    def test_faults(self):
        faults = [("list", "unavailable"), ("list", "throttled"), ("list", "slow"), ("list", "cut"), ("list", "malformed"),
                  ("list", "malformed_item"), ("watch", "unavailable"), ("watch", "cut"), ("watch", "malformed"),
                  ("watch", "no_pod"), ("watch", "too_long"), ("watch", "slow")]
        for where, fault in faults:
            with self.subTest(where=where, fault=fault):
                server = self.server()
                self.fill(server)
                server.inject(where, fault)
                agent = self.agent(server)
                # Enough events for the fault to come, whenever the watch begins.
                self.wait_for("the fault", lambda s=server, f=f"{where}:{fault}": s.counts[f] or s.churn())
                self.changes(server)
                self.wait_for_equality(server, agent)
                if fault in ("malformed", "malformed_item", "no_pod", "too_long"):
                    self.wait_for("its count", lambda a=agent: a.ask("counts")["malformed"] >= 1 or server.churn())
                    self.wait_for_equality(server, agent)

    def test_a_server_that_is_away_is_found_again(self):
        server = self.server()
        self.fill(server)
        agent = self.agent(server)
        self.wait_for_equality(server, agent)
        server.stop()
        self.changes(server)
        self.wait_for("failures", lambda: agent.ask("counts")["failures"] >= 3)
        server.start()
        self.wait_for_equality(server, agent)

    def test_a_token_that_is_replaced_is_read_again(self):
        token = self.directory / "token"
        token.write_text("first\n")
        server = self.server(tokens={"first"})
        self.fill(server)
        agent = self.agent(server, token_file=token)
        self.wait_for_equality(server, agent)
        server.tokens = {"second"}
        server.drop_connections()
        self.changes(server)
        self.wait_for("a refusal", lambda: server.counts["unauthorized"])
        replaced = self.directory / "next"
        replaced.write_text("second")
        replaced.rename(token)
        self.wait_for_equality(server, agent)
        agent.__exit__()
        self.assertNotIn("first", agent.stderr)
        self.assertNotIn("second", agent.stderr)

    def test_certificates_that_are_replaced_are_read_again(self):
        server = self.server(tls=True)
        ca = self.directory / "ca.crt"
        ca.write_bytes(server.ca.read_bytes())
        self.fill(server)
        agent = self.agent(server, ca_file=ca)
        self.wait_for_equality(server, agent)
        server.stop()
        server.rotate_certificate("second")
        server.start()
        self.changes(server)
        before = agent.ask("counts")["failures"]
        self.wait_for("refusals", lambda: agent.ask("counts")["failures"] >= before + 2)
        self.assertTrue(differences(table_of(server), agent.ask("table")), "an unknown authority is not believed")
        ca.write_bytes(server.ca.read_bytes())
        self.wait_for_equality(server, agent)

    def test_who_may_not_list_does_not_let_records_wait(self):
        server = self.server()
        for _ in range(1000):
            server.inject("list", "forbidden")
        agent = self.agent(server)
        self.wait_for("the refusal", lambda: agent.ask("ask u-1 c1")["complete"])
        self.assertEqual(agent.ask("ask u-1 c1")["pod"], "")
        server.faults.clear()
        self.fill(server)
        self.wait_for_equality(server, agent)
        self.assertFalse(agent.ask("ask u-unknown c1")["complete"], "answers are expected again")

    def test_a_token_is_not_sent_in_the_clear(self):
        token = self.directory / "token"
        token.write_text("secret")
        agent = Agent("api", "http://192.0.2.1:8080", token_file=token)
        agent.__exit__()
        self.assertEqual(agent.code, 1)
        self.assertIn("https is wanted", agent.stderr)
        self.assertNotIn("secret", agent.stderr)

    def test_the_kubelet_is_asked_when_a_pod_is_not_known(self):
        server = self.server()
        self.fill(server, 20)
        server.remove("u-else")
        agent = self.agent(server, kind="kubelet")
        self.wait_for_equality(server, agent)
        server.put(pod("u-new", "new", containers=[("web", "cn")]))
        time.sleep(0.5)
        self.assertNotIn("u-new", agent.ask("table"), "nobody has asked")
        begun, asked = time.monotonic(), server.counts["kubelet"]
        self.wait_for("an answer", lambda: agent.ask("ask u-new cn")["complete"])
        self.assertEqual(agent.ask("ask u-new cn")["pod"], "new")
        for _ in range(200):  # of pods that nobody has: the kubelet is asked five times a second at most (pod_driver)
            agent.ask("ask u-none c")
        self.assertLess(server.counts["kubelet"], asked + 3 + 5 * (time.monotonic() - begun))
        server.inject("kubelet", "unavailable")
        server.inject("kubelet", "malformed")
        # Both, before the pod goes: an answer that was under way when they were injected could tell of its end.
        self.wait_for("the faults", lambda: agent.ask("ask u-none c") and server.counts["kubelet:malformed"])
        server.remove("u-new")
        self.wait_for("the end of the pod", lambda: agent.ask("ask u-none c") and "u-new" not in agent.ask("table"))
        self.assertEqual(agent.ask("counts")["failures"], 2)

    def test_churn(self):
        token = self.directory / "token"
        token.write_text("t1")
        server = self.server(tls=True, tokens={"t1", "t2"})
        for i in range(500):
            server.put(pod(f"u-{i}", f"app-{i}", containers=[("web", f"c{i}"), ("side", f"s{i}")]))
        agent = self.agent(server, token_file=token, ca_file=server.ca)
        self.wait_for_equality(server, agent)
        first = agent.ask("counts")
        faults = ["cut", "malformed", "gone", "slow", "gone_status", "unavailable", "no_pod", "too_long"]
        source, begun, changes = random.Random(5), time.monotonic(), 0

        def enough(passed):  # a fault needs a new watch, and some of them a pause of up to two seconds before the list
            return passed >= arguments.seconds and (passed >= arguments.seconds + PATIENCE or agent.ask("counts")["relists"] >= 2)

        while not enough(passed := time.monotonic() - begun):
            server.churn(source)
            changes += 1
            if changes % 20 == 0:
                server.inject("watch", faults[changes // 20 % len(faults) - 1])
                if changes % 40 == 0:
                    server.drop_connections()
            if changes == 55:
                server.tokens = {"t2"}
            if changes == 90:
                token.write_text("t2")
            if changes == 100:
                server.forget_history()
            time.sleep(max(0.0, (changes / 20) - passed))
        server.faults.clear()
        self.wait_for_equality(server, agent)
        counts = agent.ask("counts")
        faults_met = {name: count for name, count in server.counts.items() if ":" in name}
        print(f"churn: {len(table_of(server))} pods, {changes} changes in {passed:.1f} s; server: {server.counts['list']} lists, "
              f"{server.counts['watch']} watches, {server.counts['unauthorized']} refused; faults {faults_met}; "
              f"agent: {counts['events']} events, {counts['bookmarks']} bookmarks, {counts['relists']} relists, "
              f"{counts['malformed']} malformed, {counts['failures']} failures; "
              f"resident {first['resident_bytes'] >> 10} KiB after the list, {counts['resident_bytes'] >> 10} KiB at the end",
              file=sys.stderr)
        self.assertGreaterEqual(counts["relists"], 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=float, default=8)
    parser.parse_known_args(namespace=arguments)
    rest = parser.parse_known_args()[1]
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
