"""The bytes of recorded exchanges as other transports would carry them than those of the corpus' own check.py.

A flow is a list of (who, bytes, index): "c" for the client and "s" for the server, and the exchange that the bytes belong to, or
None where they say nothing of one. `check` is the corpus' own module, which tells what the recordings hold.
"""
import base64, gzip, json, struct, subprocess, zlib

WIRE_NAME = {"gzip-members": "gzip", "raw-deflate": "deflate"}


def brotli(bodies):
    """Node brings Brotli along; Debian has no module of it for Python that the tests may count on."""
    program = ("const zlib = require('zlib'), quality = {[zlib.constants.BROTLI_PARAM_QUALITY]: 4};"
               "require('readline').createInterface({input: process.stdin}).on('line', line => console.log("
               "zlib.brotliCompressSync(Buffer.from(line, 'base64'), {params: quality}).toString('base64')));")
    lines = "".join(base64.b64encode(body).decode() + "\n" for body in bodies)
    out = subprocess.run(["node", "-e", program], input=lines.encode(), capture_output=True, check=True).stdout
    return [base64.b64decode(line) for line in out.split()]


def coded(body, coding, check, rng):
    if coding == "gzip-members":
        half = len(body) // 2
        return gzip.compress(body[:half]) + gzip.compress(body[half:])
    if coding == "zstd":
        return subprocess.run(["zstd", "-q", "-c"], input=body, capture_output=True, check=True).stdout
    # As a server does that flushes what it has.
    packer = zlib.compressobj(6, zlib.DEFLATED, {"gzip": 31, "deflate": 15, "raw-deflate": -15}[coding])
    out = b""
    for piece in check.pieces(body, rng):
        out += packer.compress(piece)
        if rng.random() < 0.7:
            out += packer.flush(zlib.Z_SYNC_FLUSH)
    return out + packer.flush()


def head(start, fields):
    return ("\r\n".join([start] + [f"{name}: {value}" for name, value in fields]) + "\r\n\r\n").encode("latin-1", "replace")


def chunks(body, check, rng, extension=b""):
    return [b"%X" % len(piece) + extension + b"\r\n" + piece + b"\r\n" for piece in check.pieces(body, rng)]


def coding_of(fields):
    return next((value for name, value in fields if name == "content-encoding"), "identity")


def http1(check, record, rng, index=0, *, response_coding=None, request_coding=None, chunked_request=False, proxied=False,
          expect=False, until_close=False, version="1.1", trailers=False):
    request, response = record["request"], record["response"]
    host, path = check.target(record)
    method, body = request.get("method", "POST"), check.body_of(request)
    fields = [("Host", host)] + [field for field in check.headers_of(request, False) if field[0] != "expect"]
    if request_coding and body and coding_of(fields) == "identity":
        body = coded(body, request_coding, check, rng)
        fields.append(("Content-Encoding", WIRE_NAME.get(request_coding, request_coding)))
    upload = [body]
    if chunked_request and body:
        fields.append(("Transfer-Encoding", "chunked"))
        upload = chunks(body, check, rng) + [b"0\r\n\r\n"]
    elif body or method in ("POST", "PUT", "PATCH"):
        fields.append(("Content-Length", len(body)))
    waits = expect and bool(body)
    if waits:
        fields.append(("Expect", "100-continue"))
    start = head(f"{method} {'http://' + host if proxied else ''}{path} HTTP/{version}", fields)
    if waits:
        flow = [("c", start), ("s", b"HTTP/1.1 100 Continue\r\n\r\n"), ("c", b"".join(upload))]
    else:
        flow = [("c", start + b"".join(upload))]

    status, answer = int(response.get("status") or 200), check.body_of(response)
    fields = check.headers_of(response, response.get("body_state") == "decoded")
    if response_coding and answer and coding_of(fields) == "identity":
        answer = coded(answer, response_coding, check, rng)
        fields = [field for field in fields if field[0] != "content-encoding"]
        fields.append(("Content-Encoding", WIRE_NAME.get(response_coding, response_coding)))
    start = f"HTTP/{version} {status} X"
    kind = next((value for name, value in fields if name == "content-type"), "")
    if status in (204, 304):
        flow.append(("s", head(start, fields)))
    elif until_close:
        flow.append(("s", head(start, fields + [("Connection", "close")])))
        flow += [("s", piece) for piece in check.pieces(answer, rng)]
    elif trailers or any(word in kind for word in ("event-stream", "ndjson", "eventstream")) or rng.random() < 0.3:
        flow.append(("s", head(start, fields + [("Transfer-Encoding", "chunked")] + [("Trailer", "X-Sum")] * trailers)))
        flow += [("s", chunk) for chunk in chunks(answer, check, rng, b';a="b\\"c"' if trailers else b"")]
        flow.append(("s", b"0\r\nX-Sum: 12\r\n\r\n" if trailers else b"0\r\n\r\n"))
    else:
        flow.append(("s", head(start, fields + [("Content-Length", len(answer))]) + answer))
    return [(who, data, index) for who, data in flow]


