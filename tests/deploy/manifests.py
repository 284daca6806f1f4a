"""Rendered Kubernetes objects, and the checks that every way to render them has to pass."""
import json
import os
import pathlib
import tempfile
import unittest

import yaml

import deploy_case
import npm_packages
from deploy_case import DEPLOY, ROOT

KUBERNETES = DEPLOY / "kubernetes"
SECCOMP = KUBERNETES / "overlays/least-privilege/seccomp.json"
# linux/capability.h
CAPABILITIES = {"DAC_READ_SEARCH": 2, "SYS_PTRACE": 19, "SYS_ADMIN": 21, "SYS_NICE": 23, "SYS_RESOURCE": 24, "PERFMON": 38, "BPF": 39}
LEAST = ["BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"]


def mask(capabilities):
    return sum(1 << CAPABILITIES[name] for name in capabilities)


def load(text):
    return [one for one in yaml.safe_load_all(text) if one]


def kustomize(folder):
    """The objects of a folder below deploy/kubernetes, or of one given in full."""
    return load(deploy_case.run("kubectl", "kustomize", KUBERNETES / folder))


def one(objects, kind):
    found = [entry for entry in objects if entry["kind"] == kind]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} objects of kind {kind}")
    return found[0]


def pod_spec(objects):
    return one(objects, "DaemonSet")["spec"]["template"]["spec"]


def agent_container(objects):
    containers = pod_spec(objects)["containers"]
    if len(containers) != 1:
        raise AssertionError(f"{len(containers)} containers")
    return containers[0]


def config_text(objects):
    return one(objects, "ConfigMap")["data"]["config.yaml"]


def install_packages(folder):
    """The npm packages of a folder of tests/deploy, below the build. Returns where."""
    return npm_packages.install(ROOT / "tests/deploy" / folder, deploy_case.BUILD / "tests/deploy" / folder)


def schema_complaints(objects):
    place = install_packages("schemas")
    return json.loads(deploy_case.run("node", place / "validate.mjs", input=json.dumps(objects), cwd=place))


