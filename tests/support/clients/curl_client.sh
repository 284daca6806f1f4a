#!/bin/sh
# curl against llm_server: one process and one connection per exchange. Prints one JSON line per exchange.
#
#   curl_client.sh --port 41237 --ca cert.pem|--plain [--api openai|responses|embeddings|anthropic] [--stream] [--count N]
#                  [--query TEXT] [--prompt-bytes N] [-- CURL-OPTIONS...]
set -eu
here=$(dirname "$(readlink -f "$0")")
port='' ca='' scheme=https api=openai stream='' count=1 query='' prompt_bytes=400
while [ $# -gt 0 ]; do
    case $1 in
        --port) port=$2; shift ;;
        --ca) ca=$2; shift ;;
        --plain) scheme=http ;;
        --api) api=$2; shift ;;
        --stream) stream=--stream ;;
        --count) count=$2; shift ;;
        --query) query=$2; shift ;;
        --prompt-bytes) prompt_bytes=$2; shift ;;
        --) shift; break ;;
        *) echo "curl_client.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift
done
[ -n "$port" ] || { echo "curl_client.sh: --port is needed" >&2; exit 2; }

case $api in
    openai) path=/v1/chat/completions model=gpt-4o-mini ;;
    responses) path=/v1/responses model=gpt-4.1 ;;
    embeddings) path=/v1/embeddings model=text-embedding-3-small ;;
    anthropic) path=/v1/messages model=claude-sonnet-4-5 ;;
    *) echo "curl_client.sh: unknown API $api" >&2; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
i=1
while [ "$i" -le "$count" ]; do
    # yes is ended by head's closing of the pipe
    prompt="#$$.$i $(yes 'what becomes of this text?' 2>/dev/null | tr '\n' ' ' | head -c "$prompt_bytes")"
    {
        printf '{"model":"%s",' "$model"
        case $api in
            openai | anthropic) printf '"messages":[{"role":"user","content":"%s"}]' "$prompt" ;;
            *) printf '"input":"%s"' "$prompt" ;;
        esac
        [ "$api" != anthropic ] || printf ',"max_tokens":1024'
        [ -z "$stream" ] || printf ',"stream":true'
        if [ -n "$stream" ] && [ "$api" = openai ]; then printf ',"stream_options":{"include_usage":true}'; fi
        printf '}'
    } >"$work/request"
    curl -sS --http1.1 --no-buffer ${ca:+--cacert "$ca"} -o "$work/answer" -w '%{http_code}' \
        -H 'Content-Type: application/json' -H 'Authorization: Bearer sk-test-0000' \
        -H 'x-api-key: sk-ant-test-0000' -H 'anthropic-version: 2023-06-01' --data-binary "@$work/request" "$@" \
        "$scheme://localhost:$port$path${query:+?$query}" >"$work/status" &
    pid=$!
    cut=
    wait "$pid" || { status=1 cut=--cut; }
    touch "$work/answer"
    /usr/bin/python3 "$here/answers.py" --api "$api" $stream $cut --status "$(cat "$work/status")" --pid "$pid" \
        "$work/request" "$work/answer"
    rm -f "$work/answer"
    i=$((i + 1))
done
exit $status