def pipelined(flows):
    """All requests, then all answers."""
    return [item for who in "cs" for flow in flows for item in flow if item[0] == who]


class Http2:
    """Several exchanges as interleaved streams of one connection, with CONTINUATION and interim answers, and with padding and trailers,
    of which a record says nothing, as `extras`."""

    def __init__(self, check, rng, extras=True):
        from h2.config import H2Configuration
        from h2.connection import H2Connection
        quiet = dict(validate_outbound_headers=False, validate_inbound_headers=False, normalize_outbound_headers=False,
                     normalize_inbound_headers=False, header_encoding="utf-8")
        self.check, self.rng, self.extras, self.flow, self.index = check, rng, extras, [], None
        self.ends = {"c": H2Connection(H2Configuration(client_side=True, **quiet)),
                     "s": H2Connection(H2Configuration(client_side=False, **quiet))}
        for who in "cs":
            self.ends[who].initiate_connection()
            self.pump(who)
        self.pump("c")

    @staticmethod
    def says_something(data):
        """Is there more in it than the preface, settings and windows?"""
        at = 24 if data.startswith(b"PRI ") else 0
        while at + 9 <= len(data):
            if data[at + 3] in (0, 1, 9):
                return True
            at += 9 + int.from_bytes(data[at:at + 3], "big")
        return False

    def pump(self, who):
        data, other = self.ends[who].data_to_send(), self.ends["s" if who == "c" else "c"]
        if not data:
            return
        self.flow.append((who, data, self.index if self.says_something(data) else None))
        for event in other.receive_data(data):
            length = getattr(event, "flow_controlled_length", None)
            if length:
                other.increment_flow_control_window(length)
                if event.stream_ended is None:
                    other.increment_flow_control_window(length, event.stream_id)

    def send(self, who, stream, data):
        """A frame of it, as the window allows; returns the rest."""
        end, rng = self.ends[who], self.rng
        room = min(end.local_flow_control_window(stream), end.max_outbound_frame_size - 256, rng.choice([1, 100, 900, 4000, 16384]))
        if room > 0:
            padding = rng.choice([None, None, 0, 7, 200]) if self.extras else None
            if padding is not None and room <= padding + 1:
                padding = None
            size = room if padding is None else room - padding - 1
            end.send_data(stream, data[:size], pad_length=padding)
            data = data[size:]
        self.pump(who)
        self.pump("s" if who == "c" else "c")
        return data

    def play(self, records):
        work = [self.exchange(index, record) for index, record in enumerate(records)]
        for steps in work:
            next(steps)  # the heads, in order
        while work:
            steps = self.rng.choice(work)
            if next(steps, "over") == "over":
                work.remove(steps)
        return self.flow

    def exchange(self, index, record):
        check, rng, client, server = self.check, self.rng, self.ends["c"], self.ends["s"]
        request, response, stream = record["request"], record["response"], 1 + 2 * index

        def said(who):
            self.index = index
            self.pump(who)

        host, path = check.target(record)
        fields = [(":method", request.get("method", "POST")), (":authority", host), (":scheme", "https"), (":path", path)]
        client.send_headers(stream, fields + check.headers_of(request, False))
        said("c")
        yield
        body = check.body_of(request)
        while body:
            self.index = index
            body = self.send("c", stream, body)
            yield
        client.end_stream(stream)
        said("c")
        yield
        if rng.random() < 0.1:
            server.send_headers(stream, [(":status", "103"), ("link", "</a>")])
            said("s")
        fields = [(":status", str(int(response.get("status") or 200)))]
        fields += check.headers_of(response, response.get("body_state") == "decoded")
        server.send_headers(stream, fields + [("x-long", "v" * 20000)] * (rng.random() < 0.2))
        said("s")
        yield
        body = check.body_of(response)
        while body:
            self.index = index
            body = self.send("s", stream, body)
            yield
        if self.extras and rng.random() < 0.3:
            server.send_headers(stream, [("x-trailer", "1")], end_stream=True)
        else:
            server.end_stream(stream)
        said("s")


