#!/usr/bin/python3
"""Blind spots: who talks to a model's host and is read is none, whatever it does its handshakes with; who is not read is, and
the API and the metric say so. The model's host is `localhost`, by configuration.

Judgement takes its time, but is passed in order: when a client that cannot be read is told of, those before it have been
judged."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request
from ctypes.util import find_library

import jsonschema

import kernel_case
import live
import test_go

DESCRIPTION = json.loads((pathlib.Path(__file__).resolve().parents[2] / "exporters/api/openapi.json").read_text(encoding="utf-8"))
SCHEMA = DESCRIPTION["components"]["schemas"]["Processes"]


def get(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


class Watching:
    """An agent that looks for blind spots, and what it says of them."""

    def __init__(self, case, *flags, host="localhost", way="auto", by=()):
        self.case = case
        self.agent = case.agent("run", "--audit-enabled", "false", "--api-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
                                "--blind-hosts", host, "--blind-after", "1s", "--capture-plain-tcp", way, *flags, by=by)
        self.api, self.metrics = self.agent.port("API"), self.agent.port("metrics")

    def processes(self):
        answer = json.loads(get(f"http://127.0.0.1:{self.api}/api/v1/processes"))
        jsonschema.Draft202012Validator({**SCHEMA, "components": DESCRIPTION["components"]}).validate(answer)
        return answer["blind"]

    def counts(self):
        """By reason, as the metric has it; those that are zero left out."""
        lines = [line for line in get(f"http://127.0.0.1:{self.metrics}/metrics").splitlines()
                 if line.startswith("llmsnoop_blind_processes{")]
        self.case.assertEqual(len(lines), 6)
        counts = {line.split('"')[1]: float(line.split()[-1]) for line in lines}
        return {reason: count for reason, count in counts.items() if count}

    def until(self, holds):
        deadline = time.monotonic() + 60
        while not holds(found := self.processes()):
            if time.monotonic() > deadline:
                self.case.fail(f"there is still {found}; the agent says: {self.agent.messages()}")
            time.sleep(0.1)
        return found


class OldServer:
    """HTTPS as clients with a TLS of their own still speak it; answers when it is told to. Not watched."""

    def __init__(self, work):
        key, certificate = work / "old.key", work / "old.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2", "-keyout",
                        key, "-out", certificate], check=True, capture_output=True)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.set_ciphers("ALL:@SECLEVEL=0")
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.answer = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            with contextlib.suppress(OSError), self._context.wrap_socket(connection, server_side=True) as tls:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += tls.recv(65536)
                self.answer.wait(60)
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class BlindSpots(kernel_case.KernelCase):
    way = "auto"

    def setUp(self):
        super().setUp()
        self.old_server = self.enterContext(OldServer(self.work))

    def in_cgroup(self, command, **more):
        return subprocess.run(list(map(str, command)), preexec_fn=live.child_setup(self.cgroup), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, timeout=120, check=False, **more)

    @contextlib.contextmanager
    def busybox(self, change=lambda image: image):
        """A client whose TLS is its own, while it waits for its answer. A private copy, so that its name tells which it is."""
        program = self.work / "busybox"
        program.write_bytes(change(pathlib.Path(shutil.which("busybox")).read_bytes()))
        program.chmod(0o755)
        process = subprocess.Popen([program, "wget", "-q", "-O", "-", "--post-data", "a question " * 20,
                                    f"https://localhost:{self.old_server.port}/v1/chat/completions"],
                                   env={"PATH": "/nowhere"},  # else it would use the openssl command
                                   preexec_fn=live.child_setup(self.cgroup), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            self.old_server.answer.set()
            self.assertEqual(process.wait(60), 0)

    def expect_busybox_alone(self, watching):
        with self.busybox():
            found = watching.until(lambda found: found)
            self.assertEqual([one["exe"] for one in found], [str(self.work / "busybox")])
            self.assertEqual([(one["host"], one["reason"], one["connections"]) for one in found[0]["hosts"]],
                             [("localhost", "no_library", 1)])
            self.assertNotIn("ended", found[0])
            self.assertEqual(watching.counts(), {"no_library": 1})

    def test_library_of_its_own(self):
        watching = Watching(self, "--blind-keep", "1s", way=self.way)
        self.assertEqual(watching.processes(), [])
        self.assertEqual(watching.counts(), {})
        self.expect_busybox_alone(watching)
        watching.until(lambda found: not found)  # it is gone
        self.assertEqual(watching.counts(), {})

    def test_other_hosts(self):
        watching = Watching(self, host=".example", way=self.way)
        with self.raw_client("localhost"), self.raw_client("api.example"):
            found = watching.until(lambda found: found)
        self.assertEqual([host["host"] for one in found for host in one["hosts"]], ["api.example"])
        watching.until(lambda found: "ended" in found[0])  # and remembered

    def test_who_is_read_is_none(self):
        """OpenSSL over sockets and over memory, by itself or in a runtime; one exchange, several, and none at all."""
        watching = Watching(self, way=self.way)
        for flags, kind in (((), "curl"), (("--stream",), "curl"), ((), "python"), (("--asyncio",), "python"),
                            (("--asyncio", "--stream"), "python"), (("--keep-alive", 3, "--stream"), "ssl_client"),
                            (("--memory-bio", "--keep-alive", 3), "ssl_client"), (("--ex",), "ssl_client"),
                            (("--streams", 5), "h2_client")):
            self.client(*flags, kind=kind)
        self.handshake_only()
        self.expect_busybox_alone(watching)

    def handshake_only(self):
        """Connections that are kept ready and never used: over sockets, and over memory."""
        script = """
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
with socket.create_connection(("localhost", int(sys.argv[1]))) as one:
    context.wrap_socket(one, server_hostname="localhost").close()
