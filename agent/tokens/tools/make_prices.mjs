#!/usr/bin/env node
// Writes data/prices.json, the price table that comes with the program, from npm @pydantic/genai-prices (MIT), whose data is
// collected from the providers' price pages. The format is described in data/README.md.
//
//   tools/make_prices.mjs > data/prices.json      (needs node, npm and its registry)
import {fetchPackage} from './npm_package.mjs';
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {runInNewContext} from 'node:vm';

const kVersion = '0.1.8';
const kDate = '2026-09-23';  // of that version, by the registry

// Their provider's identifier, and how records of this project name it.
const kProviders = {
    openai: ['openai'], anthropic: ['anthropic'], google: ['gcp.gemini', 'gcp.vertex_ai', 'gcp.gen_ai'], aws: ['aws.bedrock'],
    azure: ['azure.ai.openai', 'azure.ai.inference'], mistral: ['mistral_ai'], deepseek: ['deepseek'], groq: ['groq'],
    'x-ai': ['x_ai'], cohere: ['cohere'], perplexity: ['perplexity'], moonshotai: ['moonshot_ai'],
    openrouter: ['openrouter.ai'], together: ['together.ai', 'together.xyz'], fireworks: ['fireworks.ai'],
    cerebras: ['cerebras.ai'], zai: ['z.ai'], zhipuai: ['bigmodel.cn'], novita: ['novita.ai'], avian: ['avian.io'],
    voyageai: ['voyageai.com'], minimax: ['minimax.io', 'minimaxi.com', 'minimax.chat'], baseten: ['baseten.co'],
    cloudflare: ['cloudflare.com'], arcee: ['arcee.ai'], cursor: ['cursor.com'], doubleword: ['doubleword.ai'],
    'github-copilot': ['githubcopilot.com'], ovhcloud: ['ovh.net'],
};
// Providers whose batch requests are taken to cost half. The source has no batch prices, so these factors are ours, and none was
// checked on a price page: Anthropic's documentation says 50 %; for OpenAI, Google, AWS and Mistral only articles by others say so;
// Groq's documentation once said 25 %, articles since say 50 %; for Azure nothing was found. No dialect makes records of operation
// "batch" so far, so no cost depends on them yet.
const kHalfPriceBatch = ['openai', 'anthropic', 'google', 'aws', 'azure', 'mistral', 'groq'];
const kPrices = {
    input_mtok: 'input', output_mtok: 'output', cache_read_mtok: 'cache_read', cache_write_mtok: 'cache_write',
    cache_write_1h_mtok: 'cache_write_1h', output_reasoning_mtok: 'reasoning', input_audio_mtok: 'input_audio',
    output_audio_mtok: 'output_audio', requests_kcount: 'requests', web_searches_kcount: 'web_searches',
};

const folder = fetchPackage(`@pydantic/genai-prices@${kVersion}`);
const source = readFileSync(join(folder, 'dist/index.js'), 'utf8');
const begin = source.indexOf('[');
const providers = runInNewContext(`(${source.slice(begin, source.indexOf('\n]', begin) + 2)})`);
if (!providers.some((one) => one.id === 'openai')) throw new Error('the data is no longer where it was');

function listed(prices) {
    const base = {};
    const tiers = new Map();
    for (const [key, value] of Object.entries(prices)) {
        const name = kPrices[key];
        if (!name) continue;
        base[name] = typeof value === 'number' ? value : value.base;
        for (const {start, price} of value.tiers ?? []) tiers.set(start, {above: start, ...tiers.get(start), [name]: price});
    }
    const above = [...tiers.values()].sort((a, b) => a.above - b.above);
    return above.length === 0 ? base : {...base, tiers: above};
}

function minute(time) {
    const [, hour, minutes, seconds, zone] = /^(\d\d):(\d\d):(\d\d)(Z|[+-]00:00)$/.exec(time) ?? [];
    if (!zone || seconds !== '00') throw new Error(`a time of day of another kind: ${time}`);
    return `${hour}:${minutes}`;
}

function period({prices, constraint}) {
    const list = listed(prices);
    if (!constraint) return list;
    if (constraint.start_date) return {from: constraint.start_date, ...list};
    return {hours: `${minute(constraint.start_time)}-${minute(constraint.end_time)}`, ...list};
}

// One model a line, so that two versions of the file can be compared.
const out = [];
let count = 0;
for (const [id, serves] of Object.entries(kProviders)) {
    const provider = providers.find((one) => one.id === id);
    const like = (provider.fallback_model_providers ?? []).flatMap((other) => kProviders[other] ?? []);
    const head = {serves, ...(kHalfPriceBatch.includes(id) ? {batch: 0.5} : {}), ...(like.length > 0 ? {also_like: like} : {})};
    // A model that is priced by the hour or the picture is kept without a price, lest a rule further down be taken for it.
    const models = provider.models.map(({match, prices}) => {
        const periods = (Array.isArray(prices) ? prices : [{prices}]).map(period);
        return JSON.stringify({match, prices: periods.length === 1 ? periods[0] : periods});
    });
    count += models.length;
    out.push(`${JSON.stringify(head).slice(0, -1)}, "models": [\n${models.join(',\n')}\n]}`);
}
console.log(`{"format": "1", "name": "genai-prices ${kVersion}", "date": "${kDate}", "providers": [\n${out.join(',\n')}\n]}`);
console.error(`${count} models of ${out.length} providers, source sha256 ${createHash('sha256').update(source).digest('hex')}`);
