#!/usr/bin/python3
"""deploy/logs: the files can be parsed, and what they name exists in the records that the real agent writes. The shippers are not run,
unless one is installed.

    tests/deploy/test_logs.py --build BUILD
"""
import fnmatch
import json
import re
import shutil
import time
import unittest

import yaml

import deploy_case
from deploy_case import DEPLOY, ROOT

LOGS = DEPLOY / "logs"
PATTERN = "/var/log/llmsnoop/audit-*.jsonl"
FILES = {"filebeat.yml", "fluent-bit.yaml", "vector.yaml", "promtail.yaml", "alloy.alloy", "README.md"}


def load(name):
    return yaml.safe_load((LOGS / name).read_text(encoding="utf-8"))


def schema_of(path):
    """The schema of a record's member, by its name with dots; None: there is none."""
    one = json.loads((ROOT / "exporters/record.schema.json").read_text(encoding="utf-8"))
    for name in path.split("."):
        one = one.get("properties", {}).get(name)
        if one is None:
            return None
    return one


def a_time():
    """When a real record's request began, as the record says it."""
    lines = deploy_case.run(deploy_case.llmsnoop(), "replay", "--json", "--log-level", "error", ROOT / "tests/docs/calls.pcap").splitlines()
    return json.loads(lines[0])["time"]


class Files(unittest.TestCase):
    def test_all_are_tested(self):
        self.assertEqual({path.name for path in LOGS.iterdir()}, FILES)

    def test_every_one_reads_the_audit_log(self):
        for name in FILES - {"README.md"}:
            self.assertIn(PATTERN, (LOGS / name).read_text(encoding="utf-8"), name)
        self.assertTrue(fnmatch.fnmatch("/var/log/llmsnoop/audit-20261120T103800Z-2.jsonl", PATTERN))
        self.assertFalse(fnmatch.fnmatch("/var/log/llmsnoop/audit-20261120T103800Z.jsonl.1.gz", PATTERN))
        self.assertIn("/var/log/llmsnoop", deploy_case.run(deploy_case.llmsnoop(), "config"))

    def test_installed_shippers_take_them(self):
        programs = {"fluent-bit": ["--dry-run", "-c", "fluent-bit.yaml"], "vector": ["validate", "--no-environment", "vector.yaml"],
                    "filebeat": ["test", "config", "-c", "filebeat.yml"], "promtail": ["-check-syntax", "-config.file", "promtail.yaml"],
                    "alloy": ["fmt", "alloy.alloy"]}
        here = {name: arguments for name, arguments in programs.items() if shutil.which(name)}
        for name, arguments in here.items():
            with self.subTest(name):
                deploy_case.run(name, *arguments, cwd=LOGS)
        if not here:
            self.skipTest(f"none of {', '.join(programs)} is installed: their files are parsed, and not run")


class Filebeat(unittest.TestCase):
    def test_time(self):
        stream, = load("filebeat.yml")["filebeat.inputs"]
        steps = {name: step for one in stream["processors"] for name, step in one.items()}
        target, _, member = steps["timestamp"]["field"].partition(".")
        self.assertEqual(target, steps["decode_json_fields"]["target"])
        self.assertIsNotNone(schema_of(member))
        self.assertEqual(steps["timestamp"]["layouts"], ["2006-01-02T15:04:05.999999999Z07:00"])  # Go's RFC3339Nano
        self.assertRegex(steps["timestamp"]["test"][0], schema_of("time")["pattern"])


class FluentBit(unittest.TestCase):
    def test_time(self):
        config = load("fluent-bit.yaml")
        parser, = config["parsers"]
        source, = config["pipeline"]["inputs"]
        self.assertEqual(source["parser"], parser["name"])
        self.assertIsNotNone(schema_of(parser["time_key"]))
        # strptime's %L is Fluent Bit's own: fractions of a second. Python's %f takes six digits of them.
        stamp = re.sub(r"\.(\d{6})\d{3}", r".\1", a_time())
        self.assertTrue(time.strptime(re.sub(r"\.\d+", "", stamp), parser["time_format"].replace(".%L", "")))

    def test_outputs_match(self):
        config = load("fluent-bit.yaml")["pipeline"]
        self.assertTrue(fnmatch.fnmatch(config["inputs"][0]["tag"], config["outputs"][0]["match"]))


class Vector(unittest.TestCase):
    def test_everything_is_connected(self):
        config = load("vector.yaml")
        made = set(config["sources"]) | set(config["transforms"])
        for part in list(config["transforms"].values()) + list(config["sinks"].values()):
            self.assertLessEqual(set(part["inputs"]), made)

    def test_members_exist(self):
        config = load("vector.yaml")
        source = config["transforms"]["llmsnoop_records"]["source"]
        members = re.findall(r"\.record\.([\w.]+)", source)
        self.assertGreater(len(members), 4)
        for label in re.findall(r"\{\{ (\w+) \}\}", str(config["sinks"]["loki"]["labels"])):
            self.assertIn(f"\n.{label} = ", source)
        for member in members:
            self.assertIsNotNone(schema_of(member), member)


class Loki(unittest.TestCase):
    def expressions(self):
        stages = {name: stage for one in load("promtail.yaml")["scrape_configs"][0]["pipeline_stages"] for name, stage in one.items()}
        return stages["json"]["expressions"], stages

    def test_promtails_members_exist(self):
        expressions, stages = self.expressions()
        for member in expressions.values():
            self.assertIsNotNone(schema_of(member), member)
        self.assertLessEqual({*stages["labels"], *stages["structured_metadata"], stages["timestamp"]["source"]}, set(expressions))

    def test_labels_have_few_values(self):
        _, stages = self.expressions()
        self.assertEqual(set(stages["labels"]), {"node", "role", "provider", "namespace"})

    def test_alloy_says_the_same_as_promtail(self):
        expressions, stages = self.expressions()
        text = (LOGS / "alloy.alloy").read_text(encoding="utf-8")
        block = re.search(r"expressions = \{(.*?)\}", text, re.S)[1]
        self.assertEqual(dict(re.findall(r'(\w+)\s*= "([\w.]+)"', block)), expressions)
        labels, metadata = re.findall(r"values = \{(.*?)\}", text)
        self.assertEqual(set(re.findall(r"(\w+) =", labels)), set(stages["labels"]))
        self.assertEqual(set(re.findall(r"(\w+) =", metadata)), set(stages["structured_metadata"]))
        self.assertEqual(text.count("{"), text.count("}"))
        defined = set(re.findall(r'^([\w.]+) "(\w+)" \{', text, re.M))
        for component, name in re.findall(r"\b([a-z_]+\.[a-z_.]+)\.(llmsnoop|default)\.", text):
            self.assertIn((component, name), defined)


if __name__ == "__main__":
    deploy_case.main()