with socket.create_connection(("localhost", int(sys.argv[1]))) as one:
    into, out_of = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(into, out_of, server_hostname="localhost")
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            one.sendall(out_of.read())
            into.write(one.recv(65536))
    one.sendall(out_of.read())
"""
        done = self.in_cgroup([live.PYTHON, "-c", script, self.server.port, self.server.certificate],
                              env=live.environment(self.libs))
        self.assertEqual(done.returncode, 0, done.stderr)

    def expect(self, watching, reason, detail):
        found = watching.until(lambda found: found)
        self.assertEqual([(host["host"], host["reason"]) for one in found for host in one["hosts"]], [("localhost", reason)])
        self.assertIn(detail, found[0]["hosts"][0]["detail"])
        self.assertEqual(watching.counts(), {reason: 1})

    def test_analysis_that_refuses(self):
        """A program with a text that only rustls has, and none of its tables."""
        text, note = b"received corrupt message", b"note: TLS certificate validation not implemented"

        def change(image):
            self.assertEqual(image.count(note), 1)
            return image.replace(note, text.ljust(len(note), b"."))

        watching = Watching(self, way=self.way)
        with self.busybox(change):
            self.expect(watching, "library_refused", "busybox: rustls: ")

    @unittest.skipUnless(find_library("ssl3"), "no NSS on this machine")
    def test_library_that_is_not_traced(self):
        """A conversation by NSS, by way of its own functions."""
        script = """
