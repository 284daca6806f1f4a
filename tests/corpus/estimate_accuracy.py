#!/usr/bin/env python3
"""How close the estimator comes to what providers reported, on recorded exchanges whose usage is hidden from it.

    estimate_accuracy.py --helper BUILD/estimate_calls CORPUS.jsonl.gz [--need] [--show FAMILY]

CORPUS holds one recorded exchange a line: {dialect, provider, source, request: {body_utf8}, expected: {model, text, tool_calls,
input_tokens_total, output_tokens_total, reasoning_tokens, ...}}. With --need the exit code is 1 where the project's promises do not
hold: input exact for 98 % of the text-only exchanges of GPT-4o, 4.1, 4 and 3.5, a median error of at most one token for
GPT-5 and the o series, and of at most 2 % for Claude. Without the corpus nothing is measured, and the exit code is 77.
"""
import argparse, collections, gzip, json, os, re, statistics, subprocess, sys


class Unreadable(Exception):
    pass


def text_of(content):
    """The text of a message's content, and the number of its parts that are no text."""
    if content is None:
        return "", 0
    if isinstance(content, str):
        return content, 0
    text, other = "", 0
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            text += part
        elif isinstance(part.get("text"), str):
            text += part["text"]
        elif "content" in part:
            more, others = text_of(part["content"])
            text, other = text + more, other + others
        else:
            other += 1
    return text, other


def either(value, *names):
    for name in names:
        if isinstance(value, dict) and value.get(name):
            return value[name]
    return None


def read(record):
    """What the estimator may see of an exchange, and whether its prompt is nothing but text."""
    try:
        body = json.loads(record["request"].get("body_utf8") or "")
    except json.JSONDecodeError as error:
        raise Unreadable from error
    dialect, expected, messages = record["dialect"], record["expected"], []
    call = {"dialect": dialect, "operation": "chat", "messages": messages, "tools": None}
    # Grammars, server-side tools and conversations that the server remembers cost tokens that are no text of the request.
    more = either(body, "previous_response_id", "conversation", "web_search_options", "mcp_servers", "output_format",
                  "output_config", "outputConfig", "format", "container", "additionalModelRequestFields")
    more = more or (either(body, "response_format") or {}).get("type") == "json_schema"
    more = more or ((either(body, "text") or {}).get("format") or {}).get("type") == "json_schema"
    more = more or either(either(body, "generationConfig", "generation_config"), "responseSchema", "responseJsonSchema",
                          "response_schema")

    def add(role, content, parts=0):
        text, other = text_of(content)
        messages.append([role or "user", text, other + parts])

    if dialect in ("openai.chat", "cohere.v2.chat", "ollama.chat"):
        for message in body["messages"]:
            add(message.get("role"), message.get("content"), len(either(message, "tool_calls", "function_call") or []))
            more = more or message.get("role") in ("tool", "function")
        call["tools"] = either(body, "tools", "functions")
    elif dialect in ("openai.completions", "openai.embeddings"):
        call["operation"] = "text_completion" if dialect == "openai.completions" else "embeddings"
        prompt = body.get("prompt" if dialect == "openai.completions" else "input")
        for text in [prompt] if isinstance(prompt, str) else prompt:
            if not isinstance(text, str):
                raise Unreadable
            add("user", text)
    elif dialect == "openai.responses":
        if body.get("instructions"):
            add("system", body["instructions"])
        items = body.get("input")
        for item in [{"role": "user", "content": items}] if isinstance(items, str) else items:
            add(item.get("role"), item.get("content"), 0 if item.get("role") else 1)
        call["tools"] = body.get("tools")
    elif dialect == "anthropic.messages" or dialect.startswith("bedrock.converse"):
        if body.get("system"):
            add("system", body["system"])
        for message in body["messages"]:
            add(message["role"], message["content"])
        call["tools"] = body.get("tools") or (body.get("toolConfig") or {}).get("tools")
    elif dialect in ("gemini.generate", "gemini.stream"):
        call["operation"] = "generate_content"
        system = either(body, "systemInstruction", "system_instruction")
        if system:
            add("system", system.get("parts", system) if isinstance(system, dict) else system)
        contents = body["contents"]
        for content in contents if isinstance(contents, list) else [contents]:
            add(content.get("role") if isinstance(content, dict) else "user",
                content.get("parts") if isinstance(content, dict) else content)
        call["tools"] = body.get("tools")
    else:
        raise Unreadable
    call["model"] = expected.get("model") or expected.get("model_request") or body.get("model") or ""
    if (expected.get("choices") or 1) == 1 and expected.get("text"):
        call["completion"] = [expected["text"]]
    call["calls"] = [[one.get("name") or "", one["arguments"] if isinstance(one.get("arguments"), str)
                      else json.dumps(one.get("arguments"), separators=(",", ":"), ensure_ascii=False)]
                     for one in expected.get("tool_calls") or [] if isinstance(one, dict)]
    thinking = either(body, "thinking")
    if isinstance(thinking, dict) and thinking.get("type") == "enabled":
        call["reasoning"] = " "     # what the agent would see of it; its length is not in the corpus
    text_only = not more and not any(message[2] for message in messages) and bool(messages)
    return call, text_only