class Checks(unittest.TestCase):
    """Checks that hold for every rendering; the classes of test files inherit them."""

    def check_schemas(self, objects):
        self.assertEqual(schema_complaints(objects), [])

    def check_mounts(self, objects):
        spec = pod_spec(objects)
        volumes = {entry["name"] for entry in spec["volumes"]}
        self.assertEqual(len(volumes), len(spec["volumes"]))
        mounts = agent_container(objects)["volumeMounts"]
        self.assertEqual({entry["name"] for entry in mounts}, volumes, "every volume is mounted, every mount has a volume")
        self.assertEqual(len({entry["mountPath"] for entry in mounts}), len(mounts))
        writable = {entry["mountPath"] for entry in mounts if not entry.get("readOnly")}
        self.assertEqual(writable, {"/var/log/llmsnoop", "/var/lib/llmsnoop", "/tmp"})
        for entry in spec["volumes"]:
            if "configMap" in entry:
                self.assertEqual(entry["configMap"]["name"], one(objects, "ConfigMap")["metadata"]["name"])

    def check_selectors(self, objects):
        daemon_set = one(objects, "DaemonSet")
        labels = daemon_set["spec"]["template"]["metadata"]["labels"].items()
        self.assertLessEqual(daemon_set["spec"]["selector"]["matchLabels"].items(), labels)
        self.assertLessEqual(one(objects, "Service")["spec"]["selector"].items(), labels)
        for kind, path in (("PodMonitor", "selector"), ("NetworkPolicy", "podSelector")):
            for entry in objects:
                if entry["kind"] == kind:
                    self.assertLessEqual(entry["spec"][path]["matchLabels"].items(), labels, kind)

    def check_ports(self, objects):
        container = agent_container(objects)
        ports = {entry["name"]: entry["containerPort"] for entry in container["ports"]}
        config = yaml.safe_load(config_text(objects))
        self.assertEqual(ports, {section: int(config[section]["listen"].rpartition(":")[2]) for section in ("metrics", "api")})
        self.assertEqual(ports, {"metrics": 9464, "api": 9465})
        for entry in one(objects, "Service")["spec"]["ports"]:
            self.assertEqual(ports[entry["targetPort"]], entry["port"])
        for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
            self.assertEqual((container[probe]["httpGet"]["port"], container[probe]["httpGet"]["path"]), ("api", path))
        annotations = one(objects, "DaemonSet")["spec"]["template"]["metadata"]["annotations"]
        self.assertEqual(int(annotations["prometheus.io/port"]), ports["metrics"])
        for entry in objects:
            if entry["kind"] == "PodMonitor":
                self.assertEqual([endpoint["port"] for endpoint in entry["spec"]["podMetricsEndpoints"]], ["metrics"])
            if entry["kind"] == "NetworkPolicy":
                self.assertEqual([rule["ports"][0]["port"] for rule in entry["spec"]["ingress"]], ["metrics", "api"])
        # The token that the configuration names lies in a volume.
        token = pathlib.PurePosixPath(config["api"]["token_file"])
        self.assertIn(str(token.parent), [entry["mountPath"] for entry in container["volumeMounts"]])

    def check_rights(self, objects):
        role = one(objects, "ClusterRole")
        self.assertEqual(role["rules"], [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}])
        self.assertEqual({entry["kind"] for entry in objects} & {"Role", "RoleBinding", "Secret"}, set())
        binding = one(objects, "ClusterRoleBinding")
        account = one(objects, "ServiceAccount")
        self.assertEqual(binding["roleRef"]["name"], role["metadata"]["name"])
        self.assertEqual([(entry["name"], entry["namespace"]) for entry in binding["subjects"]],
                         [(account["metadata"]["name"], account["metadata"]["namespace"])])
        self.assertEqual(pod_spec(objects)["serviceAccountName"], account["metadata"]["name"])

    def check_image(self, objects):
        self.assertRegex(agent_container(objects)["image"], r"^[\w.-]+\.[\w.-]+/[\w./-]+(:\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})$",
                         "a registry that is named, and a fixed version")

    def check_placement(self, objects):
        spec = pod_spec(objects)
        self.assertTrue(spec["hostPID"])
        self.assertNotIn("hostNetwork", spec)
        self.assertIs(spec["enableServiceLinks"], False)
        self.assertEqual(spec["tolerations"], [{"operator": "Exists"}])
        self.assertEqual(spec["priorityClassName"], one(objects, "PriorityClass")["metadata"]["name"])
        self.assertIn("maxUnavailable", one(objects, "DaemonSet")["spec"]["updateStrategy"]["rollingUpdate"])
        resources = agent_container(objects)["resources"]
        self.assertEqual(set(resources["limits"]), {"memory"}, "a reader that is throttled loses bytes")
        self.assertEqual(set(resources["requests"]), {"cpu", "memory"})

    def check_config(self, objects):
        """The binary takes the file as it stands, and every variable of the container is one of its own."""
        known = deploy_case.config_variables()
        sections = {name.partition(".")[0] for name in known.values()}
        text = config_text(objects)
        parsed = yaml.safe_load(text)
        later = (set(parsed) & deploy_case.LATER_SECTIONS) - sections
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "config.yaml"
            file.write_text(yaml.safe_dump({key: value for key, value in parsed.items() if key not in later}) if later else text,
                            encoding="utf-8")
            values = {}
            for entry in agent_container(objects)["env"]:
                name = entry["name"]
                section = name.removeprefix("LLMSNOOP_").partition("_")[0].lower()
                if section in deploy_case.LATER_SECTIONS - sections:
                    later.add(section)
                    continue
                if section == "store" and name not in known and not deploy_case.knows_clickhouse():
                    later.add("store (for ClickHouse)")
                    continue
                self.assertIn(name, known)
                values[name] = entry.get("value", "x")
            bare = {key: value for key, value in os.environ.items() if not key.startswith("LLMSNOOP_")}
            shown = yaml.safe_load(deploy_case.run(deploy_case.llmsnoop(), "config", "--config", file, env=bare | values))
        self.assertEqual(shown["metrics"]["listen"], "0.0.0.0:9464")
        if later:
            self.skipTest(f"this llmsnoop has no configuration sections {', '.join(sorted(later))} yet: the rest of the file is accepted")
        return shown

    def check_all(self, objects):
        for check in (self.check_mounts, self.check_selectors, self.check_ports, self.check_rights, self.check_image,
                      self.check_placement):
            with self.subTest(check.__name__):
                check(objects)
