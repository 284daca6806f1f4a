#!/usr/bin/python3
"""Real clients in cgroups that are named like those of pods: records name pod and container, by the files of a runtime below a
root of our own, and by an API server of our own, in time and late."""
import json
import pathlib
import subprocess
import sys
import time

import kernel_case
import live

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "kubernetes"))
from api_server import ApiServer, pod  # noqa: E402  (found only now)

TASKS = "run/containerd/io.containerd.runtime.v2.task/k8s.io"


def uid_of(number):
    return f"0b1c2d3e-4f50-6172-8394-{number:012x}"


class PodCgroup:
    """The cgroup of a container of a pod, below a test's."""

    def __init__(self, top, uid, container, qos="burstable", driver="systemd"):
        if driver == "systemd":
            middle = f"kubepods-{qos}" if qos != "guaranteed" else "kubepods"
            parts = ["kubepods.slice"] + ([f"{middle}.slice"] if qos != "guaranteed" else [])
            parts += [f"{middle}-pod{uid.replace('-', '_')}.slice", f"cri-containerd-{container}.scope"]
        else:
            parts = ["kubepods"] + ([qos] if qos != "guaranteed" else []) + [f"pod{uid}", container]
        self.made = []
        self.path = top.path
        for part in parts:
            self.path /= part
            if not self.path.exists():
                self.path.mkdir()
                self.made.append(self.path)

    enter = live.Cgroup.enter
    add = live.Cgroup.add

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for path in reversed(self.made):
            for _ in range(100):
                try:
                    path.rmdir()
                    break
                except OSError:  # a process is about to be gone, or another container of the pod is there
                    time.sleep(0.02)


class Pods(kernel_case.KernelCase):
    def setUp(self):
        super().setUp()
        self.root = self.work / "host"
        (self.root / TASKS).mkdir(parents=True)

    def container(self, number, container, **where):
        return self.enterContext(PodCgroup(self.cgroup, uid_of(number), container, **where))

    def bundle(self, number, container, name, kind="container"):
        directory = self.root / TASKS / container
        directory.mkdir()
        (directory / "config.json").write_text(json.dumps({"process": {"env": ["KEY=secret"]}, "annotations": {
            "io.kubernetes.cri.container-type": kind, "io.kubernetes.cri.container-name": name,
            "io.kubernetes.cri.image-name": "registry.example/app:1", "io.kubernetes.cri.sandbox-namespace": "prod",
            "io.kubernetes.cri.sandbox-name": f"app-{number}", "io.kubernetes.cri.sandbox-uid": uid_of(number)}}))
        return directory

    def trace(self, *flags):
        return self.agent("trace", "--containers-roots", self.root, *flags)

    def test_three_pods_of_two_containers_at_once(self):
        agent = self.trace("--kubernetes-mode", "off")
        places = [("burstable", "systemd"), ("besteffort", "cgroupfs"), ("guaranteed", "systemd")]
        clients = []
        for number, (qos, driver) in enumerate(places):
            for name in ("web", "side"):
                container = f"{number}{name[0]}".encode().hex().ljust(64, "0")
                cgroup = self.container(number, container, qos=qos, driver=driver)
                self.bundle(number, container, name)
                clients.append(live.start_client(kernel_case.BUILD, self.server, "--model", f"model-{number}-{name}", "--stream",
                                                 "--keep-alive", 3, libs=self.libs, cgroup=cgroup))
        for client in clients:
            self.assertEqual(client.finish().status, 0)
        records = agent.wait_for(18)
        self.expect_equal(agent.stop())
        self.assertEqual(len(records), 18)
        for record in records:
            _, number, name = record["llm"]["request_model"].split("-")
            self.assertEqual(record["k8s"], {"namespace": "prod", "pod": f"app-{number}", "pod_uid": uid_of(int(number)),
                                             "container": name})
            self.assertEqual(record["container"]["name"], name)
            self.assertEqual(record["container"]["image"], "registry.example/app:1")
            self.assertEqual(record["container"]["runtime"], "containerd")

    def test_a_pod_that_is_gone_at_once(self):
        """Its sandbox starts first; the bundle of its container may be gone before the agent has looked."""
        agent = self.trace("--kubernetes-mode", "off")
        sandbox, container = "aa" * 32, "ab" * 32
        self.bundle(7, sandbox, "", kind="sandbox")
        with subprocess.Popen(["sleep", "1"], preexec_fn=live.child_setup(self.container(7, sandbox))) as pause:
            pause.wait()
        with PodCgroup(self.cgroup, uid_of(7), container) as cgroup:
            directory = self.bundle(7, container, "job")
            live.run_client(kernel_case.BUILD, self.server, libs=self.libs, cgroup=cgroup)
            (directory / "config.json").unlink()
            directory.rmdir()
        agent.wait_for(1)
        records = agent.stop()
        self.expect_equal(records)
        self.assertEqual((records[0]["k8s"]["namespace"], records[0]["k8s"]["pod"]), ("prod", "app-7"))
        self.assertIn(records[0]["k8s"].get("container"), ("job", None))

    def test_a_late_answer_completes_the_record(self):
        container = "cd" * 32
        with ApiServer(self.work) as server:
            agent = self.trace("--kubernetes-api-url", server.url, "--kubernetes-token-file", "", "--kubernetes-ca-file", "",
                               "--kubernetes-node-name", "node-1", "--kubernetes-labels", "team", "--kubernetes-wait", "60s")
            cgroup = self.container(8, container)
            live.run_client(kernel_case.BUILD, self.server, libs=self.libs, cgroup=cgroup)
            time.sleep(1)
            self.assertEqual(agent.records(), [], "it waits")
            server.put(pod(uid_of(8), "app-7c9f8-abc", containers=[("web", container)]))
            agent.wait_for(1)
            records = agent.stop()
        self.expect_equal(records)
        self.assertEqual(records[0]["k8s"], {
            "namespace": "prod", "pod": "app-7c9f8-abc", "pod_uid": uid_of(8), "container": "web", "node": "node-1",
            "workload": {"kind": "Deployment", "name": "app"}, "labels": {"team": "search"}})
        self.assertEqual(agent.lost(), "nothing")

    def test_what_nobody_tells_stays_unknown(self):
        with ApiServer(self.work) as server:
            server.put(pod(uid_of(10), "other", containers=[("web", "ee" * 32)]))
            agent = self.trace("--kubernetes-api-url", server.url, "--kubernetes-token-file", "", "--kubernetes-ca-file", "",
                               "--kubernetes-node-name", "node-1", "--kubernetes-wait", "500ms")
            cgroup = self.container(9, "ee" * 32)  # the other pod's container id, even
            live.run_client(kernel_case.BUILD, self.server, libs=self.libs, cgroup=cgroup)
            agent.wait_for(1)
            records = agent.stop()
        self.expect_equal(records)
        self.assertEqual(records[0]["k8s"], {"pod_uid": uid_of(9)})
        self.assertNotIn("name", records[0]["container"])
        self.assertEqual(agent.lost(), "pod_unknown 1")


if __name__ == "__main__":
    kernel_case.main()
