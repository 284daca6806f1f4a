"""llmsnoop's records against the ledger of llm_server (see tests/support/README.md for its fields)."""
import json

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


def read_records(path):
    """The records of a file of JSON lines; an incomplete last line is left out."""
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.endswith("\n")]


def lookup(record, path):
    """lookup(record, "llm.response_id"): None where a part is absent."""
    for key in path.split("."):
        record = record.get(key) if isinstance(record, dict) else None
    return record


def match(records, truth, role):
    """Pairs (record or None, truth entry), and the records left over. Answers with an id are matched by it; the others
    (errors, embeddings) by the client's port and their order on that connection."""
    by_id, others = {}, {}
    client_port = "net.local.port" if role == "client" else "net.peer.port"
    for record in sorted(records, key=lambda record: record.get("time", "")):
        response_id = lookup(record, "llm.response_id")
        if response_id:
            by_id.setdefault(response_id, []).append(record)
        else:
            others.setdefault(lookup(record, client_port), []).append(record)
    pairs = []
    for entry in truth:
        candidates = by_id.get(entry["id"]) if entry["id"] else others.get(entry["client_port"])
        pairs.append((candidates.pop(0) if candidates else None, entry))
    leftover = [record for group in (by_id, others) for some in group.values() for record in some]
    return pairs, leftover


# record field, truth field
EXACT = (
    ("llm.dialect", "api"),
    ("llm.request_model", "request_model"),
    ("http.status", "status"),
    ("http.request_bytes", "request_bytes"),
    ("http.response_bytes", "response_bytes"),
)
# compared where the record has them: they are recorded only on demand
ON_DEMAND = (
    ("http.request_sha256", "request_body_sha256"),
    ("http.response_sha256", "response_body_sha256"),
)


def compare_whole(record, entry):
    """Differences of a record from an exchange that the server sent to its end."""
    found = []

    def differ(what, recorded, sent):
        if recorded != sent:
            found.append(f"{what} is {recorded!r}, sent was {sent!r}")

    differ("completeness", record.get("completeness"), "complete")
    for path, name in EXACT:
        differ(path, lookup(record, path), entry[name])
    for path, name in ON_DEMAND:
        if lookup(record, path) is not None:
            differ(path, lookup(record, path), entry[name])
    if entry["model"]:
        differ("llm.response_model", lookup(record, "llm.response_model"), entry["model"])
    differ("llm.finish_reasons", lookup(record, "llm.finish_reasons") or [], entry["finish_reasons"])
    differ("llm.tool_calls", lookup(record, "llm.tool_calls") or [], entry["tool_calls"])
    differ("llm.error present", lookup(record, "llm.error") is not None, "error_type" in entry)
    guessed = lookup(record, "usage.source") in ("estimated", "partial")
    for name in TOKENS:
        recorded, sent = lookup(record, "usage." + name), entry[name]
        if sent is not None:
            differ(name, recorded, sent)
        # What was not sent may be estimated, and an embedding's output may be called nothing.
        elif recorded and not guessed and not entry.get("error_type"):
            found.append(f"{name} is {recorded!r}, nothing was sent")
    return found


def compare_cut(record, entry):
    """Differences of a record from an exchange that broke off."""
    found = []
    if record.get("completeness") in ("complete", "in_progress", None):
        found.append(f"completeness is {record.get('completeness')!r}, but the exchange was cut")
    for name in TOKENS:
        recorded = lookup(record, "usage." + name)
        # The client may have read less than the server sent, so a count may be missing, but never be another.
        if entry[name] is not None and recorded not in (None, entry[name]):
            found.append(f"{name} is {recorded!r}, sent was {entry[name]!r}")
    return found


def compare(records, truth, role="client"):
    """What llmsnoop recorded of one side against what the server did. Returns the differences, as sentences; [] is good.

    Every exchange in `truth` must have exactly one record with the same counts, and no other record may exist."""
    pairs, leftover = match([record for record in records if record.get("role") == role], truth, role)
    differences = []
    for record, entry in pairs:
        name = entry["id"] or f"{entry['api']} #{entry['number']} (status {entry['status']})"
        if record is None:
            differences.append(f"{name}: no record")
            continue
        problems = compare_whole(record, entry) if entry["state"] == "whole" else compare_cut(record, entry)
        differences += [f"{name}: {problem}" for problem in problems]
    for record in leftover:
        name = lookup(record, "llm.response_id") or record.get("id")
        differences.append(f"{name}: recorded, but not (or not twice) made")
    return differences


def token_sums(truth):
    """{(model, type): tokens} over whole and cut exchanges, with the types' names as in llmsnoop_tokens_total."""
    sums = {}
    for entry in truth:
        for name in TOKENS:
            if entry[name]:
                key = (entry["model"], name.removesuffix("_tokens"))
                sums[key] = sums.get(key, 0) + entry[name]
    return sums
