#!/usr/bin/python3
"""Marked secrets are planted wherever a request can carry text, and everything that the agent writes is searched for them: stdout,
log messages at debug level, audit lines, metrics, and (credentials) the tape."""
import json
import time
import urllib.request

import kernel_case
import tape
from agent import run

PROMPT = "PLANTEDprompt7f3a"          # in the text of the request
HEADER = "PLANTEDheader5b1c"          # in a header of our own
QUERY = "PLANTEDquery9d2e"            # as a query value
# Shaped like keys, made up: what the gate must recognise wherever it stands.
KEY = "sk-proj-PLANTED" + "A1b2C3d4" * 5 + "T3BlbkFJ" + "E5f6G7h8" * 5
BEARER = "sk-ant-api03-PLANTED" + "a1B2c3D4" * 10 + "abcdefAA"
# Like nothing in particular: known only by the place where they stand.
API_KEY = "PLANTEDapikey2c8d"
COOKIE = "PLANTEDcookie6e1f"
CREDENTIALS = (KEY, BEARER, API_KEY, COOKIE, QUERY)


class Privacy(kernel_case.KernelCase):
    def plant(self):
        headers = ("--header", f"Authorization: Bearer {BEARER}", "--header", f"x-api-key: {KEY}", "--header", f"x-custom: {HEADER}")
        for api in ("openai", "anthropic"):
            for stream in ((), ("--stream",)):
                self.client("--api", api, "--prompt", f"tell me about {PROMPT} and {KEY}", *stream, *headers,
                            "--query", f"seed=1&key={QUERY}", check=False)
                self.client("--api", api, "--prompt", f"tell me about {PROMPT} and {KEY}", *stream, *headers, "--model", KEY)

    def expect_absent(self, text, where, marks=(PROMPT, HEADER, QUERY, KEY, BEARER, "PLANTED")):
        self.assertGreater(len(text), 0, f"{where} is empty: nothing was shown")
        for mark in marks:
            self.assertFalse(mark in text, f"{mark[:16]} is in {where}")

    @staticmethod
    def get(port, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            return answer.read().decode()

    def test_trace_at_debug_level(self):
        agent = self.agent("trace", "--log-level", "debug")
        self.plant()
        records = agent.stop()
        self.assertGreaterEqual(len(records), 4)
        self.expect_absent(agent.output(), "stdout")
        self.expect_absent(agent.messages(), "the log")
        for record in records:
            self.assertNotIn("messages", record.get("content", {}))
            self.assertRegex(record["content"]["prompt_sha256"], "^[0-9a-f]{64}$")
        self.assertTrue(any(record.get("findings") for record in records), "a key in a prompt is worth a finding")

    def test_audit_metrics_and_log(self):
        audit, store = self.work / "audit", self.work / "lib/store.db"
        agent = self.agent("run", "--metrics-listen", "127.0.0.1:0", "--audit-directory", audit, "--log-level", "debug",
                           "--store-enabled", "true", "--store-path", store, "--api-listen", "127.0.0.1:0")
        self.plant()
        made, until = len(self.server.exchanges()), time.monotonic() + 60
        while len(json.loads(exchanges := self.get(agent.port("API"), "/api/v1/exchanges?limit=1000"))["exchanges"]) < made:
            self.assertLess(time.monotonic(), until, f"the API does not show {made} exchanges")
            time.sleep(0.1)
        self.expect_absent(exchanges, "the API")
        self.expect_absent(self.get(agent.port("metrics"), "/metrics"), "the metrics page")
        agent.stop()
        self.expect_absent("".join(path.read_text() for path in audit.glob("*")), "the audit log")
        for path in store.parent.glob("*"):
            self.expect_absent(path.read_bytes().decode("latin-1"), "the store")
        self.expect_absent(agent.messages(), "the log")

    def tape_of_credentials(self, *flags):
        """What a tape holds of calls that carry a credential in every place where one may stand: (bytes, messages)."""
        path = self.work / "tape"
        agent = self.agent("record", path, *flags)
        for stream in ((), ("--stream",)):
            self.client("--prompt", f"tell me about {PROMPT} and {KEY}", *stream, "--query", f"seed=1&api_key={QUERY}",
                        "--header", f"Authorization: Bearer {BEARER}", "--header", f"x-api-key: {API_KEY}",
                        "--header", f"Cookie: session={COOKIE}", "--header", f"x-custom: {HEADER}")
        time.sleep(1.5)
        agent.stop()
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.expect_absent(agent.messages(), "the log")
        plain = b"".join(tape.plain_blocks(path.read_bytes())).decode(errors="replace")
        for mark in (PROMPT, HEADER):  # it is asked for in order to have the bytes, and no rule makes these a credential
            self.assertIn(mark, plain)
        return plain, agent.messages()

    def test_tape_holds_no_credentials(self):
        plain, messages = self.tape_of_credentials()
        for mark in CREDENTIALS:
            self.assertFalse(mark in plain, f"{mark[:24]} is on the tape")
        self.assertRegex(plain, r"Authorization: [^\r\n]*\*{20}")
        self.assertIn("compressed bodies", messages, "that masking has its limits must be said")

    def test_tape_holds_credentials_that_were_asked_for(self):
        plain, messages = self.tape_of_credentials("--keep-credentials")
        for mark in CREDENTIALS:
            self.assertIn(mark, plain)
        self.assertNotIn("compressed bodies", messages)

    def test_content_that_was_asked_for_is_masked(self):
        path = self.work / "tape"
        agent = self.agent("record", path, "--keep-credentials")
        self.plant()
        time.sleep(1.5)
        agent.stop()
        shown = run(kernel_case.BUILD, "replay", path, "--policy-content", "redacted")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.expect_absent(shown.stdout, "the replayed records", (KEY, BEARER, HEADER))  # the server quotes QUERY in an error
        self.assertIn(PROMPT, shown.stdout, "content was asked for, and is not there")


if __name__ == "__main__":
    kernel_case.main()