def family_of(model):
    name = re.sub(r"^([a-z]+\.)+", "", model.lower().split("/")[-1])
    for pattern, family in ((r"gpt-oss", "gpt-oss"), (r"^(gpt-5|o[134]|codex-)", "gpt-5, o series"), (r"^(chatgpt-|gpt-)4o", "gpt-4o"),
                            (r"^gpt-4\.1", "gpt-4.1"), (r"^gpt-4", "gpt-4"), (r"^gpt-3", "gpt-3.5"),
                            (r"claude-(opus-4[-.][7-9]|(opus|sonnet|haiku)-[5-9])", "claude 4.7+"), (r"claude", "claude"),
                            (r"gemini", "gemini"), (r"grok", "grok"), (r"deepseek", "deepseek"), (r"kimi", "kimi"),
                            (r"(mi[sx]|min|code|dev|pix|magi)s?tral|mistral", "mistral"), (r"llama", "llama"), (r"qwen", "qwen"),
                            (r"glm", "glm"), (r"nova", "nova"), (r"command", "cohere command")):
        if re.search(pattern, name):
            return family
    return "others"


def line_of(title, pairs):
    errors = [abs(guess - want) for guess, want in pairs]
    shares = [abs(guess - want) / max(1, want) for guess, want in pairs]
    exact = sum(error == 0 for error in errors) / len(pairs)
    ninth = sorted(shares)[min(len(shares) - 1, int(len(shares) * 0.9))]
    print(f"  {title:32}{len(pairs):6}{100 * exact:9.1f}{statistics.median(errors):12.0f}"
          f"{100 * statistics.median(shares):12.2f}{100 * ninth:12.1f}")
    return exact, statistics.median(errors), statistics.median(shares)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus"), parser.add_argument("--helper", required=True)
    parser.add_argument("--need", action="store_true"), parser.add_argument("--show", help="family whose errors are listed")
    options = parser.parse_args()
    if not os.path.exists(options.corpus):
        print(f"SKIPPED: there is no corpus at {options.corpus}")
        return 77
    calls, unread = [], 0
    with gzip.open(options.corpus, "rt", encoding="utf-8", errors="surrogatepass") as lines:
        for line in lines:
            record = json.loads(line)
            if record["dialect"] == "none" or not record.get("expected"):
                continue
            try:
                calls.append((record, *read(record)))
            except (Unreadable, KeyError, TypeError, AttributeError):
                unread += 1
    ask = "\n".join(json.dumps(call) for _, call, _ in calls)
    answers = subprocess.run([options.helper], input=ask.encode("utf-8", "replace"), capture_output=True, check=True).stdout
    groups = collections.defaultdict(lambda: collections.defaultdict(list))
    for (record, call, text_only), answer in zip(calls, map(json.loads, answers.splitlines())):
        expected, family = record["expected"], family_of(call["model"])
        want = expected.get("input_tokens_total")
        if want and answer["input"] is not None and text_only:
            kind = "input, text and tools" if call["tools"] else "input, text only"
            groups[kind][family].append((answer["input"], want))
            if options.show == family and answer["input"] != want:
                print(f"{kind}: {answer['input']} for {want}, {call['model']}, {record['source'][-90:]}")
        want = expected.get("output_tokens_total")
        if want and answer["output"] is not None and (expected.get("choices") or 1) == 1 and not call.get("reasoning"):
            kind = "output, tool calls" if call["calls"] else "output, text"
            groups[kind][family].append((answer["output"], want - (expected.get("reasoning_tokens") or 0)))
    results = {}
    for kind in sorted(groups):
        print(f"{kind}\n  {'family':32}{'n':>6}{'exact %':>9}{'median err':>12}{'median %':>12}{'p90 %':>12}")
        for family, pairs in sorted(groups[kind].items(), key=lambda item: -len(item[1])):
            results[kind, family] = line_of(family, pairs)
        promised = [pair for name in ("gpt-4o", "gpt-4.1", "gpt-4", "gpt-3.5") for pair in groups[kind].get(name, [])]
        if promised:
            results[kind, "gpt-4o .. 3.5"] = line_of("= gpt-4o, 4.1, 4, 3.5 together", promised)
    print(f"{len(calls)} exchanges read, {unread} of other kinds left out. Reasoning that was reported is not part of the output here.")
    exact, _, _ = results.get(("input, text only", "gpt-4o .. 3.5"), (1, 0, 0))
    _, tokens, _ = results.get(("input, text only", "gpt-5, o series"), (1, 0, 0))
    _, _, share = results.get(("input, text only", "claude"), (1, 0, 0))
    kept = exact >= 0.98 and tokens <= 1 and share <= 0.02
    print(f"promises {'hold' if kept else 'DO NOT HOLD'}: exact {100 * exact:.1f} % (98), median {tokens:.0f} token (1), Claude {100 * share:.2f} % (2)")
    return 1 if options.need and not kept else 0


if __name__ == "__main__":
    sys.exit(main())
