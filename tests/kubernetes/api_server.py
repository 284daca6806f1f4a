#!/usr/bin/python3
"""An API server (and kubelet) for tests: pods only, over real HTTP(S) on loopback, list and watch as Kubernetes specifies them
("Kubernetes API Concepts"): resource versions, pages with continue tokens, chunked watches with bookmarks, 410 Gone for versions
that are too old, bearer tokens. Faults are injected by name, each into one request or event.

    with ApiServer(directory, tls=True) as server:
        server.put(pod("u-1", "app-1"))
        server.inject("watch", "cut")
"""
import base64
import collections
import http.server
import json
import pathlib
import random
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

WINDOW = 2000  # events that a watch can go back


def pod(uid, name, node="node-1", namespace="prod", containers=(), workload="app", **more):
    """A pod as the API shows it, with the bulk that real ones have."""
    return {
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "name": name, "namespace": namespace, "uid": uid,
            "labels": {"app": workload, "team": more.get("team", "search"), "pod-template-hash": "7c9f8"},
            "annotations": {"example.com/cost-centre": "4711", **more.get("annotations", {})},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{workload}-7c9f8", "uid": "r",
                                 "controller": True, "blockOwnerDeletion": True}],
            "managedFields": [{"manager": "kubelet", "fieldsV1": {f"f:{i}": {} for i in range(60)}}],
        },
        "spec": {"nodeName": node, "containers": [
            {"name": name_of, "image": "registry.example/app:1",
             "env": [{"name": f"VARIABLE_{i}", "value": "x" * 40} for i in range(20)]} for name_of, _ in containers]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": name_of, "image": "registry.example/app:1", "containerID": f"containerd://{container_id}", "ready": True}
            for name_of, container_id in containers]},
    }


