#!/usr/bin/python3
"""The HTTP API over sockets: every answer against the shipped OpenAPI file, refusals, tokens, TLS, streams.

    tests/store/test_api.py --build BUILD
"""
import contextlib
import http.client
import http.server
import json
import os
import select
import socket
import ssl
import subprocess
import threading
import time
import unittest
import urllib.parse

import jsonschema

import tool

TOKEN = "a-token-for-tests-only"
EVERY_THREAD = 10  # two streams and eight others
MORE_THAN_THERE_IS_ROOM_FOR = 300
PATIENCE = 60  # seconds; only a failure takes so long
SOON_MS = 3000  # where time's running out is the subject: whoever does speak has this long for it, on a busy machine too


class Server:
    """store_tool serve, and requests to it."""

    def __init__(self, case, *more, client_ms=3600_000):
        # By default nothing ends by the clock: what is answered here is not answered because others have timed out.
        self.process = case.tool("serve", case.store, "127.0.0.1:0", *more, stdin=subprocess.PIPE,
                                 env=os.environ | {"API_CLIENT_MS": str(client_ms)})
        case.addCleanup(self.end)
        self.port = int(self.process.stdout.readline())
        self.tls = len(more) > 1
        self.token = TOKEN if more else None

    def end(self):
        if self.process.stdin:
            self.process.stdin.close()
            self.process.wait(timeout=PATIENCE)
            self.process.stdout.close()
            self.process.stdin = None

    def publish(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def refusals(self):
        """{reason: how many connections}, of those that were any."""
        self.process.stdin.write("refusals\n")
        self.process.stdin.flush()
        counts = dict(one.split("=") for one in self.process.stdout.readline().split())
        return {reason: int(count) for reason, count in counts.items() if count != "0"}

    @staticmethod
    def trusting():
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def raw(self, source="127.0.0.1"):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE, source_address=(source, 0))

    def connect(self):
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=self.trusting())
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, path, method="GET", headers=None, body=None, **query):
        connection = self.connect()
        if query:
            path += "?" + urllib.parse.urlencode(query)
        wanted = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        connection.request(method, path, body=body, headers=wanted | (headers or {}))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer, text


