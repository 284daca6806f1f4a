#!/usr/bin/python3
"""Plain TCP: what clients and a server send without TLS, from both ends, by the way that this kernel allows. What is no HTTP
is left alone."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import threading
import time
import unittest

import kernel_case
import live

APIS = (("--api", "openai"), ("--api", "openai", "--stream"), ("--api", "anthropic"), ("--api", "anthropic", "--stream"))
MEGABYTE = 1 << 20


class AnyWay(kernel_case.KernelCase):
    """Plain TCP by `way`; classes at the end of this file do it again in ways that `auto` does not take where others can."""

    server_flags = ("--plain",)
    way = "auto"

    def agent(self, command="trace", *flags, **more):
        if "--capture-plain-tcp" not in flags:
            flags = (*flags, "--capture-plain-tcp", self.way)
        return super().agent(command, *flags, **more)


class PlainCase(AnyWay):
    """The server is watched too."""

    def setUp(self):
        super().setUp()
        self.watched = self.enterContext(live.start_server(kernel_case.BUILD, self.work, "--plain", cgroup=self.cgroup))

    def run_clients(self, *runs, kind="ssl_client", server=None, **more):
        for flags in runs:
            live.run_client(kernel_case.BUILD, server or self.watched, *flags, kind=kind, cgroup=self.cgroup, **more)

    def expect_both(self, agent, truth=None, lost=("nothing",)):
        """Both ends of every exchange, each with the other's id."""
        truth = truth or self.watched.exchanges()
        records = [one for one in agent.stop() if live.lookup(one, "llm.provider")]
        self.assertGreater(len(truth), 0)
        for role in ("client", "server"):
            self.assertEqual(live.compare(records, truth, role=role), [])
        self.assertEqual({one["net"]["transport"] for one in records}, {"plain"})
        self.assertEqual({one["net"].get("library", "none") for one in records}, {"none"})
        by_id = {one["id"]: one for one in records}
        for one in records:
            self.assertIn(one.get("pair"), by_id)
            self.assertNotEqual(by_id[one["pair"]]["role"], one["role"])
            self.assertEqual(by_id[one["pair"]]["net"]["local"], one["net"]["peer"])
        self.assertIn(agent.lost(), lost)
        return records


class Clients(PlainCase):
    def test_curl(self):
        agent = self.agent("trace", "--http-body-hashes", "true")
        self.run_clients(*APIS, kind="curl")
        records = self.expect_both(agent)
        self.assertEqual({one["process"]["comm"] for one in records if one["role"] == "client"}, {"curl"})

    def test_python(self):
        agent = self.agent("trace", "--http-body-hashes", "true")
        self.run_clients(*((*flags, "--count", 3) for flags in APIS), kind="python")
        self.run_clients(*((*flags, "--count", 3, "--asyncio") for flags in APIS), kind="python")
        self.expect_both(agent)

    @unittest.skipUnless(shutil.which("node"), "no node on this machine")
    def test_node(self):
        agent = self.agent("trace", "--http-body-hashes", "true")
        self.run_clients(*((*flags, "--count", 3) for flags in APIS), kind="node")
        self.run_clients(*((*flags, "--count", 3, "--fetch") for flags in APIS), kind="node")
        self.expect_both(agent)

    def test_own_client(self):
        agent = self.agent("trace", "--http-body-hashes", "true")
        self.run_clients(("--keep-alive", 5, "--stream"), ("--vectors", "--keep-alive", 3, "--stream"),
                         ("--two-threads", "--keep-alive", 3, "--stream"), ("--pipeline", "--keep-alive", 4),
                         ("--interleave", "--connections", 2, "--keep-alive", 2, "--stream"), ("--write", 7),
                         ("--gzip-request", "--chunked-request"), ("--query", "close=1", "--stream"),
                         ("--query", "write=3&chunks=5", "--stream"))
        self.expect_both(agent)

    def test_large_bodies(self):
        agent = self.agent("trace", "--http-body-hashes", "true")
        self.run_clients(("--body", "8MB"), ("--body", "8MB", "--write", 3 * MEGABYTE),
                         ("--stream", "--query", "chunks=2000&chunk_bytes=4096"))
        self.expect_both(agent)

    def test_parallel(self):
        agent = self.agent()
        clients = [live.start_client(kernel_case.BUILD, self.watched, "--keep-alive", 4, "--stream", "--query", "gap_us=500",
                                     cgroup=self.cgroup) for _ in range(20)]
        for client in clients:
            self.assertEqual(client.finish().status, 0)
        self.expect_both(agent)

    def test_http2_prior_knowledge(self):
        agent = self.agent("trace", "--http-body-hashes", "true")
        self.run_clients(*((*flags, "--", "--http2-prior-knowledge") for flags in APIS), kind="curl")
        records = self.expect_both(agent)
        self.assertEqual({one["net"]["protocol"] for one in records}, {"h2"})