def ws_frame(first, payload, masked, rng):
    out, bit = bytearray([first]), 0x80 if masked else 0
    if len(payload) < 126:
        out.append(bit | len(payload))
    elif len(payload) < 65536:
        out += struct.pack(">BH", bit | 126, len(payload))
    else:
        out += struct.pack(">BQ", bit | 127, len(payload))
    if not masked:
        return bytes(out) + payload
    key = bytes(rng.randrange(256) for _ in range(4))
    return bytes(out) + key + bytes(byte ^ key[at & 3] for at, byte in enumerate(payload))


def websocket(check, record, rng, *, takeover):
    """With permessage-deflate, fragments and pings between them."""
    host, path = check.target(record)
    agreed = "permessage-deflate" + ("" if takeover else "; server_no_context_takeover; client_no_context_takeover")
    switch = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
    asked = [("Host", host)] + switch + [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                                         ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")]
    asked += [field for field in check.headers_of(record["request"], False) if not field[0].startswith("sec-websocket")]
    flow = [("c", head(f"GET {path} HTTP/1.1", asked)),
            ("s", head("HTTP/1.1 101 Switching Protocols", switch + [("Sec-WebSocket-Extensions", agreed)]))]

    def packer():
        return zlib.compressobj(6, zlib.DEFLATED, -15)

    packers = {"c": packer(), "s": packer()}
    for line in (record["response"].get("body_utf8") or "").splitlines():
        if not line.strip():
            continue
        message = json.loads(line)
        who = "c" if message["dir"] in ("c2s", "client", "send") else "s"
        data = message["data"] if isinstance(message["data"], str) else json.dumps(message["data"], ensure_ascii=False)
        data, packed = data.encode("utf-8", "surrogatepass"), rng.random() < 0.8
        if packed:
            if not takeover:
                packers[who] = packer()
            data = (packers[who].compress(data) + packers[who].flush(zlib.Z_SYNC_FLUSH))[:-4]
        cut = rng.randrange(1, len(data)) if rng.random() < 0.5 and len(data) > 4 else len(data)
        parts = [part for part in (data[:cut], data[cut:]) if part] or [b""]
        for at, part in enumerate(parts):
            first = (0x80 if at == len(parts) - 1 else 0) | (0x40 if packed and at == 0 else 0) | (1 if at == 0 else 0)
            flow.append((who, ws_frame(first, part, who == "c", rng)))
            if rng.random() < 0.2:
                flow.append((who, ws_frame(0x89, b"hi", who == "c", rng)))
    flow.append(("s", ws_frame(0x88, b"\x03\xe8", False, rng)))
    return [(who, data, 0) for who, data in flow]
