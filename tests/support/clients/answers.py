#!/usr/bin/python3
"""What an answer of an LLM API says, read event by event with a JSON parser: the check on everything that is faster.

As a program it prints the line of one exchange whose request and answer are in files:
    answers.py --api openai --stream --status 200 --pid 123 REQUEST.json ANSWER
"""
import argparse
import hashlib
import json
import os
import sys

DIALECTS = {
    "openai": "openai.chat",
    "responses": "openai.responses",
    "embeddings": "openai.embeddings",
    "anthropic": "anthropic.messages",
}
PATHS = {
    "openai": "/v1/chat/completions",
    "responses": "/v1/responses",
    "embeddings": "/v1/embeddings",
    "anthropic": "/v1/messages",
}
MODELS = {
    "openai": "gpt-4o-mini",
    "responses": "gpt-4.1",
    "embeddings": "text-embedding-3-small",
    "anthropic": "claude-sonnet-4-5",
}
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


def make_request(api, stream, mark, prompt_bytes=400):
    """A request as a dict; `mark` makes it unlike any other."""
    text = (mark + " Please explain, briefly, what happens to this text on its way. ") * (prompt_bytes // 60 + 1)
    request = {"model": MODELS[api]}
    if api in ("openai", "anthropic"):
        request["messages"] = [{"role": "user", "content": text[:prompt_bytes]}]
    else:
        request["input"] = text[:prompt_bytes]
    if api == "anthropic":
        request["max_tokens"] = 1024
    if stream:
        request["stream"] = True
        if api == "openai":
            request["stream_options"] = {"include_usage": True}
    return request


def documents(body):
    """The JSON documents of a body: itself, or the data of each server-sent event."""
    text = body.decode("utf-8", "replace")
    if not text.startswith(("data:", "event:")):
        candidates = [text]
    else:
        candidates = []
        for event in text.replace("\r\n", "\n").split("\n\n"):
            data = [line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:")]
            if data:
                candidates.append("\n".join(data))
    found = []
    for candidate in candidates:
        try:
            document = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(document, dict):
            found.append(document)
    return found


def facts_of(body):
    """id, model, error type and canonical token counts (input with cache, output with reasoning), None where unknown."""
    facts = dict.fromkeys(("id", "model", "error_type") + TOKENS)
    wire = {}
    for document in documents(body):
        for part in (document, document.get("message"), document.get("response")):
            if not isinstance(part, dict):
                continue
            facts["id"] = facts["id"] or part.get("id")
            facts["model"] = facts["model"] or part.get("model")
            error = part.get("error")
            if isinstance(error, dict):
                facts["error_type"] = error.get("type") or error.get("code") or facts["error_type"]
            usage = part.get("usage")
            if isinstance(usage, dict):
                wire.update({key: value for key, value in usage.items() if value is not None})

    def number(*path):
        value = wire
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def first(*values):
        return next((value for value in values if value is not None), None)

    facts["input_tokens"] = first(number("prompt_tokens"), number("input_tokens"))
    facts["output_tokens"] = first(number("completion_tokens"), number("output_tokens"))
    details = first(number("prompt_tokens_details"), number("input_tokens_details")) or {}
    facts["cache_read_tokens"] = first(number("cache_read_input_tokens"), details.get("cached_tokens"))
    facts["cache_write_tokens"] = first(number("cache_creation_input_tokens"), details.get("cache_write_tokens"))
    details = first(number("completion_tokens_details"), number("output_tokens_details")) or {}
    facts["reasoning_tokens"] = first(details.get("reasoning_tokens"), details.get("thinking_tokens"))
    # Anthropic's three input counts are disjoint.
    if "cache_read_input_tokens" in wire and facts["input_tokens"] is not None:
        facts["input_tokens"] += (facts["cache_read_tokens"] or 0) + (facts["cache_write_tokens"] or 0)
    return facts


def report(api, stream, status, request, body, whole=True, response_bytes=None, pid=None):
    """The line that every client prints, as a dict. `request` and `body` are the decoded bodies."""
    line = {"pid": pid or os.getpid(), "api": DIALECTS[api], "status": status, "stream": stream, "whole": whole}
    line.update(facts_of(body))
    line["request_bytes"] = len(request)
    line["response_bytes"] = len(body) if response_bytes is None else response_bytes
    line["request_body_sha256"] = hashlib.sha256(request).hexdigest()
    line["response_body_sha256"] = hashlib.sha256(body).hexdigest()
    return line


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api", choices=DIALECTS, default="openai")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--status", type=int, default=200)
    parser.add_argument("--pid", type=int)
    parser.add_argument("--cut", action="store_true", help="the answer is not whole")
    parser.add_argument("request")
    parser.add_argument("answer")
    options = parser.parse_args()
    with open(options.request, "rb") as request, open(options.answer, "rb") as answer:
        line = report(options.api, options.stream, options.status, request.read(), answer.read(), not options.cut,
                      pid=options.pid)
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
