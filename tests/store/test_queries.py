#!/usr/bin/python3
"""The questions of exporters/store/README.md, asked of a store, and their answers computed once more from the records.

    tests/store/test_queries.py --build BUILD
"""
import collections
import csv
import io
import json
import pathlib
import re
import shlex
import sqlite3
import unittest

import tool

README = pathlib.Path(__file__).resolve().parents[2] / "exporters/store/README.md"


class Queries(tool.Case):
    def setUp(self):
        super().setUp()
        self.fill(3000)
        with sqlite3.connect(self.store) as database:
            self.records = [json.loads(line) for (line,) in database.execute("SELECT line FROM record")]
        database.close()

    def questions(self):
        found = re.findall(r"^\| .*\? \| `llmsnoop usage (.*)` \|$", README.read_text(encoding="utf-8"), re.M)
        self.assertEqual(len(found), 10)
        return [shlex.split(words) for words in found]

    def test_each_question_has_an_answer(self):
        for words in self.questions():
            with self.subTest(words=words):
                plain = [word for word in words if word not in ("--format", "json")]
                report = self.usage(*plain)
                self.assertGreater(len(report["rows"]), 0)
                table = self.llmsnoop("usage", "--store", self.store, *plain)
                self.assertIn("REQUESTS", table)
                rows = list(csv.DictReader(io.StringIO(self.llmsnoop("usage", "--store", self.store, *plain, "--format", "csv"))))
                self.assertEqual(len(rows), len(report["rows"]))
                for row, one in zip(rows, report["rows"]):
                    self.assertEqual(int(row["requests"]), one["requests"])
                    self.assertEqual(row["input_tokens"], str(one.get("input_tokens", "")))

    def test_sums_are_those_of_the_records(self):
        wanted = collections.defaultdict(lambda: [0, 0, 0])
        for record in self.records:
            k8s, llm, usage = record.get("k8s", {}), record["llm"], record["usage"]
            key = (k8s.get("namespace"), k8s.get("pod"), llm.get("response_model", llm.get("request_model")))
            wanted[key][0] += 1
            wanted[key][1] += usage.get("input_tokens", 0)
            wanted[key][2] += usage.get("output_tokens", 0)
        got = {}
        for row in self.usage("--by", "namespace,pod,model")["rows"]:
            group = row["group"]
            got[group.get("namespace"), group.get("pod"), group["model"]] = [row["requests"], row.get("input_tokens", 0),
                                                                              row.get("output_tokens", 0)]
        self.assertEqual(got, dict(wanted))

    def test_percentiles_are_nearest_ranks(self):
        durations = sorted(record["timing"]["duration_ms"] for record in self.records)
        total = self.usage("--by", "")["total"]["duration_ms"]
        for name, percent in (("p50", 50), ("p95", 95), ("p99", 99)):
            exact = durations[-(-len(durations) * percent // 100) - 1]
            self.assertEqual(total[name], exact)

    def test_one_exchange_in_full(self):
        record = self.records[7]
        self.assertEqual(json.loads(self.llmsnoop("show", record["id"], "--store", self.store)), record)
        self.assertEqual(json.loads(self.llmsnoop("show", "--json", record["id"], "--store", self.store)), record)
        self.assertIn("there is no exchange", self.llmsnoop("show", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--store", self.store, code=1))

    def test_what_is_wrong_is_told(self):
        for words in (("--by", "pods"), ("--since", "soon"), ("--order", "x"), ("--format", "xml"), ("llm.nonsense == 1",),
                      ("--url", "ftp://x"), ("--url", "http://user:secret@x")):
            said = self.llmsnoop("usage", "--store", self.store, *words, code=2)
            self.assertNotIn("secret", said)
        self.assertIn("there is none", self.llmsnoop("usage", "--store", self.work / "no.db", code=1))
        (self.work / "other.db").write_bytes(b"x" * 5000)
        self.assertIn("not a database", self.llmsnoop("usage", "--store", self.work / "other.db", code=1))

    def test_reads_without_the_right_to_write(self):
        directory = self.work / "locked"
        directory.mkdir()
        copy = directory / "store.db"
        copy.write_bytes(self.store.read_bytes())
        copy.chmod(0o444)
        directory.chmod(0o555)
        self.assertIn("REQUESTS", self.llmsnoop("usage", "--store", copy))
        directory.chmod(0o755)


if __name__ == "__main__":
    tool.Case.BUILD = tool.build()
    unittest.main()