class Api(tool.Case):
    def setUp(self):
        super().setUp()
        self.fill(500)
        self.description = json.loads((tool.pathlib.Path(__file__).resolve().parents[2] / "exporters/api/openapi.json").read_text())

    def valid(self, path, answer, text):
        """Does the description foresee this answer?"""
        responses = self.description["paths"][path]["get"]["responses"]
        self.assertIn(str(answer.status), responses, path)
        kind = answer.getheader("Content-Type")
        schema = responses[str(answer.status)]["content"][kind]["schema"]
        document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "components": self.description["components"]}
        jsonschema.Draft202012Validator(document).validate(json.loads(text))
        self.assertEqual(answer.getheader("X-Content-Type-Options"), "nosniff")
        self.assertEqual(answer.getheader("Cache-Control"), "no-store")
        self.assertIsNone(answer.getheader("Access-Control-Allow-Origin"))
        return json.loads(text)

    def expect(self, server, status, path, template=None, **query):
        answer, text = server.ask(path, **query)
        self.assertEqual(answer.status, status, text)
        return self.valid(template or path, answer, text)

    def test_every_path_answers_as_described(self):
        server = Server(self)
        seen = set()
        for path in self.description["paths"]:
            seen.add(path)
            if path in ("/api/v1/stream", "/api/v1/exchanges/{id}"):
                continue
            self.expect(server, 200, path)
        self.assertEqual(self.expect(server, 200, "/openapi.json"), self.description)
        page = self.expect(server, 200, "/api/v1/exchanges", limit=3)
        one = self.expect(server, 200, f"/api/v1/exchanges/{page['exchanges'][0]['id']}", "/api/v1/exchanges/{id}")
        self.assertEqual(one, page["exchanges"][0])
        self.expect(server, 404, "/api/v1/exchanges/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/api/v1/exchanges/{id}")
        self.assertGreater(len(seen), 8)

    def test_usage_is_what_the_command_line_says(self):
        server = Server(self)
        there = self.expect(server, 200, "/api/v1/usage", by="namespace,pod,model", filter='usage.input_tokens > 1000')
        here = self.usage("--by", "namespace,pod,model", "usage.input_tokens > 1000")
        self.assertEqual(there, here)
        remote = json.loads(self.llmsnoop("usage", "--url", f"http://127.0.0.1:{server.port}", "--by", "namespace,pod,model",
                                          "--format", "json", "usage.input_tokens > 1000"))
        self.assertEqual(remote, here)
        self.assertEqual(here["total"]["requests"], sum(row["requests"] for row in here["rows"]))

    def test_what_another_server_says_is_not_taken_for_usage(self):
        """A wrong address, or a server that wants to get at the terminal."""
        answers, asked = [], []

        class Stranger(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                status, body = answers[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        stranger = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
        self.addCleanup(stranger.server_close)
        self.addCleanup(stranger.shutdown)
        threading.Thread(target=stranger.serve_forever).start()
        url = f"http://127.0.0.1:{stranger.server_port}"
        for status, body in ((404, "<html>\x1b[2J</html>"), (404, '{"by":["model"],"rows":[]}'), (200, "\x1b[2J"), (200, "{}"),
                             (200, '{"by":["\\u001b[2J"],"rows":[]}'), (400, '{"detail":"\\u001b[2J"}'), (500, "\x1b]0;x\x07")):
            answers[:] = [(status, body)]
            said = self.llmsnoop("usage", "--url", url, "--by", "model", code=2 if status == 400 else 1)
            self.assertNotIn("\x1b", said)
        self.assertIn("limit=10000", asked[0])
        answers[:] = [(200, json.dumps({"by": ["model"], "groups": 1, "total": {}, "rows": [{"group": {"model": "\x1b[2J\x9b2J"}}]}))]
        for form in ("table", "csv", "json"):
            shown = self.llmsnoop("usage", "--url", url, "--by", "model", "--format", form)
            self.assertNotIn("\x1b", shown)
            self.assertNotIn("\x9b", shown)
        for status, body in ((404, "<html>not found</html>"), (200, "\x1b[2J"), (200, "[]")):
            answers[:] = [(status, body)]
            said = self.llmsnoop("show", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--url", url, code=1)
            self.assertNotIn("there is no exchange", said)
            self.assertNotIn("\x1b", said)
        answers[:] = [(200, json.dumps({"id": "\x1b[2J\x9b2J"}, ensure_ascii=False).replace("\\u001b", "\x1b"))]
        self.assertNotIn("\x1b", self.llmsnoop("show", "x", "--url", url, "--json", code=1))  # no JSON, with a bare ESC
        answers[:] = [(200, json.dumps({"id": "\x9b2J"}, ensure_ascii=False))]
        self.assertNotIn("\x9b", self.llmsnoop("show", "x", "--url", url, "--json"))
        self.assertNotIn("\x9b", self.llmsnoop("show", "x", "--url", url))

    def test_blind_spots_stand_beside_the_processes_that_are_seen(self):
        report = self.expect(Server(self), 200, "/api/v1/processes", limit=2)
        self.assertEqual([one["pid"] for one in report["blind"]], [4711])
        self.assertEqual(len(report["rows"]), 2)

    def test_pages_hold_each_exchange_once(self):
        server = Server(self)
        ids, cursor = [], {}
        while True:
            page = self.expect(server, 200, "/api/v1/exchanges", limit=70, **cursor)
            ids += [one["id"] for one in page["exchanges"]]
            if "next" not in page:
                break
            cursor = {"cursor": page["next"]}
        self.assertEqual(len(ids), 500)
        self.assertEqual(ids, sorted(set(ids), reverse=True))

    def test_what_is_wrong_is_refused(self):
        server = Server(self)
        for query in ({"by": "nonsense"}, {"since": "soon"}, {"limit": "0"}, {"limit": "99999999"}, {"filter": "usage.input_tokens >"},
                      {"filter": "no.such.field == 1"}, {"nonsense": "1"}, {"filter": "x" * 9000}, {"by": "a\0b"},
                      {"filter": "(" * 33 + "has(llm)" + ")" * 33}):
            with self.subTest(query=query):
                self.expect(server, 400, "/api/v1/usage", **query)
        self.expect(server, 400, "/api/v1/exchanges", cursor="1-'; DROP TABLE exchange")
        self.expect(server, 400, "/api/v1/usage", by="pod", filter="role == 'client'", since="24h", until="x")
        for path, status in (("/", 404), ("/api/v1/usage/", 404), ("/etc/passwd", 404), ("/api/v1/../../etc/passwd", 404)):
            answer, text = server.ask(path)
            self.assertEqual(answer.status, status, path)
            self.assertEqual(answer.getheader("Content-Type"), "application/problem+json")
            self.assertEqual(json.loads(text)["status"], status)
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            answer, _ = server.ask("/api/v1/usage", method=method)
            self.assertEqual(answer.status, 405)
            self.assertEqual(answer.getheader("Allow"), "GET, HEAD")
        answer, text = server.ask("/api/v1/usage", method="HEAD")
        self.assertEqual((answer.status, text), (200, b""))
        answer, _ = server.ask("/api/v1/usage?by=pod&by=model")
        self.assertEqual(answer.status, 400)
        answer, _ = server.ask("/api/v1/usage", body="x")
        self.assertEqual(answer.status, 400)

    def test_wide_and_deep_filters_are_answered(self):
        """As much as a parameter may hold, on the small stacks of the server's threads."""
        server = Server(self)
        everything = self.expect(server, 200, "/api/v1/usage")["total"]["requests"]
        for text in (" || ".join(["has(id)"] * 740), " && ".join(["has(id)"] * 740), "!" * 32 + "has(id)",
                     "(" * 32 + "has(id)" + ")" * 32, "!(" * 16 + "has(id)" + ")" * 16, "has(id) && (" * 32 + "has(id)" + ")" * 32,
                     "node in [" + ",".join(["'x'"] * 1500) + ",'node-1']",
                     " || ".join(["llm.tool_calls=='x'"] * 340) + " || has(id)"):
            with self.subTest(text=text[:20]):
                self.assertLessEqual(len(text), 8192)
                self.assertEqual(self.expect(server, 200, "/api/v1/usage", filter=text)["total"]["requests"], everything)
                self.expect(server, 200, "/api/v1/exchanges", filter=text, limit=5)
        too_long = self.expect(server, 400, "/api/v1/usage", filter=" " * 8200)
        self.assertIn("8192 bytes", too_long["detail"])
        answer, text = server.ask("/api/v1/usage", filter="|" * 8000)  # each is three characters on its way
        self.assertEqual((json.loads(text)["status"], answer.status), (431, 431))
        self.assertIn("16 KiB", json.loads(text)["detail"])

    def test_what_is_no_http_ends_and_harms_nobody(self):
        server = Server(self)
        for garbage in (b"\0" * 4000, b"GET " + b"/" * 40000 + b" HTTP/1.1\r\n\r\n", b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
                        b"\r\n\r\n", b"GET /api/v1/usage?by=%zz&%00=%ff HTTP/1.1\r\nHost: localhost\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as raw:
                try:
                    raw.sendall(garbage)
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(65536):
                        pass
                except OSError:  # it has hung up
                    pass
        self.expect(server, 200, "/healthz")

    def test_a_web_page_cannot_reach_it_by_another_name(self):
        server = Server(self)
        for host, status in (("evil.example", 403), ("127.0.0.1.evil.example", 403), ("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:7", 200)):
            answer, _ = server.ask("/api/v1/usage", headers={"Host": host})
            self.assertEqual(answer.status, status, host)

    def test_tokens(self):
        (self.work / "token").write_text(TOKEN + "\n")
        server = Server(self, self.work / "token")
        self.expect(server, 200, "/api/v1/usage")
        for wrong in (None, "", "wrong", TOKEN[:-1], TOKEN + "x", "x" * 5000):
            server.token = wrong
            answer, text = server.ask("/api/v1/usage")
            self.assertEqual(answer.status, 401)
            self.valid("/api/v1/usage", answer, text)
            self.assertIn("Bearer", answer.getheader("WWW-Authenticate"))
            self.assertNotIn(TOKEN, text.decode())
        answer, _ = server.ask("/api/v1/usage", headers={"Authorization": f"Basic {TOKEN}"})
        self.assertEqual(answer.status, 401)
        self.expect(server, 200, "/healthz")
        self.expect(server, 200, "/readyz")
        url = f"http://127.0.0.1:{server.port}"
        self.llmsnoop("usage", "--url", url, "--token-file", self.work / "token")
        self.assertIn("401", self.llmsnoop("usage", "--url", url, code=1))
        self.assertIn("https://", self.llmsnoop("usage", "--url", "http://192.0.2.1:9465", "--token-file", self.work / "token", code=2))

    def tls_server(self, **options):
        key, certificate = self.work / "key.pem", self.work / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
        (self.work / "token").write_text(TOKEN)
        return Server(self, self.work / "token", certificate, key, **options), certificate

    def test_tls(self):
        server, certificate = self.tls_server()
        self.expect(server, 200, "/api/v1/usage", by="pod")
        page = self.expect(server, 200, "/api/v1/exchanges", limit=500)  # many times the front's buffer
        self.assertEqual(len(page["exchanges"]), 500)
        url = f"https://127.0.0.1:{server.port}"
        shown = self.llmsnoop("usage", "--url", url, "--token-file", self.work / "token", "--ca-file", certificate, "--by", "model")
        self.assertIn("gpt-4o-2024-08-06", shown)
        self.llmsnoop("usage", "--url", url, "--token-file", self.work / "token", code=1)  # who signed that?
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as raw:  # no TLS
            raw.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            try:
                self.assertNotIn(b"200", raw.recv(1000))
            except ConnectionResetError:
                pass
        self.expect(server, 200, "/healthz")

    @contextlib.contextmanager
    def holding(self, server, begin):
        """More connections than there is room for, all of them kept open; `begin` says how far each of them goes."""
        with contextlib.ExitStack() as kept:
            for _ in range(MORE_THAN_THERE_IS_ROOM_FOR):
                one = kept.enter_context(server.raw())
                with contextlib.suppress(OSError):  # it has made room for a later one
                    begin(one)
            yield

    @staticmethod
    def client_hello():
        out = ssl.MemoryBIO()
        try:
            Server.trusting().wrap_bio(ssl.MemoryBIO(), out).do_handshake()
        except ssl.SSLWantReadError:
            return out.read()

    def test_silence_keeps_nobody_from_an_answer(self):
        server = Server(self)
        for begin in (lambda _: None,
                      lambda raw: raw.sendall(b"G"),
                      lambda raw: raw.sendall(b"GET /api/v1/usage HTTP/1.1\r\nHost: localhost\r\n"),
                      lambda raw: raw.sendall(b"GET /api/v1/usage HTTP/1.1\r\nHost: localhost\r\n\r")):
            with self.holding(server, begin):
                self.expect(server, 200, "/api/v1/usage", by="pod")
        self.assertEqual(set(server.refusals()), {"crowded"})

    def test_who_comes_in_crowds_makes_room_for_each_other(self):
        """However long ago somebody else has come, and however slowly they speak."""
        server = Server(self)
        with server.raw() as slow:
            slow.sendall(b"GET /api/v1/usage HTTP/1.1\r\n")
            for _ in range(2 * MORE_THAN_THERE_IS_ROOM_FOR):
                self.addCleanup(server.raw("127.0.0.2").close)
            slow.sendall(b"Host: localhost\r\n\r\n")
            self.assertEqual(slow.recv(12), b"HTTP/1.1 200")

    def test_silence_within_tls_keeps_nobody_from_an_answer(self):
        server, _ = self.tls_server()
        hello, context = self.client_hello(), server.trusting()

        def whole_handshake(raw, then=b""):
            with raw.dup() as copy, context.wrap_socket(copy) as tls:
                tls.sendall(then)  # and no farewell: the connection stays

        for begin in (lambda _: None,
                      lambda raw: raw.sendall(hello[:5]),
                      lambda raw: raw.sendall(hello),
                      whole_handshake,
                      lambda raw: whole_handshake(raw, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")):
            with self.holding(server, begin):
                self.expect(server, 200, "/api/v1/usage", by="pod")
        self.assertGreater(server.refusals()["crowded"], 0)

    def test_a_body_that_never_comes_keeps_nobody_from_an_answer(self):
        server = Server(self)
        for more in (b"Content-Length: 1000000\r\n\r\n", b"Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n",
                     b"Transfer-Encoding: chunked\r\n\r\n", b"Content-Length: 1000000\r\n\r\nx", b"Content-Length: -1\r\n\r\n"):
            for method in (b"POST", b"GET"):
                head = method + b" /healthz HTTP/1.1\r\nHost: localhost\r\n" + more
                with self.holding(server, lambda raw, head=head: raw.sendall(head)):
                    self.expect(server, 200, "/api/v1/usage", by="pod")

    def test_who_says_less_than_the_server_behind_wants_to_hear(self):
        """Heads that could be whole for the one and not for the other."""
        server = Server(self)
        for head in (b"\r\n\r\n", b"\n\n", b" \r\n\r\n", b"GET / HTTP/1.1\n\r\n", b"GET / HTTP/1.1\n\n", b"\r\n\r\nGET / HTTP/1.1\r\n",
                     b"x" * 16383, b"x" * 16384, b"x" * 16385, b"GET /" + b"x" * 20475, b"\0\r\n\r\n", b"GET\r\n\r\n"):
            with self.subTest(head=head[:20]):
                with self.holding(server, lambda raw, head=head: raw.sendall(head)):
                    self.expect(server, 200, "/api/v1/usage", by="pod")

    def test_time_ends_what_is_not_said(self):
        server, _ = self.tls_server(client_ms=SOON_MS)
        with server.raw() as silent, server.trusting().wrap_socket(server.raw()) as idle:  # no handshake; no request
            self.assertEqual(silent.recv(1), b"")
            self.assertEqual(idle.recv(1), b"")
        self.assertEqual(server.refusals(), {"handshake_timeout": 1, "request_timeout": 1})
        with server.trusting().wrap_socket(server.raw()) as drip:  # a byte now and then does not help
            drip.settimeout(0.01)
            said = b""
            while not said:
                drip.sendall(b"G")
                try:
                    said = drip.recv(1000)
                except TimeoutError:
                    pass
            self.assertTrue(said.startswith(b"HTTP/1.1 408 "), said)
        with server.raw() as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            while plain.recv(1000):  # an alert
                pass
        self.assertEqual(server.refusals(), {"handshake_timeout": 1, "request_timeout": 2, "handshake_failed": 1})
        self.expect(server, 200, "/healthz")

    def slow_readers(self, server, count, source="127.0.0.1"):
        """They ask for much and take none of it, until somebody reads on."""
        readers = []
        for _ in range(count):
            slow = socket.socket()
            self.addCleanup(slow.close)
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.bind((source, 0))
            slow.connect(("127.0.0.1", server.port))
            slow.sendall(b"GET /api/v1/exchanges?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(slow.recv(12), b"HTTP/1.1 200")
            readers.append(slow)
        return readers

    def test_slow_readers_do_not_count_as_queries(self):
        server = Server(self)
        self.slow_readers(server, 6)  # four queries at a time
        self.expect(server, 200, "/api/v1/usage", by="pod")

    def test_slow_readers_give_their_places_to_other_addresses(self):
        for each in range(EVERY_THREAD), [0] * EVERY_THREAD:  # of an address each, and all of one
            with self.subTest(addresses=len(set(each))):
                server = Server(self, client_ms=20_000)  # a tenth of it is slow
                over = threading.Event()

                def read(one, over=over):
                    while not over.wait(4) and one.recv(32768):  # never so slowly that it would be ended for that
                        pass

                readers = [threading.Thread(target=read, args=self.slow_readers(server, 1, f"127.0.0.{2 + i}"))
                           for i in each]
                for one in readers:
                    one.start()
                self.expect(server, 200, "/healthz")
                self.assertEqual(server.refusals(), {"slow_reader": 1})
                over.set()
                for one in readers:
                    one.join()

    def test_who_reads_without_pause_keeps_the_place(self):
        server = Server(self, client_ms=30_000)  # a tenth of it without progress is slow
        whole = len(server.ask("/api/v1/exchanges", limit="1000")[1])
        got = [0] * EVERY_THREAD

        def read(i, one):
            while part := one.recv(whole // 250):
                got[i] += len(part)
                time.sleep(0.04)  # so that it lasts

        readers = [threading.Thread(target=read, args=each)
                   for each in enumerate(self.slow_readers(server, EVERY_THREAD, "127.0.0.2"))]
        for one in readers:
            one.start()
        self.expect(server, 200, "/healthz")
        for one in readers:
            one.join()
        self.assertEqual(server.refusals(), {})
        self.assertGreater(min(got), whole)  # and the rest of a head

    def test_slow_readers_are_ended(self):
        server = Server(self, client_ms=SOON_MS)
        readers = self.slow_readers(server, EVERY_THREAD)  # a thread for each of them, and no other
        self.expect(server, 200, "/api/v1/usage", by="pod")
        for one in readers:
            until_it_is_gone = select.poll()
            until_it_is_gone.register(one, 0)
            self.assertTrue(until_it_is_gone.poll(PATIENCE * 1000))
        self.assertEqual(server.refusals(), {"slow_reader": EVERY_THREAD})

    def test_beyond_loopback_it_wants_token_and_tls(self):
        with self.tool("serve", self.store, "0.0.0.0:0", stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as refused:
            _, said = refused.communicate(timeout=PATIENCE)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("beyond loopback", said)

    def watch(self, server, **query):
        """A stream that has begun."""
        connection = server.connect()
        self.addCleanup(connection.close)
        connection.request("GET", "/api/v1/stream?" + urllib.parse.urlencode(query))
        answer = connection.getresponse()
        self.addCleanup(answer.close)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.getheader("Content-Type"), "text/event-stream")
        self.assertEqual(answer.readline(), b": llmsnoop\n")
        return answer

    def read_to(self, stream, *wanted):
        """What the stream brings until all of this has come. It beats for ever, so that waiting must have an end."""
        text, until = "", time.monotonic() + PATIENCE
        while not all(one in text for one in wanted):
            self.assertLess(time.monotonic(), until, f"{wanted} did not come, but {text}")
            text += stream.readline().decode()
        return text

    def test_the_stream_brings_what_ends_and_beats(self):
        server = Server(self)
        stream = self.watch(server)
        made = server.publish()
        self.assertIn("event: exchange\ndata: {", self.read_to(stream, made, ": still here"))

    def test_streams_are_bounded_and_filtered(self):
        server = Server(self)
        first, second = self.watch(server, filter="process.comm == 'nobody'"), self.watch(server)
        answer, text = server.ask("/api/v1/stream")
        self.assertEqual(answer.status, 429)
        self.valid("/api/v1/stream", answer, text)
        self.read_to(second, server.publish())
        for _ in range(3):  # beats, of which the last are later than what the other stream has brought
            self.assertNotIn("exchange", self.read_to(first, ": still here"))

    def test_many_ask_at_once(self):
        server = Server(self)
        statuses = []

        def ask():
            for _ in range(10):
                answer, _ = server.ask("/api/v1/usage", by="pod,model,hour")
                statuses.append(answer.status)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        self.assertEqual(len(statuses), 80)
        self.assertLessEqual(set(statuses), {200, 429})
        self.assertIn(200, statuses)

    def test_the_server_ends_while_somebody_watches(self):
        server = Server(self)
        self.watch(server)
        server.end()
        self.assertEqual(server.process.returncode, 0)


if __name__ == "__main__":
    tool.Case.BUILD = tool.build()
    unittest.main()