class Connections(PlainCase):
    def test_joined_late(self):
        """Connections that exist when the agent starts: what follows is counted, at both ends."""
        client = self.start_held("--keep-alive", 4, "--stream")
        before = len(self.watched.exchanges())
        agent = self.agent()
        client.go()
        self.assertEqual(client.finish().status, 0)
        records = self.expect_both(agent, self.watched.exchanges(before))
        self.assertEqual(len(records), 6)

    def start_held(self, *flags):
        client = live.start_client(kernel_case.BUILD, self.watched, *flags, "--hold", cgroup=self.cgroup)
        client.wait_ready()
        return client

    def test_interrupted(self):
        """A client that is killed, one that goes away with unread bytes, and a server that breaks off."""
        agent = self.agent()
        client = live.start_client(kernel_case.BUILD, self.watched, "--stream", "--query", "gap_us=3000&chunks=2000",
                                   "--die-mid-stream", cgroup=self.cgroup)
        client.wait_ready()
        client.kill()
        client.finish()
        self.run_clients(("--stream", "--query", "die=6"), check=False)
        self.run_clients(("--stream",))
        deadline = time.monotonic() + 60
        while any(one["state"] == "open" for one in self.watched.exchanges()) and time.monotonic() < deadline:
            time.sleep(0.1)
        truth = self.watched.exchanges()
        records = [one for one in agent.stop() if live.lookup(one, "llm.provider")]
        for role in ("client", "server"):
            self.assertEqual(live.compare(records, truth, role=role), [])

    def test_off(self):
        agent = self.agent("trace", "--capture-plain-tcp", "off")
        self.run_clients(("--stream",))
        self.assertEqual(agent.stop(), [])

    def test_not_selected(self):
        agent = self.agent()
        live.run_client(kernel_case.BUILD, self.server, "--stream")
        self.assertEqual([one for one in agent.stop() if live.lookup(one, "llm.provider")], [])

    def test_tls_is_taken_once(self):
        """TLS by a library that is probed: its ciphertext on the socket is nobody's second record."""
        with live.start_server(kernel_case.BUILD, self.work, libs=self.libs, cgroup=self.cgroup) as server:
            agent = self.agent()
            for flags in (("--stream", "--keep-alive", 3), ("--memory-bio", "--keep-alive", 2)):
                live.run_client(kernel_case.BUILD, server, *flags, libs=self.libs, cgroup=self.cgroup)
            self.run_clients(("--stream",))
            records = agent.stop()
            secret = server.exchanges()
        self.assertEqual(live.compare([one for one in records if one["net"]["transport"] == "tls"], secret), [])
        self.assertEqual(len([one for one in records if one["role"] == "client"]), len(secret) + 1)
        self.assertEqual(agent.lost(), "nothing")


