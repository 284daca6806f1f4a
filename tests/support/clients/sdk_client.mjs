#!/usr/bin/env node
// The official SDKs of OpenAI and Anthropic against llm_server.
//
//   NODE_EXTRA_CA_CERTS=cert.pem node sdk_client.mjs --port 41237 --packages FOLDER --sdk openai [--with end_us=100000]
//
// FOLDER holds node_modules; --with gives llm_server's query options. One process makes every kind of call, streaming and not; what is not whole throws.
import {createRequire} from 'node:module';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {parseArgs} from 'node:util';

const {values: options} = parseArgs({
    options: {port: {type: 'string'}, packages: {type: 'string'}, sdk: {type: 'string'}, with: {type: 'string'}},
});
const require = createRequire(path.join(path.resolve(options.packages), 'node_modules', 'none.js'));
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const server = `https://localhost:${options.port}${options.with ? `/with/${options.with}` : ''}`;
const messages = [{role: 'user', content: 'What is the answer?'}];

function expect(value, what) {
    if (!value) throw new Error(`no ${what}`);
}

async function openai() {
    const {OpenAI} = await load('openai');
    const client = new OpenAI({apiKey: 'none', baseURL: `${server}/v1`, maxRetries: 0});
    const model = 'gpt-4o-mini';
    const answer = await client.chat.completions.create({model, messages});
    expect(answer.usage.completion_tokens, 'usage');
    let last;
    for await (const chunk of await client.chat.completions.create(
        {model, messages, stream: true, stream_options: {include_usage: true}})) last = chunk;
    expect(last.usage.completion_tokens, 'usage in the stream');
    for await (const chunk of await client.chat.completions.create({model, messages, stream: true})) last = chunk;
    const response = await client.responses.create({model: 'gpt-4.1', input: 'What is the answer?'});
    expect(response.usage.output_tokens, 'usage of the response');
    for await (const event of await client.responses.create({model: 'gpt-4.1', input: 'And now?', stream: true})) last = event;
    expect(last.type === 'response.completed', 'end of the response');
    expect((await client.embeddings.create({model: 'text-embedding-3-small', input: 'answer'})).usage.total_tokens,
           'usage of the embedding');
}

async function anthropic() {
    const {default: Anthropic} = await load('@anthropic-ai/sdk');
    const client = new Anthropic({apiKey: 'none', baseURL: server, maxRetries: 0});
    const model = 'claude-sonnet-4-5';
    expect((await client.messages.create({model, max_tokens: 100, messages})).usage.output_tokens, 'usage');
    const stream = client.messages.stream({model, max_tokens: 100, messages});
    expect((await stream.finalMessage()).usage.output_tokens, 'usage in the stream');
}

await {openai, anthropic}[options.sdk]();
