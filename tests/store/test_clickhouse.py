#!/usr/bin/python3
"""A real ClickHouse: the same questions, the same answers as SQLite; a server that is away, and the spool.

    tests/store/test_clickhouse.py --build BUILD

Runs `clickhouse-server` out of PATH (Debian's is 18.16), or CLICKHOUSE_SERVER; is skipped where there is none.
"""
import json
import math
import os
import pathlib
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import unittest
import urllib.request

import tool

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from free_port import free_port  # noqa: E402  (found only now)

SERVER = os.environ.get("CLICKHOUSE_SERVER") or shutil.which("clickhouse-server", path=os.environ["PATH"] + ":/usr/sbin")
README = pathlib.Path(__file__).resolve().parents[2] / "exporters/store/README.md"
CONFIG = """<yandex>
<logger><level>warning</level><log>{work}/log</log><errorlog>{work}/errors</errorlog></logger>
<http_port>{port}</http_port><listen_host>127.0.0.1</listen_host><path>{work}/data/</path><tmp_path>{work}/tmp/</tmp_path>
<users_config>{work}/users.xml</users_config><default_profile>default</default_profile><mark_cache_size>100000000</mark_cache_size>
<default_database>default</default_database><timezone>Europe/Berlin</timezone><tcp_port>{other}</tcp_port>
</yandex>"""
USERS = """<yandex><profiles><default/></profiles><quotas><default/></quotas>
<users><default><password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users></yandex>"""
START = 1_795_171_080_123_456_789
ENVIRONMENT = {"STORE_START_NS": str(START)}