@contextlib.contextmanager
def echo_server(answer):
    """Reads requests that end with an empty line, and lets `answer(connection, request)` do the rest."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection:
            data = b""
            while part := connection.recv(65536):
                data += part
                while b"\r\n\r\n" in data:
                    request, data = data.split(b"\r\n\r\n", 1)
                    answer(connection, request)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


REQUEST = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}).encode()
HEAD = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
        + str(len(REQUEST)).encode() + b"\r\n\r\n")


def answer_text(number):
    body = json.dumps({"id": f"chatcmpl-{number}", "object": "chat.completion", "model": "gpt-4o", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10 + number, "completion_tokens": 1, "total_tokens": 11 + number}}).encode()
    return (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + str(len(body)).encode()
            + b"\r\n\r\n" + body)


def receive(connection, length, flags=0):
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data), flags)
        if not part:
            raise ConnectionError
        data += part
    return data


class Calls(AnyWay):
    """Ways of calling the kernel, each made by a child of this test that is in the watched cgroup."""

    def exchange_in_child(self, *scripts):
        """Runs each of `scripts(port)` in a process of its own while the agent looks; returns its records."""
        numbers = iter(range(1, 1000))
        with echo_server(lambda connection, _: connection.sendall(answer_text(next(numbers)))) as port:
            agent = self.agent()
            for script in scripts:
                self.in_child(lambda one=script: one(port))
            records = agent.stop()
        self.assertEqual({one["role"] for one in records}, {"client"})
        self.assertEqual({one["completeness"] for one in records}, {"complete"})
        self.assertEqual({live.lookup(one, "net.peer.port") for one in records}, {port})
        self.lost = agent.lost()
        return [live.lookup(one, "usage.input_tokens") - 10 for one in records]

    def in_child(self, action):
        self.expect_end(self.start_child(action))

    def start_child(self, action):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                self.cgroup.enter()
                action()
                status = 0
            finally:
                os._exit(status)
        return child

    def expect_end(self, child):
        self.assertEqual(os.waitpid(child, 0)[1], 0, "the child failed")

    def test_vectors(self):
        def few(port):
            with socket.create_connection(("127.0.0.1", port)) as one:
                os.writev(one.fileno(), [HEAD[:10], b"", HEAD[10:], REQUEST[:1], REQUEST[1:]])
                expected = len(answer_text(1))
                buffers = [bytearray(7), bytearray(1), bytearray(expected)]
                got = one.recvmsg_into(buffers, 0)[0]
                receive(one, expected - got)

        def many(port):
            with socket.create_connection(("127.0.0.1", port)) as one:
                data = HEAD + REQUEST
                parts = [data[i:i + 1] for i in range(len(data))]
                one.sendmsg(parts + [b""] * (1024 - len(parts)))
                receive(one, len(answer_text(2)))

        self.assertEqual(self.exchange_in_child(few, many), [1, 2])
        self.assertEqual(self.lost, "nothing")

    def test_peek_and_nothing(self):
        def peeks(port):
            with socket.create_connection(("127.0.0.1", port)) as one:
                one.send(HEAD)
                one.send(b"")
                one.send(REQUEST)
                length = len(answer_text(1))
                for _ in range(3):
                    one.recv(20, socket.MSG_PEEK)
                    one.recvmsg(50, 0, socket.MSG_PEEK)
                    one.recv(0)
                receive(one, length)
                one.setblocking(False)
                for _ in range(3):
                    with contextlib.suppress(BlockingIOError):
                        one.recv(100)
                one.setblocking(True)
                one.send(HEAD + REQUEST)
                receive(one, len(answer_text(2)))

        self.assertEqual(self.exchange_in_child(peeks), [1, 2])
        self.assertEqual(self.lost, "nothing")

    def test_descriptors(self):
        """One number for two connections in turn; one connection by two numbers; shared with a child, which goes on."""
        def reuses(port):
            for _ in range(2):
                with socket.create_connection(("127.0.0.1", port)) as one:
                    one.send(HEAD + REQUEST)
                    receive(one, len(answer_text(1)))

        def duplicates(port):
            with socket.create_connection(("127.0.0.1", port)) as one, one.dup() as other:
                one.send(HEAD)
                other.send(REQUEST)
                receive(other, 20)
                receive(one, len(answer_text(3)) - 20)

        def forks(port):
            with socket.create_connection(("127.0.0.1", port)) as one:
                one.send(HEAD + REQUEST)
                receive(one, len(answer_text(4)))
                child = os.fork()
                if child == 0:
                    one.send(HEAD + REQUEST)
                    receive(one, len(answer_text(5)))
                    os._exit(0)
                os.waitpid(child, 0)
                one.send(HEAD + REQUEST)
                receive(one, len(answer_text(6)))

        self.assertEqual(sorted(self.exchange_in_child(reuses, duplicates, forks)), [1, 2, 3, 4, 5, 6])

    def test_sendfile(self):
        """Bytes that nobody could see are a gap of known length: the exchange is counted by its answer."""
        path = self.work / "request"
        path.write_bytes(REQUEST)

        def sends_file(port):
            with socket.create_connection(("127.0.0.1", port)) as one, open(path, "rb") as file:
                one.send(HEAD)
                os.sendfile(one.fileno(), file.fileno(), 0, len(REQUEST))
                receive(one, len(answer_text(1)))
                one.send(HEAD + REQUEST)
                receive(one, len(answer_text(2)))

        with echo_server(lambda connection, _: connection.sendall(answer_text(2))) as port:
            agent = self.agent()
            self.in_child(lambda: sends_file(port))
            records = agent.stop()
        self.assertEqual([one["completeness"] for one in records], ["gap", "complete"])
        self.assertEqual([one["usage"]["input_tokens"] for one in records], [12, 12])
        self.assertIn("moved_in_kernel 1", agent.lost())

    def test_splice(self):
        """An answer that goes from the socket into a pipe: whichever way it is told of, it is a gap."""

        def splices(port):
            with socket.create_connection(("127.0.0.1", port)) as one:
                into, out_of = os.pipe()
                one.send(HEAD + REQUEST)
                left = len(answer_text(1))
                while left:
                    left -= os.splice(one.fileno(), out_of, left)
                os.read(into, MEGABYTE)
                one.send(HEAD + REQUEST)
                receive(one, len(answer_text(2)))

        numbers = iter((1, 2))
        with echo_server(lambda connection, _: connection.sendall(answer_text(next(numbers)))) as port:
            agent = self.agent()
            self.in_child(lambda: splices(port))
            records = agent.stop()
        counts = [one["usage"]["input_tokens"] for one in records if "input_tokens" in one["usage"]]
        self.assertEqual(counts, [12])  # of what could be seen
        self.assertNotEqual(records[0]["completeness"], "complete")
        self.assertIn("moved_in_kernel", agent.lost())

    def test_ipv6(self):
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)

        def serve():
            connection, _ = listener.accept()
            with connection:
                receive(connection, len(HEAD + REQUEST))
                connection.sendall(answer_text(1))
                connection.recv(1)

        threading.Thread(target=serve, daemon=True).start()

        def asks():
            with socket.create_connection(listener.getsockname()[:2]) as one:
                one.send(HEAD + REQUEST)
                receive(one, len(answer_text(1)))

        agent = self.agent()
        self.in_child(asks)
        records = agent.stop()
        listener.close()
        self.assertEqual([one["net"]["peer"]["address"] for one in records], ["::1"])

    def test_what_is_no_http(self):
        """TLS that no probe covers, and a database's protocol: not copied, which the agent's own count of bytes shows."""
        def talks(first, port):
            with socket.create_connection(("127.0.0.1", port)) as one:
                for _ in range(50):
                    one.send(first + os.urandom(20000) + b"\r\n\r\n")
                    receive(one, 4)

        with echo_server(lambda connection, _: connection.sendall(b"good")) as port:
            agent = self.agent("record", self.work / "tape")
            self.in_child(lambda: talks(b"\x16\x03\x01\x02\x00\x01", port))
            self.in_child(lambda: talks(b"\x00\x00\x00\x08\x04\xd2\x16\x2f", port))
            agent.end()
        self.assertLess((self.work / "tape").stat().st_size, 10000)

    def test_tunnel(self):
        """CONNECT, and TLS behind it: the former is HTTP, the latter is muted."""
        def connects(port):
            with socket.create_connection(("127.0.0.1", port)) as one:
                one.send(b"CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n")
                receive(one, len(b"HTTP/1.1 200 OK\r\n\r\n"))
                for _ in range(50):
                    one.send(b"\x16\x03\x01\x02\x00\x01" + os.urandom(20000) + b"\r\n\r\n")
                    time.sleep(0.002)

        replies = iter([b"HTTP/1.1 200 OK\r\n\r\n"])
        with echo_server(lambda connection, _: connection.sendall(next(replies, b""))) as port:
            agent = self.agent()
            self.in_child(lambda: connects(port))
            self.assertEqual([one for one in agent.stop() if live.lookup(one, "llm.provider")], [])

    def test_a_read_that_waits_when_the_agent_starts(self):
        """Its return is seen without its entry: it counts where returns are all that is needed (tracepoints, system calls)."""
        asked, go = threading.Event(), threading.Event()

        def answers(connection, _):
            asked.set()
            go.wait(60)
            connection.sendall(answer_text(1))

        def asks_twice(port):
            with socket.create_connection(("127.0.0.1", port)) as one:
                for _ in range(2):
                    one.send(HEAD + REQUEST)
                    receive(one, len(answer_text(1)))

        with echo_server(answers) as port:
            child = self.start_child(lambda: asks_twice(port))
            self.assertTrue(asked.wait(60))
            # It has nothing to do any more but to wait in its read.
            deadline = time.monotonic() + 60
            while pathlib.Path(f"/proc/{child}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "S":
                self.assertLess(time.monotonic(), deadline, "the child does not wait")
                time.sleep(0.01)
            agent = self.agent()
            go.set()
            self.expect_end(child)
            records = agent.stop()
        self.assertEqual([one["completeness"] for one in records if one["completeness"] == "complete"], ["complete"])
        self.assertLessEqual(len(records), 2)


class ClientsBySystemCalls(Clients):
    way = "syscall"


class ConnectionsBySystemCalls(Connections):
    way = "syscall"


class CallsBySystemCalls(Calls):
    way = "syscall"


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    kernel_case.main()