import ctypes, struct, sys
nspr, nss, tls = (ctypes.CDLL(name) for name in ("libnspr4.so", "libnss3.so", "libssl3.so"))
nspr.PR_NewTCPSocket.restype = tls.SSL_ImportFD.restype = ctypes.c_void_p
assert nss.NSS_NoDB_Init(None) == 0
fd = ctypes.c_void_p(tls.SSL_ImportFD(None, ctypes.c_void_p(nspr.PR_NewTCPSocket())))
trust = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)(lambda *_: 0)
assert tls.SSL_AuthCertificateHook(fd, trust, None) == 0
assert tls.SSL_SetURL(fd, b"localhost") == 0
address = struct.pack("=H", 2) + struct.pack("!H", int(sys.argv[1])) + bytes([127, 0, 0, 1])
assert nspr.PR_Connect(fd, address.ljust(128, b"\\0"), 0xffffffff) == 0
body = b"a question " * 20
request = b"POST /v1/chat/completions HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body)
assert nspr.PR_Write(fd, request, len(request)) == len(request), nspr.PR_GetError()
answer = ctypes.create_string_buffer(1000)
assert nspr.PR_Read(fd, answer, 1000) > 0, nspr.PR_GetError()
assert answer.value.startswith(b"HTTP/1.1 200")
"""
        watching = Watching(self, way=self.way)
        client = subprocess.Popen([live.PYTHON, "-c", script, str(self.old_server.port)], preexec_fn=live.child_setup(self.cgroup))
        try:
            self.expect(watching, "library_unsupported", "libssl3.so: nss")
        finally:
            self.old_server.answer.set()
            self.assertEqual(client.wait(60), 0)

    def test_library_where_the_agent_may_not_look(self):
        """It lacks CAP_DAC_READ_SEARCH, and the library is in somebody's private directory."""
        private = self.work / "private"
        live.make_private_libs(private)
        private.chmod(0o700)
        os.chown(private, 65534, 65534)
        watching = Watching(self, way=self.way, by=("setpriv", "--inh-caps", "-all", "--bounding-set",
                                                    "-all,+bpf,+perfmon,+sys_ptrace"))
        script = """
import http.client, ssl, sys
connection = http.client.HTTPSConnection("localhost", int(sys.argv[1]), context=ssl._create_unverified_context())
connection.request("POST", "/v1/chat/completions", body=b"a question " * 20)
assert connection.getresponse().status == 200
"""
        client = subprocess.Popen([live.PYTHON, "-c", script, str(self.old_server.port)], env=live.environment(private),
                                  preexec_fn=live.child_setup(self.cgroup))
        try:
            self.expect(watching, "library_not_attached", "libssl.so.3: not probed")
        finally:
            self.old_server.answer.set()
            self.assertEqual(client.wait(60), 0)

    @unittest.skipUnless(shutil.which("node"), "no node on this machine")
    def test_node(self):
        node = self.work / "node"
        shutil.copy(shutil.which("node"), node)
        watching = Watching(self, "--capture-libraries", node, way=self.way)
        for flags in ((), ("--fetch",), ("--fetch", "--stream"), ("--api", "anthropic", "--stream", "--count", 3)):
            self.client(*flags, kind="node", program=str(node))
        self.expect_busybox_alone(watching)

    def test_go(self):
        test_go.find_commands()
        if not test_go.COMMANDS:
            self.skipTest("no go on this machine")
        program = self.work / "go_client"
        command = next(iter(test_go.COMMANDS.values()))
        subprocess.run([command, "build", "-p", "2", "-ldflags=-s -w", "-o", program, "."], cwd=test_go.SOURCE, check=True,
                       env=test_go.environment(command))
        watching = Watching(self, "--capture-libraries", program, way=self.way)
        for flags in (("-count", 2), ("-stream", "-http2", "-workers", 5, "-count", 3)):
            done = self.in_cgroup([program, "-port", self.server.port, "-ca", self.server.certificate, *flags])
            self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_busybox_alone(watching)

    @unittest.skipUnless(shutil.which("java"), "no java on this machine")
    def test_java(self):
        """TLS in Java itself, in code that is made while it runs."""
        source = self.work / "Ask.java"
        source.write_text("""
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.*;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;

class Ask {
    public static void main(String[] arguments) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null);
        store.setCertificateEntry("server",
            CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream(arguments[1])));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[0])).header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(arguments[2])).build();
        HttpClient client = HttpClient.newBuilder().sslContext(context).version(HttpClient.Version.HTTP_1_1).build();
        if (client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode() != 200) System.exit(1);
        System.exit(0);
    }
}
""", encoding="utf-8")
        watching = Watching(self, way=self.way)
        body = json.dumps({"model": "gpt-4.1", "messages": [{"role": "user", "content": "a question " * 20}]})
        done = self.in_cgroup(["java", source, f"https://localhost:{self.server.port}/v1/chat/completions",
                               self.server.certificate, body])
        self.assertEqual(done.returncode, 0, done.stderr)
        found = watching.until(lambda found: found)
        self.assertEqual([(one["comm"], host["host"]) for one in found for host in one["hosts"]], [("java", "localhost")])
        self.assertIn(found[0]["hosts"][0]["reason"], ("no_library", "process_gone"))  # it ends at once

    @contextlib.contextmanager
    def raw_client(self, host, through=None):
        """A process that has libssl mapped, probed, and sends TLS that is none of its; while it waits for an answer."""
        script = """
import socket, ssl, sys
into, out_of = ssl.MemoryBIO(), ssl.MemoryBIO()
try:
    ssl.create_default_context().wrap_bio(into, out_of, server_hostname=sys.argv[2]).do_handshake()
except ssl.SSLWantReadError:
    pass
with socket.create_connection(("127.0.0.1", int(sys.argv[3] if sys.argv[3:] else sys.argv[1]))) as one:
    if sys.argv[3:]:
        one.sendall(f"CONNECT 127.0.0.1:{sys.argv[1]} HTTP/1.1\\r\\nHost: 127.0.0.1:{sys.argv[1]}\\r\\n\\r\\n".encode())
        assert b"200" in one.recv(65536)
    one.sendall(out_of.read())
    one.sendall(b"\\x17\\x03\\x03\\x04\\x00" + bytes(1024))
    one.recv(1)
"""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            process = subprocess.Popen([live.PYTHON, "-c", script, str(listener.getsockname()[1]), host,
                                        *([str(through)] if through else [])],
                                       env=live.environment(self.libs), preexec_fn=live.child_setup(self.cgroup))
            connection = listener.accept()[0]
            try:
                yield
            finally:
                connection.sendall(b"!")
                self.assertEqual(process.wait(60), 0)
                connection.close()

    def test_missed_beside_what_is_read(self):
        watching = Watching(self, way=self.way)
        self.client("--asyncio", kind="python")
        with self.raw_client("localhost"):
            found = watching.until(lambda found: found)
            self.assertEqual([(host["host"], host["reason"]) for one in found for host in one["hosts"]],
                             [("localhost", "connection_missed")])
            self.assertIn("libssl", found[0]["hosts"][0]["detail"])

    def test_a_proxy_is_none(self):
        """What it sends on, somebody else has said: here a client that is read."""
        script = """
import socket, sys, threading
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def copy(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)
for _ in range(2):
    client = listener.accept()[0]
    server = socket.create_connection(("localhost", int(sys.argv[1])))
    threading.Thread(target=copy, args=(server, client)).start()
    threading.Thread(target=copy, args=(client, server)).start()
"""
        watching = Watching(self, way=self.way)
        proxy = subprocess.Popen([live.PYTHON, "-c", script, str(self.server.port)], stdout=subprocess.PIPE, text=True,
                                 preexec_fn=live.child_setup(self.cgroup))
        self.addCleanup(proxy.stdout.close)
        self.addCleanup(proxy.wait)
        self.addCleanup(proxy.terminate)
        port = int(proxy.stdout.readline())
        for flags, kind in (((), "python"), (("--asyncio",), "python")):
            through = live.Server(self.server.process, port, self.server.certificate, False)
            live.run_client(kernel_case.BUILD, through, *flags, kind=kind, libs=self.libs, cgroup=self.cgroup)
        self.expect_busybox_alone(watching)

    def test_a_tunnel_is_looked_into(self):
        """CONNECT: neither the proxy nor a client that is read is blind; a client that is not is."""
        proxy_script = """
import socket, threading
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except ConnectionError:
        pass
while True:
    client = listener.accept()[0]
    head = b""
    while not head.endswith(b"\\r\\n\\r\\n"):
        head += client.recv(1)
    host, _, port = head.split()[1].rpartition(b":")
    server = socket.create_connection((host, int(port)))
    client.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
    threading.Thread(target=copy, args=(server, client), daemon=True).start()
    threading.Thread(target=copy, args=(client, server), daemon=True).start()
"""
        client_script = """
import http.client, json, ssl, sys
connection = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=ssl.create_default_context(cafile=sys.argv[3]))
connection.set_tunnel("localhost", int(sys.argv[2]))
connection.request("POST", "/v1/chat/completions", headers={"Content-Type": "application/json"}, body=json.dumps(
    {"model": "gpt-4.1", "messages": [{"role": "user", "content": "a question " * 20}]}))
assert connection.getresponse().status == 200
"""
        watching = Watching(self, way=self.way)
        proxy = subprocess.Popen([live.PYTHON, "-c", proxy_script], stdout=subprocess.PIPE, text=True,
                                 preexec_fn=live.child_setup(self.cgroup))
        self.addCleanup(proxy.stdout.close)
        self.addCleanup(proxy.wait)
        self.addCleanup(proxy.terminate)
        port = proxy.stdout.readline().strip()
        before = len(self.server.exchanges())
        done = self.in_cgroup([live.PYTHON, "-c", client_script, port, self.server.port, self.server.certificate],
                              env=live.environment(self.libs))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.server.exchanges()), before + 1)
        with self.raw_client("localhost", through=int(port)):
            found = watching.until(lambda found: found)
            self.assertEqual([(one["comm"], host["host"], host["reason"]) for one in found for host in one["hosts"]],
                             [("python3", "localhost", "connection_missed")])
        with self.busybox():  # judged after all the others
            program = str(self.work / "busybox")
            found = watching.until(lambda found: any(one["exe"] == program for one in found))
            self.assertNotIn(proxy.pid, [one["pid"] for one in found])
            self.assertEqual(len(found), 2)

    def test_without_plain_tcp_nobody_knows(self):
        watching = Watching(self, way="off")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            watching.processes()
        self.assertEqual(refused.exception.code, 404)
        refused.exception.close()
        self.assertNotIn("llmsnoop_blind_processes", get(f"http://127.0.0.1:{watching.metrics}/metrics"))


class BlindSpotsBySystemCalls(BlindSpots):
    way = "syscall"


if __name__ == "__main__":
    os.environ.pop("SSL_CERT_FILE", None)
    kernel_case.main()