class Clickhouse(tool.Case):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.spool = self.work / "spool"
        self.server = None
        self.addCleanup(self.stop)

    def start(self):
        home = self.work / "clickhouse"
        home.mkdir(exist_ok=True)
        (home / "config.xml").write_text(CONFIG.format(work=home, port=self.port, other=free_port()))
        (home / "users.xml").write_text(USERS)
        self.server = subprocess.Popen([SERVER, f"--config-file={home}/config.xml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.ask("SELECT 1")
            except OSError:
                self.assertIsNone(self.server.poll(), "the server ended")
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.1)

    def stop(self):
        if self.server:
            self.server.terminate()
            self.server.wait(timeout=60)
            self.server = None

    def ask(self, sql):
        with urllib.request.urlopen(f"{self.url}/", data=sql.encode(), timeout=60) as answer:
            return answer.read().decode().strip()

    def write(self, target, count, **more):
        with self.tool("write", target, count, env={**os.environ, **ENVIRONMENT, "STORE_SPOOL": str(self.spool), **more},
                       stderr=subprocess.PIPE) as process:
            out, said = process.communicate(timeout=300)
        return process.returncode, out.splitlines()[-1], said

    def reports(self, *words):
        return [json.loads(self.llmsnoop("usage", "--store", store, "--format", "json", *words)) for store in (self.store, self.url)]

    def expect_equal(self, here, there, words):
        """Equal, but for the last digits of sums in another order."""
        if isinstance(here, float) or isinstance(there, float):
            self.assertTrue(math.isclose(here, there, rel_tol=1e-9), f"{words}: {here} {there}")
        elif isinstance(here, dict):
            self.assertEqual(set(here), set(there), words)
            for key, value in here.items():
                self.expect_equal(value, there[key], words)
        elif isinstance(here, list):
            self.assertEqual(len(here), len(there), words)
            for one, other in zip(here, there):
                self.expect_equal(one, other, words)
        else:
            self.assertEqual(here, there, words)

    def expect_same(self, *words):
        here, there = self.reports(*words)
        for report in (here, there):
            report["rows"].sort(key=lambda row: json.dumps(row["group"], sort_keys=True))
        self.expect_equal(here, there, words)
        return here

    def test_the_same_answers_as_sqlite(self):
        self.start()
        self.assertEqual(self.write(self.store, 3000)[0], 0)
        code, last, said = self.write(self.url, 3000)
        self.assertEqual((code, last), (0, "3000 0"), said)
        self.assertEqual(self.write(self.url, 500)[0], 0)  # the first 500 once more: they replace themselves
        for words in [shlex.split(line.split("llmsnoop usage ")[1].rstrip("` |")) for line in README.read_text().splitlines()
                      if line.startswith("| ") and "`llmsnoop usage " in line]:
            words = [word for word in words if word not in ("--format", "json")]
            if "--since" in words:
                words[words.index("--since") + 1] = "2026-11-20"
            self.assertGreater(len(self.expect_same(*words)["rows"]), 0)
        for words in (("--by", "hour,day,container,user,pid,exe,role,status,"[:-1]), ("--by", "node,workload_kind,pod_uid,completeness"),
                      ("--until", "2026-11-20T10:38:01.5Z"), ("--since", "2026-11-20T10:38:01.123456790Z", "--by", "pod")):
            self.expect_same(*words)
        for text in ('llm.provider == "openai" && !(usage.input_tokens > 3000)', 'process.comm ~ "py*n?"', '!(k8s.pod ~ "app-1*")',
                     'has(llm.error) || llm.response_model in ["gpt-4o-2024-08-06", "x"]', 'time >= "2026-11-20T10:38:02"',
                     "llm.stream == true", 'llm.stream != "x"', 'http.status >= 400', 'process.comm == "x\' OR 1=1 --\\\\"',
                     '!has(usage.input_tokens)', 'k8s.labels.team == "x"', '!(k8s.labels.team == "x")', "cost.usd < 0.01",
                     'process.comm ~ "*)|(.*"', "!(timing.ttft_ms >= 500)"):
            self.expect_same("--by", "model", text)
        said = self.llmsnoop("usage", "--store", self.url, "llm.finish_reasons == 'stop'", code=2)
        self.assertIn("no column for llm.finish_reasons", said)

    def test_an_exchange_that_both_ends_tell_of_counts_once(self):
        self.start()
        self.write(self.store, 200)
        self.write(self.url, 200)
        ids = self.ask("SELECT id FROM exchange ORDER BY id").split()
        # One names the other, the other the one, or both; one names somebody who is not there; one has nobody.
        changes = [(ids[0], "client", None), (ids[1], "server", ids[0]), (ids[2], "client", ids[3]), (ids[3], "server", None),
                   (ids[4], "client", ids[5]), (ids[5], "server", ids[4]), (ids[6], "server", "nobody"), (ids[7], "server", None)]
        with sqlite3.connect(self.store) as database:
            database.executemany("UPDATE exchange SET role = ?, pair = ? WHERE id = ?", [(role, pair, one) for one, role, pair in changes])
        database.close()
        for one, role, pair in changes:
            self.ask(f"ALTER TABLE exchange UPDATE role = '{role}', pair = {repr(pair) if pair else 'NULL'} WHERE id = '{one}'")
        while self.ask("SELECT count() FROM system.mutations WHERE NOT is_done") != "0":
            time.sleep(0.05)
        self.assertEqual(self.expect_same("--by", "role")["total"]["requests"], 197)
        self.expect_same("--by", "model", 'llm.provider == "openai"')
        self.assertEqual(self.expect_same("--by", "role", 'role == "server"')["total"]["requests"], 5)
        self.expect_same("--by", "role", "usage.input_tokens > 3000")

    def test_one_exchange_and_what_is_wrong(self):
        self.start()
        self.write(self.store, 50)
        self.write(self.url, 50)
        one = self.ask("SELECT id FROM exchange ORDER BY id LIMIT 1")
        self.assertEqual(self.llmsnoop("show", one, "--store", self.url), self.llmsnoop("show", one, "--store", self.store))
        self.llmsnoop("show", "x' OR 1=1 --", "--store", self.url, code=1)
        self.stop()
        self.assertIn("connect", self.llmsnoop("usage", "--store", self.url, code=1))

    def test_the_roll_up_sums_the_same(self):
        self.start()
        self.write(self.url, 2000)
        sums = "sum(requests), sum(errors), sum(input), sum(output)"
        self.assertEqual(self.ask(f"SELECT {sums} FROM usage_by_hour"),
                         self.ask("SELECT count(), countIf(isNotNull(failed)), sum(input_tokens), sum(output_tokens) FROM exchange"))

    def test_while_it_is_away_batches_wait_on_the_disk(self):
        code, last, said = self.write(self.url, 2500)
        self.assertEqual((code, last), (0, "2500 0"))
        self.assertIn("wait in the spool", said)
        self.assertEqual(len(list(self.spool.glob("*.jsonl"))), 3)
        (self.spool / "unfinished").write_text('{"id":"half')  # as a killed agent leaves it
        self.start()
        code, _, said = self.write(self.url, 10)
        self.assertEqual(self.ask("SELECT uniqExact(id) FROM exchange"), "2500", said)  # the ten are the first ten once more
        self.assertEqual(list(self.spool.glob("*.jsonl")), [])

    def test_a_server_that_hangs_costs_no_batch(self):
        with socket.create_server(("127.0.0.1", self.port)):  # connections wait in its queue, for ever
            code, last, said = self.write(self.url, 2500)
        self.assertEqual((code, last), (0, "2500 0"))
        self.assertIn("wait in the spool", said)
        self.assertEqual(len(list(self.spool.glob("*.jsonl"))), 3)

    def test_the_spool_is_bounded_and_what_finds_no_room_is_counted(self):
        code, last, _ = self.write(self.url, 30_000, STORE_MAX_BYTES="3000000")
        safe, lost = map(int, last.split())
        self.assertEqual(code, 1)
        self.assertLess(sum(path.stat().st_size for path in self.spool.glob("*.jsonl")), 3_000_001)
        self.assertGreater(safe, 500)
        self.assertGreater(lost, 1000)


if __name__ == "__main__":
    tool.Case.BUILD = tool.build()
    if not SERVER:
        print("SKIPPED: there is no clickhouse-server here (Debian: apt-get install clickhouse-server)", file=sys.stderr)
        sys.exit(77)
    unittest.main()
