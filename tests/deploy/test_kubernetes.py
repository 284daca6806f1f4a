#!/usr/bin/python3
"""deploy/kubernetes: what kubectl renders is valid by Kubernetes' schemas, agrees with itself and with the binary.

    tests/deploy/test_kubernetes.py --build BUILD
"""
import contextlib
import copy
import json
import pathlib
import shutil
import tempfile

import yaml

import deploy_case
import manifests
from deploy_case import ROOT
from manifests import KUBERNETES

OVERLAYS = sorted(path.name for path in (KUBERNETES / "overlays").iterdir())


@contextlib.contextmanager
def place_beside_overlays():
    """A folder beside copies of the others, since kustomize wants relative paths. The tree itself is read by other tests meanwhile."""
    with tempfile.TemporaryDirectory(prefix="llmsnoop-kustomize-") as folder:
        copied = pathlib.Path(shutil.copytree(KUBERNETES, pathlib.Path(folder, "kubernetes")))
        (copied / "mine").mkdir()
        yield copied / "mine"


class Kustomize(manifests.Checks):
    @classmethod
    def setUpClass(cls):
        deploy_case.need("kubectl")
        cls.rendered = {name: manifests.kustomize(f"overlays/{name}") for name in OVERLAYS}

    def test_the_overlays_are_those_that_are_documented(self):
        self.assertEqual(OVERLAYS, ["clickhouse", "content-capture", "least-privilege", "privileged"])

    def test_objects_agree_with_each_other(self):
        for name, objects in self.rendered.items():
            with self.subTest(name):
                self.check_all(objects)

    def test_schemas(self):
        self.check_schemas([entry for objects in self.rendered.values() for entry in objects])

    def test_schemas_would_notice(self):
        def spoiled(spoil):
            objects = copy.deepcopy(self.rendered["privileged"])
            spoil(manifests.pod_spec(objects))
            return manifests.one(objects, "DaemonSet")

        complaints = manifests.schema_complaints([
            spoiled(lambda spec: spec.update(hostpid=True)),
            spoiled(lambda spec: spec["containers"][0].update(volumeMounts={})),
            spoiled(lambda spec: spec["containers"][0].pop("name")),
        ])
        for part in ("'\"hostpid\"' does not exist", "volumeMounts must be array", "must have required property name"):
            self.assertIn(part, "\n".join(complaints))

    def test_configuration_is_accepted_by_the_binary(self):
        for name, objects in self.rendered.items():
            with self.subTest(name):
                self.check_config(objects)

    def test_a_changed_configuration_restarts_the_agents(self):
        self.assertRegex(manifests.one(self.rendered["privileged"], "ConfigMap")["metadata"]["name"], r"^llmsnoop-[a-z0-9]{10}$")

    def test_privileged(self):
        context = manifests.agent_container(self.rendered["privileged"])["securityContext"]
        self.assertEqual(context, {"privileged": True, "readOnlyRootFilesystem": True, "runAsUser": 0})

    def test_least_privilege(self):
        objects = self.rendered["least-privilege"]
        context = manifests.agent_container(objects)["securityContext"]
        self.assertEqual(context, {
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": manifests.LEAST, "drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsUser": 0,
            "seccompProfile": {"type": "Localhost", "localhostProfile": "llmsnoop.json"},
            "appArmorProfile": {"type": "Unconfined"},
            "seLinuxOptions": {"type": "spc_t"},
        })
        self.assertEqual([entry for entry in manifests.pod_spec(objects)["volumes"] if "/run" in str(entry)], [])

    def test_content_leaves_only_where_it_is_asked_for(self):
        for name, objects in self.rendered.items():
            values = {entry["name"]: entry.get("value") for entry in manifests.agent_container(objects)["env"]}
            self.assertEqual(values.get("LLMSNOOP_POLICY_CONTENT"), "redacted" if name == "content-capture" else None)
            self.assertNotIn("policy", yaml.safe_load(manifests.config_text(objects)))

    def test_seccomp_profile(self):
        profile = json.loads(manifests.SECCOMP.read_text(encoding="utf-8"))
        self.assertEqual(profile["defaultAction"], "SCMP_ACT_ERRNO")
        names = [name for rule in profile["syscalls"] for name in rule["names"]]
        self.assertEqual(len(names), len(set(names)))
        self.assertLessEqual({"bpf", "perf_event_open"}, set(names))
        self.assertFalse({"ptrace", "mount", "setns", "unshare", "init_module", "finit_module", "kexec_load", "process_vm_readv",
                          "process_vm_writev", "add_key", "keyctl", "pivot_root", "chroot", "reboot"} & set(names))

    def test_the_readmes_example(self):
        import documents
        block = next(text for text in documents.blocks((ROOT / "deploy/README.md").read_text(encoding="utf-8"), "yaml") if "images:" in text)
        with place_beside_overlays() as path:
            (path / "kustomization.yaml").write_text(block.replace("REGISTRY", "registry.test"), encoding="utf-8")
            objects = manifests.kustomize(path)
        self.check_all(objects)
        self.assertEqual(manifests.agent_container(objects)["image"], "registry.test/llmsnoop:0.1.0")
        secrets = {volume["secret"]["secretName"] for volume in manifests.pod_spec(objects)["volumes"] if "secret" in volume}
        for name in secrets:
            self.assertIn(f"create secret generic {name} ", (ROOT / "deploy/README.md").read_text(encoding="utf-8"))

    def with_components(self, *names):
        with place_beside_overlays() as path:
            (path / "kustomization.yaml").write_text(json.dumps({
                "resources": ["../overlays/least-privilege"],
                "components": [f"../components/{name}" for name in names],
            }), encoding="utf-8")
            return manifests.kustomize(path)

    def test_components(self):
        objects = self.with_components(*sorted(path.name for path in (KUBERNETES / "components").iterdir()))
        self.check_all(objects)
        context = manifests.agent_container(objects)["securityContext"]
        self.assertEqual(set(context["capabilities"]["add"]), {*manifests.LEAST, "SYS_ADMIN", "SYS_RESOURCE"})
        self.assertNotIn("PodMonitor", [entry["kind"] for entry in objects])
        self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})


if __name__ == "__main__":
    deploy_case.main()
