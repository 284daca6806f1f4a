"""Pods of real containers, made as a node makes them: cgroups named by the kubelet's rules, bundles where the runtimes keep theirs.

A container is started by crun itself (as CRI-O does) or by containerd, whose shim calls crun. Both are waited for in the foreground:
what has ended is gone from the runtime at once, with its bundle and its cgroup.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

SHARED = pathlib.Path("/shared")  # the containers have it too
IMAGES = pathlib.Path("/images")
IMPORTED = "registry.example/imported:1"
CRIO_BUNDLES = pathlib.Path("/run/containers/storage/overlay-containers")
OTHER_BUNDLES = pathlib.Path("/run/bundles")  # of which the agent knows nothing
MOST_S = 300


def wait_until(condition, what):
    """Gives up, and so does the scenario, after some minutes: these machines are slow, and slower under load."""
    until = time.monotonic() + MOST_S
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.05)


class Fifo:
    """What a container's shell waits at with `read`, which starts no process. A line that comes early is kept."""

    def __init__(self, name):
        self.path = SHARED / name
        os.mkfifo(self.path)
        self._file = os.open(self.path, os.O_RDWR)

    def tell(self):
        os.write(self._file, b"go\n")

    def listen(self):
        os.read(self._file, 3)

    def close(self):
        os.close(self._file)
        self.path.unlink()


def pod_cgroup(uid, qos, driver):
    """pkg/kubelet/cm: pods of the class "guaranteed" have no directory between."""
    if driver == "cgroupfs":
        return "/kubepods" + ("" if qos == "guaranteed" else f"/{qos}") + f"/pod{uid}"
    middle = "kubepods" if qos == "guaranteed" else f"kubepods-{qos}"
    above = "/kubepods.slice" + ("" if qos == "guaranteed" else f"/{middle}.slice")
    return f"{above}/{middle}-pod{uid.replace('-', '_')}.slice"


class Pod:
    """`named`: the runtime's files tell the pod's names, as CRI has them written. A static pod has a uid of its own in the API."""

    def __init__(self, namespace, name, uid, qos, driver, runtime, named, uid_in_api=None):
        self.namespace, self.name, self.uid = namespace, name, uid
        self.uid_in_api = uid_in_api or uid
        self.qos, self.driver, self.runtime, self.named = qos, driver, runtime, named
        self.cgroup = pod_cgroup(uid, qos, driver)
        self.containers = []
        self.sandbox = None

    def start_sandbox(self):
        self.sandbox = Container(self, "", "app-0", "read _ </shared/$ID.go").start()
        self.sandbox.wait_until_ready()
        return self

    def add(self, name, image, script):
        container = Container(self, name, image, script)
        self.containers.append(container)
        return container

    def end(self):
        """All of it."""
        for one in self.containers:
            one.wait()
        if self.sandbox is None:
            return
        self.sandbox.go()
        self.sandbox.wait()
        self.sandbox = None
        # The kubelet removes the pod's own cgroup.
        os.rmdir(f"/sys/fs/cgroup{self.cgroup}")


