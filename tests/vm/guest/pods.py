#!/usr/bin/python3
"""What happens in the machine with containers. The host compares the outcome (tests/vm/pod_checks.py).

Every container asks for a model of its own, so that the server's ledger tells of whom an exchange was, whoever the agent says it was.
In the current directory, for each run of the agent:
    RUN.ledger      what the server says that it answered
    RUN.facts       of each model: whose it was, as the agent must have found out
    RUN.audit/      the agent's records; RUN.log: its messages
    RUN.usage       llmsnoop usage --by namespace,pod,model
    RUN.promql      what Prometheus says to sum by (namespace, pod, model, type) (llmsnoop_tokens_total)
"""
import json
import pathlib
import platform
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request

sys.path.insert(0, "/guest")
import api_server  # noqa: E402
from pod_containers import (IMAGES, IMPORTED, SHARED, AgentContainer, Fifo, Pod, import_image, start_containerd,  # noqa: E402
                            unpack_images, wait_until)

IMAGE = "/images/image.tar"
APPS = ("app-0", "app-1", "app-2")
QOS = ("burstable", "besteffort", "guaranteed")
METRICS = "127.0.0.1:9464"
PROMETHEUS = "127.0.0.1:9090"


def say(*words):
    line = f"{pathlib.Path('/proc/uptime').read_text().split()[0]} {' '.join(map(str, words))}"
    print(line, flush=True)
    with open("/dev/console", "w", encoding="utf-8") as console:
        print(line, file=console)


def get(url):
    with urllib.request.urlopen(url, timeout=60) as response:
        return response.read().decode()


def prometheus_says(expression):
    try:
        return json.loads(get(f"http://{PROMETHEUS}/api/v1/query?query={urllib.parse.quote(expression)}"))["data"]["result"]
    except OSError:
        return []  # it is still starting


