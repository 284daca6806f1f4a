#!/usr/bin/python3
"""A real Prometheus scrapes the agent, and its query gives the server's counts. promtool finds nothing to complain about."""
import json
import pathlib
import shutil
import subprocess
import sys
import time
import unittest
import urllib.parse
import urllib.request

import kernel_case
import live

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from free_port import free_port  # noqa: E402  (found only now)


def get(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


@unittest.skipUnless(shutil.which("prometheus") and shutil.which("promtool"), "Debian's package prometheus is not installed")
class PrometheusScrape(kernel_case.KernelCase):
    def start_prometheus(self, target):
        """On loopback, with its data in this test's own directory."""
        port = free_port()
        config = self.work / "prometheus.yml"
        config.write_text(json.dumps({"scrape_configs": [{"job_name": "llmsnoop", "scrape_interval": "1s",
                                                          "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}]}))
        process = subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.work / 'data'}",
                                    f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"])
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return f"http://127.0.0.1:{port}"

    def query(self, base, expression, until=lambda result: bool(result), timeout=60):
        url = f"{base}/api/v1/query?query={urllib.parse.quote(expression)}"
        deadline = time.monotonic() + timeout
        result = []
        while time.monotonic() < deadline:
            try:
                result = json.loads(get(url))["data"]["result"]
            except OSError:
                pass  # it is still starting
            if until(result):
                break
            time.sleep(0.3)
        return {(row["metric"]["process"], row["metric"]["model"], row["metric"]["type"]): float(row["value"][1]) for row in result}

    def test_sums_equal_the_servers_counts(self):
        port = self.agent("run", "--metrics-listen", "127.0.0.1:0", "--audit-directory", self.work / "audit").port("metrics")
        self.client("--stream", "--keep-alive", 7)
        self.client("--api", "anthropic", "--keep-alive", 5)
        self.client("--api", "openai", kind="python")
        truth = {}
        for entry in self.server.exchanges():
            process = "python3" if "python" in (entry.get("user_agent") or "").lower() else None
            truth.setdefault((process, entry["model"]), []).append(entry)
        expected = {}
        for (_, model), entries in truth.items():
            for (_, kind), count in live.token_sums(entries).items():
                expected[(model, kind)] = expected.get((model, kind), 0) + count

        base = self.start_prometheus(port)
        wanted = sum(expected.values())
        got = self.query(base, "sum by (process, model, type) (llmsnoop_tokens_total)",
                         until=lambda result: sum(float(row["value"][1]) for row in result) >= wanted)
        sums = {}
        for (process, model, kind), value in got.items():
            self.assertIn(process, ("ssl_client", "python3"))
            if value:
                sums[(model, kind)] = sums.get((model, kind), 0) + value
        self.assertEqual(sums, expected)
        by_process = {process for process, _, _ in got}
        self.assertEqual(by_process, {"ssl_client", "python3"})

        page = get(f"http://127.0.0.1:{port}/metrics")
        check = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
        self.assertEqual((check.returncode, check.stdout + check.stderr), (0, ""))
        self.assertIn("llmsnoop_lost_total", page)
        self.assertIn("llmsnoop_build_info", page)


if __name__ == "__main__":
    kernel_case.main()