class Container:
    """Its shell says that it is there, and goes on with the script, in which $ID is the container's id."""
    made = 0

    def __init__(self, pod, name, image, script):
        Container.made += 1
        self.pod, self.name, self.image = pod, name, image
        self.id = f"{Container.made:08x}" + os.urandom(28).hex()
        self.fifo = Fifo(f"{self.id}.go")
        self.script = f"ID={self.id}; >/shared/$ID.ready; {script}"
        self.cgroup_mounted = False
        self.process = None
        self.log = open(f"{self.id[:8]}.container.log", "wb")
        last = {"containerd": {"cgroupfs": self.id, "systemd": f"cri-containerd-{self.id}.scope"},
                "cri-o": {"cgroupfs": f"crio-{self.id}", "systemd": f"crio-{self.id}.scope"}}[pod.runtime][pod.driver]
        self.cgroup = f"{pod.cgroup}/{last}"

    def annotations(self):
        pod = self.pod
        kind = "container" if self.name else "sandbox"
        if not pod.named:
            return {}
        if pod.runtime == "containerd":
            return {"io.kubernetes.cri.container-type": kind, "io.kubernetes.cri.container-name": self.name,
                    "io.kubernetes.cri.image-name": "registry.example/app:1", "io.kubernetes.cri.sandbox-namespace": pod.namespace,
                    "io.kubernetes.cri.sandbox-name": pod.name, "io.kubernetes.cri.sandbox-uid": pod.uid}
        return {"io.kubernetes.cri-o.ContainerType": kind, "io.kubernetes.container.name": self.name or "POD",
                "io.kubernetes.cri-o.ImageName": "registry.example/app:1", "io.kubernetes.pod.namespace": pod.namespace,
                "io.kubernetes.pod.name": pod.name, "io.kubernetes.pod.uid": pod.uid}

    def config(self):
        mounts = [{"destination": "/proc", "type": "proc", "source": "proc"},
                  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
                  {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
                  {"destination": "/shared", "type": "bind", "source": str(SHARED), "options": ["rbind", "rw"]}]
        if self.cgroup_mounted:
            mounts.append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["rw"]})
        return {
            "ociVersion": "1.0.2",
            "process": {"args": ["/bin/sh", "-c", self.script], "cwd": "/", "env": ["PATH=/usr/bin", "KEY=secret"],
                        "user": {"uid": 0, "gid": 0}},
            "root": {"path": str(IMAGES / self.image), "readonly": True},
            "hostname": self.pod.name,
            "mounts": mounts,
            "annotations": self.annotations(),
            "linux": {"cgroupsPath": self.cgroup,
                      "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "cgroup")]},
        }

    def start(self):
        command = {"cri-o": self.crun, "containerd": self.containerd}[self.pod.runtime]()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        return self

    def crun(self):
        base = CRIO_BUNDLES if self.pod.named else OTHER_BUNDLES
        self.bundle = base / self.id / "userdata"
        self.bundle.mkdir(parents=True)
        (self.bundle / "config.json").write_text(json.dumps(self.config()))
        return ["crun", "--cgroup-manager", "cgroupfs", "run", "--bundle", self.bundle, self.id]

    def containerd(self):
        command = ["ctr", "--namespace", "k8s.io", "run", "--rm", "--runc-binary", "/usr/bin/crun"]
        if self.image != IMPORTED:
            config = pathlib.Path(f"/tmp/{self.id}.json")
            config.write_text(json.dumps(self.config()))
            return [*command, "--config", config, self.id]
        for key, value in self.annotations().items():
            command += ["--annotation", f"{key}={value}"]
        return [*command, "--snapshotter", "native", "--with-ns", "network:/proc/1/ns/net", "--cgroup", self.cgroup,
                "--mount", f"type=bind,src={SHARED},dst=/shared,options=rbind:rw", IMPORTED, self.id, "/bin/sh", "-c", self.script]

    def exec(self, *command):
        """As `kubectl exec` does."""
        if self.pod.runtime == "containerd":
            words = ["ctr", "--namespace", "k8s.io", "task", "exec", "--exec-id", "more", self.id]
        else:
            words = ["crun", "exec", self.id]
        subprocess.run([*words, *command], stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, check=True)

    def wait_until_ready(self):
        wait_until(lambda: (SHARED / f"{self.id}.ready").exists() or self.process.poll() is not None, f"container {self.id[:8]}")

    def wait_until_held(self, times=1):
        """Its client (--hold) has said so many times that it made an exchange and waits."""
        wait_until(lambda: pathlib.Path(self.log.name).read_bytes().count(b"READY") >= times or self.process.poll() is not None,
                   f"the client of container {self.id[:8]}")

    def go(self):
        self.fifo.tell()

    def wait(self):
        if self.process is None:
            return
        status = self.process.wait(MOST_S)
        self.process = None
        if status:
            print(f"container {self.id[:8]} ({self.pod.name}/{self.name}) ended with {status}", flush=True)
        if self.pod.runtime == "cri-o":
            shutil.rmtree(self.bundle.parent)
        self.fifo.close()
        self.log.close()


class AgentContainer:
    """The agent in a container like that of deploy/kubernetes/base/daemon-set.yaml, with the least privileges of any kernel."""

    def __init__(self, command, pod, directory, state, out, log):
        root = IMAGES / "agent"
        for name in ("usr/bin", "proc", "dev", "sys", "tmp", "var/log/llmsnoop", "var/lib/llmsnoop"):
            (root / name).mkdir(parents=True, exist_ok=True)
        listed = subprocess.run(["/lib64/ld-linux-x86-64.so.2", "--list", "/usr/bin/llmsnoop"], capture_output=True, text=True, check=True)
        for path in ["/usr/bin/llmsnoop", *re.findall(r"(/\S+) \(", listed.stdout)]:
            (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / path[1:])
        bundle = pathlib.Path("/run/agent")
        bundle.mkdir()
        container = f"{0:064x}"
        capabilities = sorted(f"CAP_{name}" for name in ("BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH", "SYS_ADMIN", "SYS_RESOURCE"))

        def bind(source, target, *options):
            return {"destination": target, "type": "bind", "source": str(source), "options": ["rbind", *options]}

        config = {
            "ociVersion": "1.0.2",
            "process": {"args": [f"/usr/bin/{command[0]}", *map(str, command[1:])], "cwd": "/", "env": ["PATH=/usr/bin"],
                        "user": {"uid": 0, "gid": 0},
                        "capabilities": {kind: capabilities for kind in ("bounding", "effective", "permitted")}},
            "root": {"path": str(root), "readonly": True},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
                       {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
                       {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
                       bind("/sys/kernel", "/sys/kernel", "ro"), bind("/sys/fs/cgroup", "/sys/fs/cgroup", "ro"),
                       bind(directory, "/var/log/llmsnoop", "rw"), bind(state, "/var/lib/llmsnoop", "rw")],
            # hostPID; the network is the node's, as there is no other.
            "linux": {"cgroupsPath": f"{pod_cgroup(pod, 'burstable', 'systemd')}/crio-{container}.scope",
                      "namespaces": [{"type": kind} for kind in ("ipc", "uts", "mount", "cgroup")]},
        }
        (bundle / "config.json").write_text(json.dumps(config))
        self.process = subprocess.Popen(
            ["crun", "--cgroup-manager", "cgroupfs", "run", "--pid-file", "/run/agent/pid", "--bundle", bundle, container],
            stdin=subprocess.DEVNULL, stdout=out, stderr=log)

    def send_signal(self, number):
        os.kill(int(pathlib.Path("/run/agent/pid").read_text()), number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def wait(self):
        return self.process.wait()


def start_containerd():
    """Its parts that serve the kubelet's CRI want more of a machine than is here; what makes the containers is the rest."""
    config = pathlib.Path("/tmp/containerd.toml")
    config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", '
                      '"io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", '
                      '"io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]\n')
    log = open("containerd.log", "wb")
    process = subprocess.Popen(["containerd", "--config", config], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    wait_until(lambda: subprocess.run(["ctr", "version"], capture_output=True, check=False).returncode == 0, "containerd")
    return process


def unpack_images(tar, names):
    """A root file system for each name, and one in containerd's store, with a copy of libssl in each."""
    layer = pathlib.Path("/tmp/layer.tar")
    layer.write_bytes(subprocess.run(["tar", "-xOf", tar, "layer.tar"], capture_output=True, check=True).stdout)
    for name in names:
        (IMAGES / name).mkdir(parents=True)
        subprocess.run(["tar", "-xf", layer, "-C", IMAGES / name], check=True)
    layer.unlink()


def import_image(tar):
    with open("import.log", "wb") as log:
        subprocess.run(["ctr", "--namespace", "k8s.io", "image", "import", "--snapshotter", "native", tar], stdin=subprocess.DEVNULL,
                       stdout=log, stderr=subprocess.STDOUT, check=True)
