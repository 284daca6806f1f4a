#!/usr/bin/python3
"""deploy/prometheus and deploy/grafana: promtool accepts the rules and their unit tests; a real Prometheus scrapes the agent's exporter, and
every query of every dashboard and every expression of every rule returns data.

    tests/deploy/test_prometheus.py --build BUILD
"""
import http.server
import importlib.util
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import yaml

import deploy_case
import free_port
from deploy_case import DEPLOY, ROOT

RULES = sorted((DEPLOY / "prometheus").glob("*.rules.yaml"))
TESTS = sorted((ROOT / "tests/deploy/rules").glob("*.test.yaml"))
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
# What Grafana fills in; the test's data are half a minute old.
FILLED_IN = {"$__rate_interval": "10s", "$__range": "30s", "$__interval": "5s", "$role": "client"}
PATIENCE = 150  # seconds; only a failure takes so long
OF_OTHERS = {"kube_pod_labels": 'kube_pod_labels{namespace="shop",pod="assistant-7c9d-x2x",label_team="assist"} 1\n'
                                'kube_pod_labels{namespace="support",pod="agent-0",label_team="care"} 1\n'}


def rules():
    """Every rule, with the file it stands in."""
    for path in RULES:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from ((path.name, rule) for rule in group["rules"])


def queries():
    """(dashboard, panel, PromQL) of every panel, and the metrics that variables ask for."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                yield path.name, panel["title"], target["expr"]


def fill_in(query):
    for name, value in FILLED_IN.items():
        query = query.replace(name, value)
    return re.sub(r"\$\w+", ".*", query)


class Rules(unittest.TestCase):
    def setUp(self):
        deploy_case.need("promtool")

    def test_promtool_accepts_them(self):
        self.assertEqual(len(RULES), 2)
        deploy_case.run("promtool", "check", "rules", *RULES)

    def test_unit_tests(self):
        deploy_case.run("promtool", "test", "rules", *TESTS)

    def test_unit_tests_would_notice(self):
        """Each changed threshold or selection makes a unit test fail."""
        for old, new in (('{job="llmsnoop"} == 0', '{job="llmsnoop"} == 2'), ("> 0.8 * 8192", "> 0.99 * 8192"), ("> 0.9\n", "> 0.99\n"),
                         ("increase(llmsnoop_sink_failed_total[10m])", "0 * llmsnoop_sink_failed_total"), ("> 100\n", "> 400\n"),
                         ("reason=\"label_limit\"", "reason=\"labels\""), ("rate5m{role=\"client\"} > 0.02", "rate5m{role=\"client\"} > 0.0"),
                         ("error_type=\"\"", "status!=\"\""), ("p95_5m{role=\"client\"}) > 5", "p95_5m{role=\"client\"}) > 50")):
            with self.subTest(old), tempfile.TemporaryDirectory() as folder:
                place = pathlib.Path(folder)
                shutil.copytree(DEPLOY / "prometheus", place / "deploy/prometheus")
                shutil.copytree(ROOT / "tests/deploy/rules", place / "tests/deploy/rules")
                found = 0
                for path in (place / "deploy/prometheus").glob("*.rules.yaml"):
                    text = path.read_text(encoding="utf-8")
                    found += text.count(old)
                    path.write_text(text.replace(old, new), encoding="utf-8")
                self.assertGreater(found, 0)
                done = subprocess.run(["promtool", "test", "rules", *(place / "tests/deploy/rules").glob("[ar]*.yaml")], capture_output=True,
                                      check=False)
                self.assertEqual(done.returncode, 1)

    def test_every_rule_has_a_unit_test(self):
        tested = "".join(path.read_text(encoding="utf-8") for path in TESTS)
        untested = {"llmsnoop:time_to_first_token_seconds:p50_5m", "llmsnoop:request_duration_seconds:p95_5m",
                    "llmsnoop:time_per_output_token_seconds:p95_5m", "llmsnoop:lost:rate5m"}  # as their neighbours, and evaluated below
        for _, rule in rules():
            name = rule.get("alert") or rule["record"]
            self.assertTrue(name in tested or name in untested or any(name in other["expr"] for _, other in rules()), name)

    def test_alerts_say_what_they_mean(self):
        for _, rule in rules():
            if "alert" in rule:
                self.assertIn(rule["labels"]["severity"], ("critical", "warning", "info"))
                self.assertEqual(set(rule["annotations"]), {"summary", "description"})


class Names(unittest.TestCase):
    def test_rules_and_dashboards_name_metrics_that_exist(self):
        known = deploy_case.metric_names()
        self.assertGreater(len(known), 20)
        asked = [(f"{name}: {rule.get('alert') or rule['record']}", rule["expr"]) for name, rule in rules()]
        asked += [(f"{name}: {panel}", query) for name, panel, query in queries()]
        for path in DASHBOARDS:
            for one in json.loads(path.read_text(encoding="utf-8"))["templating"]["list"]:
                if one["type"] == "query":
                    asked.append((f"{path.name}: ${one['name']}", one["query"]["query"]))
        used = set()
        for where, query in asked:
            metrics = deploy_case.metrics_in(query)
            self.assertLessEqual(metrics, known, where)
            used |= metrics
        # The other way round: nothing that the agent exports is nowhere to be seen.
        shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}
        self.assertEqual({re.sub(r"_(bucket|sum|count)$", "", name) for name in known} - shown, {"process_virtual_memory_bytes"})

    def test_losses_that_are_named_exist(self):
        import reference
        losses = reference.losses()
        text = "".join(path.read_text(encoding="utf-8") for path in RULES)
        for stage in re.search(r'stage=~"([^"]+)"', text)[1].split("|"):
            self.assertIn(stage, {stage for _, stage, _ in losses})
        self.assertIn("label_limit", {reason for reason, _, _ in losses})


class Dashboards(unittest.TestCase):
    def test_files_are_what_the_script_writes(self):
        spec = importlib.util.spec_from_file_location("make_dashboards", DEPLOY / "grafana/make_dashboards.py")
        module = importlib.util.module_from_spec(spec)
        sys.dont_write_bytecode = True
        spec.loader.exec_module(module)
        wanted = module.dashboards()
        self.assertEqual([path.name for path in DASHBOARDS], sorted(wanted))
        for path in DASHBOARDS:
            self.assertEqual(path.read_text(encoding="utf-8"), wanted[path.name], f"run deploy/grafana/make_dashboards.py ({path.name})")

    def test_form(self):
        uids = set()
        for path in DASHBOARDS:
            board = json.loads(path.read_text(encoding="utf-8"))
            self.assertGreaterEqual(board["schemaVersion"], 36)
            uids.add(board["uid"])
            names = [entry["name"] for entry in board["templating"]["list"]]
            self.assertEqual(names[0], "datasource")
            self.assertEqual(len({panel["id"] for panel in board["panels"]}), len(board["panels"]))
            cells = set()
            for panel in board["panels"]:
                self.assertEqual(panel["datasource"]["uid"], "${datasource}")
                place = panel["gridPos"]
                mine = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
                self.assertFalse(mine & cells, f"{path.name}: {panel['title']} lies over another panel")
                self.assertLessEqual(place["x"] + place["w"], 24)
                cells |= mine
                for target in panel["targets"]:
                    for name in re.findall(r"\$(\w+)", target["expr"]):
                        self.assertTrue(name in names or f"${name}" in FILLED_IN, f"{path.name}: {panel['title']}: ${name}")
        self.assertEqual(len(uids), len(DASHBOARDS))


class OthersMetrics(http.server.BaseHTTPRequestHandler):
    """What kube-state-metrics says of two pods."""

    def do_GET(self):  # noqa: N802  (http.server's name)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write("".join(OF_OTHERS.values()).encode())

    def log_message(self, *_):
        pass


class Evaluated(unittest.TestCase):
    """A real Prometheus over the real exporter, everything on loopback."""

    @classmethod
    def setUpClass(cls):
        deploy_case.need("prometheus")
        program = deploy_case.BUILD / "tests/support/metrics_page"
        if not program.exists():
            raise unittest.SkipTest(f"{program} is not built")
        page = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(page.wait)
        cls.addClassCleanup(page.stdin.close)
        cls.addClassCleanup(page.stdout.close)
        agent = int(page.stdout.readline().removeprefix("READY port="))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OthersMetrics)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        place = tempfile.TemporaryDirectory(prefix="llmsnoop-prometheus-")
        cls.addClassCleanup(place.cleanup)
        work = pathlib.Path(place.name)
        rule_files = []
        for path in RULES:
            parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
            for group in parsed["groups"]:
                group["interval"] = "1s"
            rule_files.append(work / path.name)
            # Ranges of minutes and hours would do, but only after as long.
            rule_files[-1].write_text(re.sub(r"\[\d+[mhd]\]", "[10s]", yaml.safe_dump(parsed, width=10000)), encoding="utf-8")

        def target(job, port):
            return {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"node": "node-1"}}],
                    "honor_labels": True}

        llmsnoop = target("llmsnoop", agent)
        nobody = socket.socket()  # bound, and not listened to: an agent that is down
        cls.addClassCleanup(nobody.close)
        nobody.bind(("127.0.0.1", 0))
        llmsnoop["static_configs"][0]["targets"].append(f"127.0.0.1:{nobody.getsockname()[1]}")
        (work / "prometheus.yml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in rule_files],
            "scrape_configs": [llmsnoop, target("kube-state-metrics", server.server_address[1])],
        }), encoding="utf-8")
        port = free_port.free_port()
        prometheus = subprocess.Popen(["prometheus", f"--config.file={work}/prometheus.yml", f"--storage.tsdb.path={work}/data",
                                       f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"])
        cls.addClassCleanup(prometheus.wait)
        cls.addClassCleanup(prometheus.terminate)
        cls.base = f"http://127.0.0.1:{port}"

    def query(self, expression):
        url = f"{self.base}/api/v1/query?query={urllib.parse.quote(expression)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return json.load(response)["data"]["result"]
        except urllib.error.HTTPError as refused:
            if refused.code == 503:  # it listens, and is still starting
                return []
            raise AssertionError(f"{expression}: {refused.read().decode()}") from None
        except OSError:
            return []  # it is still starting

    def wait_for_data(self, expressions):
        """Asks until each has returned data, or patience is at its end. Returns those that have not."""
        open_ones = dict.fromkeys(expressions)
        deadline = time.monotonic() + PATIENCE
        while open_ones and time.monotonic() < deadline:
            for one in list(open_ones):
                result = self.query(one)
                if any(sample["value"][1] != "NaN" for sample in result):
                    del open_ones[one]
            time.sleep(0.5 if open_ones else 0)
        return list(open_ones)

    def test_every_query_of_every_dashboard_returns_data(self):
        asked = [fill_in(query) for _, _, query in queries()]
        self.assertGreater(len(asked), 50)
        self.assertEqual(self.wait_for_data(asked), [])
        print(f"{len(asked)} queries of {len(DASHBOARDS)} dashboards returned data", file=sys.stderr)

    def test_every_variable_has_values(self):
        found = {}
        for path in DASHBOARDS:
            for one in json.loads(path.read_text(encoding="utf-8"))["templating"]["list"]:
                if one["type"] == "query":
                    selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", one["query"]["query"]).groups()
                    found[f"count by ({label}) ({fill_in(selector)})"] = one["name"]
        self.assertEqual(self.wait_for_data(found), [])

    def test_every_rule_returns_data(self):
        """Recording rules have recorded; of alerts, the expression returns data, its threshold aside: those the unit tests know."""
        asked = []
        for _, rule in rules():
            if "record" in rule:
                asked.append(rule["record"])
            elif rule["alert"] == "LlmsnoopAbsent":
                asked.append("absent(nobody_exports_this)")
            else:
                bare = re.sub(r" (?:> [\d.]+(?: \* \d+)?|== 0)$", "", rule["expr"].strip(), flags=re.M)
                self.assertNotRegex(bare, r" > ")
                asked.append(re.sub(r"\[\d+[mhd]\]", "[10s]", bare))
        self.assertGreater(len(asked), 20)
        self.assertEqual(self.wait_for_data(asked), [])

    def test_what_is_wrong_here_raises_its_alert(self):
        wrong = {"LlmsnoopDown", "LlmsnoopLosingBytes", "LlmsnoopRecordsLost", "LlmsnoopSinkQueueFilling", "LlmsnoopBudgetNearFull",
                 "LlmsnoopSeriesOverflow", "LlmsnoopBlindProcesses", "LlmsnoopIncomplete", "LlmErrorRatioHigh", "LlmSpendHigh",
                 "LlmCallsUnpriced", "LlmFindings"}
        self.assertEqual(self.wait_for_data([f'ALERTS{{alertname="{name}"}}' for name in sorted(wrong)]), [])
        # These and no other: at one time, since a scrape that is missed on a busy machine lets one come or go for a moment.
        deadline = time.monotonic() + PATIENCE
        while (up := {sample["metric"]["alertname"] for sample in self.query("ALERTS")}) != wrong and time.monotonic() < deadline:
            time.sleep(0.5)
        self.assertEqual(up, wrong)

    def test_recorded_rates_are_those_of_the_page(self):
        ratio = 'llmsnoop:error_ratio:rate5m{namespace="shop"}'
        # One in ten, as far as ten seconds show it; the first few may show less.
        self.assertEqual(self.wait_for_data([f"count({ratio} > 0 and {ratio} < 0.3) == count({ratio})"]), [])


if __name__ == "__main__":
    deploy_case.main()