class Run:
    """An agent that watches the whole node, a server, and a Prometheus."""

    def __init__(self, name, with_api_server, bundles_tell, in_container=False):
        self.name = name
        self.facts = []
        self.pods = 0
        self.bundles_tell = bundles_tell
        self.api = api_server.ApiServer("/tmp") if with_api_server else None
        self.server = subprocess.Popen(["llm_server", "--cert-out", SHARED / f"{name}.pem", "--report", f"{name}.ledger"],
                                       stdout=open(f"/tmp/{name}.ready", "wb"))
        wait_until(lambda: "READY" in pathlib.Path(f"/tmp/{name}.ready").read_text(), "the server")
        self.port = re.search(r"port=(\d+)", pathlib.Path(f"/tmp/{name}.ready").read_text())[1]
        self.audit = pathlib.Path(f"{name}.audit").resolve()
        self.state = pathlib.Path(f"/tmp/{name}.state")
        for directory in (self.audit, self.state):
            directory.mkdir()
        self.agent = self.start_agent(in_container)
        wait_until(lambda: "tracing" in pathlib.Path(f"{name}.log").read_text(), "the agent")
        config = pathlib.Path("/tmp/prometheus.yml")
        config.write_text(json.dumps({"scrape_configs": [{"job_name": "llmsnoop", "scrape_interval": "2s",
                                                          "static_configs": [{"targets": [METRICS]}]}]}))
        self.prometheus = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path=/tmp/{name}.prometheus",
             f"--web.listen-address={PROMETHEUS}", "--log.level=warn"], stdin=subprocess.DEVNULL,
            stderr=open(f"{name}.prometheus.log", "wb"))
        self.learn_libraries()

    def start_agent(self, in_container):
        kubernetes = ["--kubernetes-mode", "off"] if not self.api else [
            "--kubernetes-api-url", self.api.url, "--kubernetes-token-file", "", "--kubernetes-ca-file", "",
            "--kubernetes-node-name", "node-1", "--kubernetes-wait", "60s"]
        audit, state = ("/var/log/llmsnoop", "/var/lib/llmsnoop") if in_container else (self.audit, self.state)
        command = ["llmsnoop", "run", "--metrics-listen", METRICS, "--audit-directory", audit, "--store-path", f"{state}/store.db",
                   "--http-body-hashes", "true", *kubernetes]
        say("agent", self.name, *command)
        with open(f"{self.name}.out", "wb") as out, open(f"{self.name}.log", "wb") as log:
            if in_container:
                return AgentContainer(command, self.new_uid(), self.audit, self.state, out, log)
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log)

    def learn_libraries(self):
        """Probes come after the first process that maps a file: so there is one of each image before anything counts."""
        for app in APPS:
            shared = IMAGES / app / "shared"
            subprocess.run(["mount", "--bind", SHARED, shared], check=True)
            for program in (self.ssl(f"warm-{app}-ssl", 1), self.curl(f"warm-{app}-curl", 1)):
                model = re.search(r"warm-\S+?(?=[ \"\\])", program)[0]
                self.until_seen(model, lambda program=program, app=app: subprocess.run(
                    ["chroot", IMAGES / app, "/bin/sh", "-c", program], stdout=subprocess.DEVNULL, check=False))
            subprocess.run(["umount", shared], check=True)

    def until_seen(self, model, again):
        def seen():
            again()
            time.sleep(0.5)
            return f'model="{model}"' in get(f"http://{METRICS}/metrics")
        wait_until(seen, f"an exchange of {model}")

    # --- what containers run

    def ssl(self, model, count, *flags):
        """ssl_client is an applet of busybox, too: hence its path."""
        return f"/usr/bin/ssl_client --port {self.port} --ca /shared/{self.name}.pem --model {model} --keep-alive {count} {' '.join(flags)}"

    def curl(self, model, count):
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}]})
        one = (f"curl -s --cacert /shared/{self.name}.pem https://127.0.0.1:{self.port}/v1/chat/completions "
               f"-d '{body}' >/dev/null")
        return "; ".join([one] * count)

    # --- pods

    def new_uid(self):
        self.pods += 1
        return f"{len(self.name):04x}c3d4-4f50-6172-8394-{self.pods:012x}".rjust(36, "a")

    def pod(self, name, qos="burstable", driver="cgroupfs", runtime="cri-o", told=True, static=False):
        """`told`: the API server has it before anything of it runs, as it is in a cluster."""
        pod = Pod("prod", name, self.new_uid(), qos, driver, runtime, self.bundles_tell, self.new_uid() if static and self.api else None)
        if told:
            self.tell_of(pod)
        return pod.start_sandbox()

    def tell_of(self, pod):
        """With the containers that run now; of each name the last."""
        if self.api:
            containers = {one.name: one.id for one in pod.containers}
            annotations = {"kubernetes.io/config.mirror": pod.uid} if pod.uid_in_api != pod.uid else {}
            self.api.put(api_server.pod(pod.uid_in_api, pod.name, namespace=pod.namespace, containers=list(containers.items()),
                                        annotations=annotations))

    def forget(self, pod):
        pod.end()
        if self.api:
            self.api.remove(pod.uid_in_api)

    def requests_of(self, model):
        """How many of the calls for that model the agent has counted."""
        page = get(f"http://{METRICS}/metrics")
        return sum(float(line.split()[-1]) for line in page.splitlines()
                   if line.startswith("llmsnoop_requests_total{") and f'model="{model}"' in line and 'role="client"' in line)

    def expect(self, part, container, model, count, **more):
        pod = container.pod
        self.facts.append({"part": part, "model": model, "count": count, "namespace": pod.namespace, "pod": pod.name, "uid": pod.uid_in_api,
                           "container": container.name, "container_id": container.id, "cgroup": container.cgroup,
                           "runtime": pod.runtime, "named": "yes", **more})

    def container(self, part, pod, name, program, image="app-0", count=1, wait=True, cgroup_mounted=False, **more):
        """Started, and ready to `go`, unless it waits for nobody."""
        model = f"{part}-{self.name}-{len(self.facts)}"
        started = "read _ </shared/$ID.go; " if wait else ""
        one = pod.add(name, image, started + program(model, count))
        one.cgroup_mounted = cgroup_mounted
        one.start()
        self.expect(part, one, model, count, **more)
        one.model = model
        return one

    # --- the end

    def stop(self):
        say("run", self.name, "ends")
        wanted = sum(one["count"] for one in self.facts)
        requests = 'sum(llmsnoop_requests_total{role="client",model!~"warm-.*"})'

        def all_there():
            result = prometheus_says(requests)
            return bool(result) and float(result[0]["value"][1]) >= wanted
        try:
            wait_until(all_there, f"{wanted} requests in Prometheus")
        except TimeoutError as missing:  # the host looks which
            print(missing)
        sums = prometheus_says('sum by (namespace, pod, model, type) (llmsnoop_tokens_total{role="client"})')
        pathlib.Path(f"{self.name}.promql").write_text(json.dumps(sums))
        for name, process in (("agent", self.agent), ("server", self.server), ("prometheus", self.prometheus)):
            process.terminate()
            pathlib.Path(f"{self.name}.{name}.status").write_text(str(process.wait()))
        if self.api:
            self.api.stop()
        usage = subprocess.run(["llmsnoop", "usage", "--by", "namespace,pod,model", "--format", "json", "--limit", "0", "--store-path",
                                self.state / "store.db"], capture_output=True, text=True, check=False)
        pathlib.Path(f"{self.name}.usage").write_text(usage.stdout)
        print(usage.stderr)
        pathlib.Path(f"{self.name}.facts").write_text(json.dumps(self.facts))


