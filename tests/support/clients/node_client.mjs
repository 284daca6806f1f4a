#!/usr/bin/env node
// Node's own clients against llm_server: https (node:tls), http with --plain, and fetch (undici). Node carries its OpenSSL inside its
// executable and drives it over memory BIOs. The server's certificate is trusted through NODE_EXTRA_CA_CERTS.
//
//   NODE_EXTRA_CA_CERTS=cert.pem node node_client.mjs --port 41237 --api anthropic --stream --count 3 [--fetch]
//
// Prints one JSON line per exchange; the exit code is 0 if every one was whole.
import {createHash} from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import {parseArgs} from 'node:util';
import zlib from 'node:zlib';

const APIS = {
    openai: {dialect: 'openai.chat', path: '/v1/chat/completions', model: 'gpt-4o-mini'},
    responses: {dialect: 'openai.responses', path: '/v1/responses', model: 'gpt-4.1'},
    embeddings: {dialect: 'openai.embeddings', path: '/v1/embeddings', model: 'text-embedding-3-small'},
    anthropic: {dialect: 'anthropic.messages', path: '/v1/messages', model: 'claude-sonnet-4-5'},
};

const {values: options} = parseArgs({
    options: {
        port: {type: 'string'},
        plain: {type: 'boolean', default: false},
        api: {type: 'string', default: 'openai'},
        stream: {type: 'boolean', default: false},
        fetch: {type: 'boolean', default: false},
        count: {type: 'string', default: '1'},
        query: {type: 'string', default: ''},
        'prompt-bytes': {type: 'string', default: '400'},
    },
});
const api = APIS[options.api];
if (!api || !options.port) {
    console.error('usage: node_client.mjs --port N [--plain] [--api openai|responses|embeddings|anthropic] [--stream] ' +
                  '[--fetch] [--count N] [--query TEXT] [--prompt-bytes N]');
    process.exit(2);
}

function makeRequest(number) {
    const text = `#${process.pid}.${number} Please explain, briefly, what becomes of this. `;
    const prompt = text.repeat(options['prompt-bytes'] / text.length + 1).slice(0, Number(options['prompt-bytes']));
    const request = {model: api.model};
    if (options.api === 'openai' || options.api === 'anthropic') request.messages = [{role: 'user', content: prompt}];
    else request.input = prompt;
    if (options.api === 'anthropic') request.max_tokens = 1024;
    if (options.stream) {
        request.stream = true;
        if (options.api === 'openai') request.stream_options = {include_usage: true};
    }
    return JSON.stringify(request);
}

function documents(text) {
    const candidates = /^(data|event):/.test(text)
        ? text.split('\n\n').map(event => event.split('\n').filter(line => line.startsWith('data: '))
                                               .map(line => line.slice(6)).join('\n'))
        : [text];
    return candidates.flatMap(candidate => {
        try {
            return [JSON.parse(candidate)];
        } catch {
            return [];
        }
    });
}

// Canonical counts: input with cache, output with reasoning; null where the answer does not say.
function factsOf(text) {
    const facts = {id: null, model: null, error_type: null};
    const usage = {};
    for (const document of documents(text)) {
        for (const part of [document, document.message, document.response]) {
            if (!part || typeof part !== 'object') continue;
            facts.id ??= part.id ?? null;
            facts.model ??= part.model ?? null;
            facts.error_type = part.error?.type ?? part.error?.code ?? facts.error_type;
            Object.assign(usage, part.usage);
        }
    }
    const inputDetails = usage.prompt_tokens_details ?? usage.input_tokens_details ?? {};
    const outputDetails = usage.completion_tokens_details ?? usage.output_tokens_details ?? {};
    const cacheRead = usage.cache_read_input_tokens ?? inputDetails.cached_tokens ?? null;
    const cacheWrite = usage.cache_creation_input_tokens ?? inputDetails.cache_write_tokens ?? null;
    let input = usage.prompt_tokens ?? usage.input_tokens ?? null;
    if (input !== null && 'cache_read_input_tokens' in usage) input += cacheRead + cacheWrite;
    return {
        ...facts,
        input_tokens: input,
        output_tokens: usage.completion_tokens ?? usage.output_tokens ?? null,
        cache_read_tokens: cacheRead,
        cache_write_tokens: cacheWrite,
        reasoning_tokens: outputDetails.reasoning_tokens ?? outputDetails.thinking_tokens ?? null,
    };
}

function report(status, request, body, whole, sentBytes) {
    const sha256 = bytes => createHash('sha256').update(bytes).digest('hex');
    console.log(JSON.stringify({
        pid: process.pid,
        api: api.dialect,
        status,
        stream: options.stream,
        whole,
        ...factsOf(body.toString('utf8')),
        request_bytes: Buffer.byteLength(request),
        response_bytes: sentBytes,
        request_body_sha256: sha256(request),
        response_body_sha256: sha256(body),
    }));
    return whole;
}

const url = `${options.plain ? 'http' : 'https'}://localhost:${options.port}${api.path}${options.query ? `?${options.query}` : ''}`;
const headers = {
    'content-type': 'application/json',
    ...(options.api === 'anthropic' ? {'x-api-key': 'sk-ant-test-0000', 'anthropic-version': '2023-06-01'}
                                    : {authorization: 'Bearer sk-test-0000'}),
};

const DECODERS = {gzip: zlib.gunzipSync, deflate: zlib.inflateSync, br: zlib.brotliDecompressSync};

function exchangeByHttps(agent, number) {
    const body = makeRequest(number);
    return new Promise((resolve, reject) => {
        const request = (options.plain ? http : https).request(url, {method: 'POST', headers, agent}, response => {
            const parts = [];
            response.on('data', part => parts.push(part));
            response.on('error', () => {});  // a cut answer also ends in 'close'
            response.on('close', () => {
                const sent = Buffer.concat(parts);
                const decode = DECODERS[response.headers['content-encoding']];
                const whole = response.complete;
                resolve(report(response.statusCode, body, decode && whole ? decode(sent) : sent, whole, sent.length));
            });
        });
        request.on('error', reject);
        request.end(body);
    });
}

async function exchangeByFetch(number) {
    const body = makeRequest(number);
    const response = await fetch(url, {method: 'POST', headers, body});
    const parts = [];
    let whole = true;
    try {
        for await (const part of response.body) parts.push(part);
    } catch {
        whole = false;
    }
    // fetch decodes by itself: how many bytes were sent is known only without a coding.
    const decoded = Buffer.concat(parts);
    return report(response.status, body, decoded, whole, response.headers.has('content-encoding') ? null : decoded.length);
}

const agent = new (options.plain ? http : https).Agent({keepAlive: true, maxSockets: 1});
let good = true;
for (let number = 0; number < Number(options.count); ++number)
    good = await (options.fetch ? exchangeByFetch(number) : exchangeByHttps(agent, number)) && good;
agent.destroy();
process.exitCode = good ? 0 : 1;