def make_certificate(directory, name):
    """A certificate of its own authority for 127.0.0.1."""
    key, cert = directory / f"{name}.key", directory / f"{name}.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return key, cert


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server.owner
        url = urllib.parse.urlsplit(self.path)
        query = {key: values[-1] for key, values in urllib.parse.parse_qs(url.query).items()}
        if server.tokens is not None and self.headers.get("Authorization") not in [f"Bearer {one}" for one in server.tokens]:
            server.counts["unauthorized"] += 1
            return self.status(401, "Unauthorized")
        if url.path == "/pods":
            return self.kubelet(server)
        if url.path != "/api/v1/pods":
            return self.status(404, "NotFound")
        if query.get("watch") in ("1", "true"):
            return self.watch(server, query)
        return self.list(server, query)

    def status(self, code, reason):
        self.answer(code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code})

    def answer(self, code, value):
        body = (value if isinstance(value, str) else json.dumps(value)).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def kubelet(self, server):
        server.counts["kubelet"] += 1
        if (fault := server.fault("kubelet")) == "unavailable":
            return self.status(503, "ServiceUnavailable")
        if fault == "malformed":
            return self.answer(200, '{"items": [{]}')
        with server.lock:
            items = list(server.pods.values())
        return self.answer(200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})

    def list(self, server, query):
        server.counts["list"] += 1
        fault = server.fault("list")
        if fault in ("gone", "unavailable", "forbidden", "throttled"):
            codes = {"gone": 410, "unavailable": 503, "forbidden": 403, "throttled": 429}
            return self.status(codes[fault], fault)
        if fault == "slow":
            time.sleep(1)
        if fault == "malformed":
            return self.answer(200, '{"kind": "PodList", "items": [{"metadata":')
        if fault == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b'{"kind": "PodList", "items": [')
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return None
        if "continue" in query:
            snapshot, start = json.loads(base64.b64decode(query["continue"]))
            if snapshot not in server.snapshots:
                return self.status(410, "Expired")
            version, items = server.snapshots[snapshot]
        else:
            with server.lock:
                version, items, start = server.version, self.selected(server, query), 0
            snapshot = len(server.snapshots)
            server.snapshots[snapshot] = (version, items)
        # From its cache (version 0) a server gives everything at once.
        limit = int(query.get("limit", 0)) if query.get("resourceVersion") != "0" else 0
        page = items[start:start + limit] if limit else items[start:]
        metadata = {"resourceVersion": str(version)}
        if start + len(page) < len(items):
            metadata["continue"] = base64.b64encode(json.dumps([snapshot, start + len(page)]).encode()).decode()
            metadata["remainingItemCount"] = len(items) - start - len(page)
        if fault == "malformed_item":
            page = [{"metadata": {"uid": 7}}, "no pod", *page]
        return self.answer(200, {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": page})

    @staticmethod
    def node_of(query):
        selector = query.get("fieldSelector", "")
        return selector.removeprefix("spec.nodeName=") if selector else None

    def selected(self, server, query):
        node = self.node_of(query)
        return [one for one in server.pods.values() if node is None or one["spec"]["nodeName"] == node]

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def event(self, kind, value):
        self.chunk(json.dumps({"type": kind, "object": value}).encode() + b"\n")

    def watch(self, server, query):
        server.counts["watch"] += 1
        fault = server.fault("watch")
        if fault in ("gone_status", "unavailable"):
            return self.status(410 if fault == "gone_status" else 503, fault)
        since, node = int(query["resourceVersion"]), self.node_of(query)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        until = time.monotonic() + int(query.get("timeoutSeconds", 1800))
        bookmark = time.monotonic() + server.bookmark_every
        generation = server.generation
        sent = 0
        while time.monotonic() < until and not server.stopping:
            with server.lock:
                if generation != server.generation:  # the test wants its connections gone
                    break
                if not server.events or since >= server.version:
                    server.changed.wait(0.05)
                oldest = server.events[0][0] if server.events else server.version + 1
                too_old = since < oldest - 1
                events = [] if too_old else [one for one in server.events if one[0] > since]
            if too_old or (fault == "gone" and sent >= 3):
                self.event("ERROR", {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410})
                break
            for version, kind, value in events:
                since = version
                if node is not None and value["spec"]["nodeName"] != node:
                    continue
                sent += 1
                if fault == "cut" and sent >= 3:
                    line = json.dumps({"type": kind, "object": value}).encode()
                    self.chunk(line[:len(line) // 2])
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return None
                if fault == "malformed" and sent == 3:
                    self.chunk(b'{"type": "MODIFIED", "object": {"metadata": {"uid": [}}\n')  # and this event is lost
                    continue
                if fault == "no_pod" and sent == 3:
                    self.event("ADDED", {"kind": "Pod", "metadata": {"name": 7}})
                    continue
                if fault == "too_long" and sent == 3:
                    self.chunk(b'{"type": "ADDED", "object": "' + b"x" * (9 << 20) + b'"}\n')
                if fault == "slow":
                    line = json.dumps({"type": kind, "object": value}).encode() + b"\n"
                    for piece in (line[:10], line[10:-3], line[-3:]):
                        self.chunk(piece)
                        time.sleep(0.01)
                    continue
                self.event(kind, value)
            if query.get("allowWatchBookmarks") in ("1", "true") and time.monotonic() >= bookmark:
                bookmark = time.monotonic() + server.bookmark_every
                self.event("BOOKMARK", {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": str(since)}})
        self.wfile.write(b"0\r\n\r\n")
        return None


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def get_request(self):
        connection, address = super().get_request()
        context = self.owner.context
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self.owner.connections.append(connection)
        return connection, address

    def handle_error(self, request, client_address):
        pass  # clients go as they like


class ApiServer:
    def __init__(self, directory, tls=False, tokens=None, bookmark_every=0.5):
        self.directory = pathlib.Path(directory)
        self.tokens = tokens
        self.bookmark_every = bookmark_every
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.pods, self.events, self.version, self.snapshots = {}, collections.deque(maxlen=WINDOW), 1000, {}
        self.faults = collections.defaultdict(collections.deque)
        self.counts = collections.Counter()
        self.connections = []
        self.generation, self.stopping = 0, False
        self.context, self.ca = None, None
        if tls:
            self.rotate_certificate("first")
        # Bound and never listened to: while the server is stopped nobody else is given its port, and who connects is refused.
        self.reserved = socket.socket()
        self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reserved.bind(("127.0.0.1", 0))
        self.port = self.reserved.getsockname()[1]
        self.start()

    def start(self):
        self.stopping = False
        self.http = Server(("127.0.0.1", self.port), Handler)
        self.http.owner = self
        self.url = f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self):
        self.stopping = True
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
        for connection in self.connections:  # those that are kept alive, too
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed
        self.connections.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.reserved.close()

    def rotate_certificate(self, name):
        key, self.ca = make_certificate(self.directory, name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, key)
        self.context = context

    def drop_connections(self):
        """Watches end."""
        with self.lock:
            self.generation += 1

    def inject(self, where, fault):
        self.faults[where].append(fault)

    def fault(self, where):
        with self.lock:
            if not self.faults[where]:
                return None
            fault = self.faults[where].popleft()
            self.counts[f"{where}:{fault}"] += 1
            return fault

    def forget_history(self):
        """What etcd's compaction does: every version but the present one is too old."""
        with self.lock:
            self.version += 10
            self.events.clear()
            self.events.append((self.version, "MODIFIED", pod("elsewhere", "elsewhere", node="node-9")))
            self.snapshots.clear()
            self.generation += 1

    def record(self, kind, value):
        self.version += 1
        value = json.loads(json.dumps(value))
        value["metadata"]["resourceVersion"] = str(self.version)
        self.events.append((self.version, kind, value))
        self.changed.notify_all()
        return value

    def put(self, value):
        with self.lock:
            uid = value["metadata"]["uid"]
            self.pods[uid] = self.record("MODIFIED" if uid in self.pods else "ADDED", value)

    def remove(self, uid):
        with self.lock:
            self.record("DELETED", self.pods.pop(uid))

    def churn(self, random_source=random):
        """One change: a pod comes, goes, or has a container restarted."""
        with self.lock:
            mine = [one for one in self.pods.values() if one["spec"]["nodeName"] == "node-1"]
        choice = random_source.random()
        if choice < 0.4 or not mine:
            number = self.version
            self.put(pod(f"u-{number}", f"app-{number % 50}", containers=[("web", f"c{number}"), ("side", f"s{number}")],
                         node="node-1" if random_source.random() < 0.9 else "node-2"))
        elif choice < 0.7:
            one = json.loads(json.dumps(random_source.choice(mine)))
            one["status"]["containerStatuses"][0]["containerID"] = f"containerd://r{self.version}"
            self.put(one)
        else:
            self.remove(random_source.choice(mine)["metadata"]["uid"])