# --- what happens to pods

def at_once(run, round_number):
    """Three pods, one of each class, with two containers each. Nobody ends before all have begun."""
    say("three pods at once", round_number)

    def held(model, count):
        return run.ssl(model, count, "--stream --hold </shared/$ID.go")

    pods = []
    for number, qos in enumerate(QOS):
        driver = ("cgroupfs", "systemd")[(round_number + number) % 2]
        runtime = ("containerd", "cri-o")[(round_number // 2 + number) % 2]
        pod = run.pod(f"app-{round_number}-{number}", qos, driver, runtime)
        pods.append(pod)
        run.container("at-once", pod, "web", held, image=APPS[number], count=4, round=round_number)
        run.container("at-once", pod, "side", run.curl, image=APPS[number], count=3)
        run.tell_of(pod)
    containers = [one for pod in pods for one in pod.containers]
    for one in containers:
        one.wait_until_ready()
    for one in containers:
        one.go()
    holding = [one for one in containers if one.name == "web"]
    for one in holding:
        one.wait_until_held()
    for one in holding:
        one.go()
    for pod in pods:
        run.forget(pod)


def imported_image(run):
    """An image from containerd's store, unpacked for this container alone: its libssl is new to the agent."""
    say("an imported image")
    pod = run.pod("imported", "guaranteed", "systemd", "containerd")
    model = f"imported-{run.name}-{len(run.facts)}"
    warm = f"warm-{model}"
    seen = SHARED / f"{model}.seen"
    one = pod.add("web", IMPORTED, f"until [ -e {seen} ]; do {run.ssl(warm, 1)}; sleep 1; done; "
                                   f"read _ </shared/$ID.go; {run.ssl(model, 3, '--api', 'anthropic')}").start()
    run.tell_of(pod)
    run.until_seen(warm, lambda: None)
    seen.touch()
    one.go()
    run.expect("imported", one, model, 3)
    run.forget(pod)


def short_lived(run):
    """Containers that make one exchange, and are gone from the runtime at once, with their bundles and cgroups."""
    say("short-lived pods")

    def one_exchange(model, count):
        return "exec " + run.ssl(model, count, "--short")

    for number in range(8):
        pod = run.pod(f"short-{number}", QOS[number % 3], ("cgroupfs", "systemd")[number % 2], "containerd" if number == 7 else "cri-o")
        run.container("short", pod, "job", one_exchange, wait=False)
        run.tell_of(pod)
        run.forget(pod)

    # Gone before the agent looks: the container, and its sandbox is there; and all of it.
    known_later = {"container_known": run.api is not None}
    run.agent.send_signal(signal.SIGSTOP)
    pod = run.pod("half-gone")
    one = run.container("short-gone", pod, "job", one_exchange, wait=False, **known_later)
    one.wait()
    run.tell_of(pod)
    run.agent.send_signal(signal.SIGCONT)
    wait_until(lambda: run.requests_of(one.model) == 1, "the exchange of a container that is gone")
    run.forget(pod)

    run.agent.send_signal(signal.SIGSTOP)
    pod = run.pod("all-gone", driver="systemd", qos="besteffort", told=False)
    run.container("short-all-gone", pod, "job", one_exchange, wait=False, named="yes" if run.api else "maybe", **known_later)
    pod.end()
    run.tell_of(pod)
    run.forget(pod)
    run.agent.send_signal(signal.SIGCONT)


def restart(run):
    """A container of a pod ends, and another of the same name takes its place, with a new id."""
    say("container restarts")
    for runtime in ("cri-o", "containerd"):
        pod = run.pod(f"restarted-{runtime}", runtime=runtime)
        for _ in range(2):
            one = run.container("restart", pod, "web", run.ssl, count=2)
            run.tell_of(pod)
            one.go()
            one.wait()
        run.forget(pod)


def renames(run):
    """One pod after the other in the same place of the node: first of the same name (a StatefulSet's), then of another."""
    say("pods of the same name, and of another")
    for name in ("chat-0", "chat-0", "chat-1", "chat-0"):
        # Its processes have the numbers of those of the pod before.
        set_next_pid(31000)
        pod = run.pod(name)
        one = run.container("rename", pod, "web", run.ssl, count=2)
        run.tell_of(pod)
        one.go()
        run.forget(pod)


def executed(run):
    """A further program in a container that runs, in the pods of both runtimes; one of them is static."""
    say("exec")
    for runtime, static in (("cri-o", True), ("containerd", False)):
        pod = run.pod(f"exec-{runtime}", runtime=runtime, static=static)
        one = run.container("exec", pod, "web", run.ssl, count=2)
        run.tell_of(pod)
        one.wait_until_ready()
        model = f"exec-{run.name}-{len(run.facts)}"
        one.exec("/bin/sh", "-c", run.ssl(model, 2))
        run.expect("exec", one, model, 2)
        one.go()
        run.forget(pod)


def pretends(run):
    """A container that may make cgroups makes one with the names of another pod's container, which is there. Then once more, so deep
    that the kernel programs have no room for the whole path, and it is gone before the agent looks."""
    say("a pod that pretends")
    victim = run.pod("victim", driver="systemd")
    theirs = run.container("pretends", victim, "web", run.ssl)
    pod = run.pod("impostor", "besteffort")
    run.tell_of(victim)

    def in_cgroup(inner):
        cgroup = f"/sys/fs/cgroup{inner}"
        return lambda model, count: f"mkdir -p {cgroup}; echo $$ >{cgroup}/cgroup.procs; exec {run.ssl(model, count, '--short')}"

    def pretend(part, inner, **more):
        one = run.container(part, pod, "web", in_cgroup(inner), count=2, cgroup_mounted=True, **more)
        run.facts[-1]["cgroup"] += inner
        run.tell_of(pod)
        one.wait_until_ready()
        one.go()
        one.wait()

    pretend("pretends", theirs.cgroup)
    run.agent.send_signal(signal.SIGSTOP)
    pretend("pretends-deep", "".join(f"/{letter * 100}" for letter in "abcd") + theirs.cgroup, named="maybe", uid_known=False,
            container_known=False)
    run.agent.send_signal(signal.SIGCONT)
    theirs.wait_until_ready()
    theirs.go()
    run.forget(pod)
    run.forget(victim)


def set_next_pid(pid):
    pathlib.Path("/proc/sys/kernel/ns_last_pid").write_text(str(pid - 1))


def reused_pids(run):
    """Processes of two pods have the same number, one after the other. In every other round the agent looks only when the first
    is gone and the second is there."""
    say("reused pids")
    done = Fifo("reuse.done")
    rounds = 6

    def each_time(model, _):
        once = f"read _ </shared/$ID.go; {run.ssl(model, 2, '--short --hold </shared/$ID.go')}; echo go >/shared/reuse.done"
        return "; ".join([once] * rounds)

    first, second = [run.container("reuse", pod, "web", each_time, count=2 * rounds, wait=False) for pod in (
        run.pod("first", "besteffort", "systemd"), run.pod("second", "guaranteed", "cgroupfs"))]
    for one in (first, second):
        run.tell_of(one.pod)
        one.wait_until_ready()
    for number in range(rounds):
        if number % 2:
            run.agent.send_signal(signal.SIGSTOP)
        for one in (first, second):
            set_next_pid(20000 + 100 * number)
            one.go()
            one.wait_until_held(times=number + 1)
            if number % 2 and one is second:
                run.agent.send_signal(signal.SIGCONT)
                wait_until(lambda many=2 * number + 1: run.requests_of(second.model) == many, "what was done with a reused pid")
            one.go()
            done.listen()
    for one in (first, second):
        run.forget(one.pod)
    done.close()


def main():
    say(f"Linux {platform.release()}")
    unpack_images(IMAGE, APPS)
    containerd = start_containerd()
    import_image(IMAGE)
    say("containerd is there")
    runs = (("files", {"with_api_server": False, "bundles_tell": True}, (0, 1)),
            ("api", {"with_api_server": True, "bundles_tell": False}, (2, 3)),
            ("daemonset", {"with_api_server": True, "bundles_tell": True, "in_container": True}, (0,)))
    for name, settings, rounds in runs:
        run = Run(name, **settings)
        for number in rounds:
            at_once(run, number)
        for happens in (imported_image, short_lived, restart, renames, executed, pretends, reused_pids):
            happens(run)
        run.stop()
    containerd.terminate()
    containerd.wait()
    say("done")


main()
