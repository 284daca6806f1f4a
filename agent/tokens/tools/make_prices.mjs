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
// Groq's documentation once said 25 %, articles since say 50 %; for Azure nothing was found. Costs of records of operation
// "batch" depend on them.
const kHalfPriceBatch = ['openai', 'anthropic', 'google', 'aws', 'azure', 'mistral', 'groq'];
// The source has no prices of service tiers either. Factors of all of a provider's models: OpenAI's and Groq's documentation of flex
// processing (batch rates; the same as on demand), Microsoft's and Google's (50 %).
const kServiceTiers = {
    openai: {flex: 0.5}, azure: {flex: 0.5}, google: {flex: 0.5, on_demand_flex: 0.5}, groq: {flex: 1},
};
// Of single models, by a name that they go by: OpenAI's page of priority processing (input, output: dollars), and fast mode of
// Anthropic (its documentation for 4.6; for the others by what OpenRouter and Vercel ask, who pass the price on). What is not here has
// no price in such a tier.
const kPriority = {
    'gpt-5.4': [5, 30], 'gpt-5.4-mini': [1.5, 9], 'gpt-5.2': [3.5, 28], 'gpt-5.1': [2.5, 20], 'gpt-5': [2.5, 20],
    'gpt-5-mini': [0.45, 3.6], 'gpt-4.1': [3.5, 14], 'gpt-4.1-mini': [0.7, 2.8], 'gpt-4.1-nano': [0.2, 0.8], 'gpt-4o': [4.25, 17],
    'gpt-4o-mini': [0.25, 1], o3: [3.5, 14], 'o4-mini': [2, 8],
};
const kFast = {'claude-opus-4-6': 6, 'claude-opus-4-7': 6, 'claude-opus-4-8': 2, 'claude-opus-5': 2};
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

// The first model of a list that a name stands for.
function named(models, name) {
    const matches = (rule) => rule.or?.some(matches) ?? rule.and?.every(matches) ??
        (rule.equals === name || (rule.starts_with !== undefined && name.startsWith(rule.starts_with)) ||
         (rule.ends_with !== undefined && name.endsWith(rule.ends_with)) || (rule.contains !== undefined && name.includes(rule.contains)) ||
         (rule.regex !== undefined && new RegExp(rule.regex).test(name)));
    const found = models.find(({match}) => matches(match));
    if (!found) throw new Error(`no model has the name ${name}`);
    return found;
}

// Model -> factors.
function tiersOfModels(id, models) {
    const out = new Map();
    if (id === 'openai') {
        for (const [name, [input, output]] of Object.entries(kPriority)) {
            const model = named(models, name);
            const {input: usual, output: usually} = period(Array.isArray(model.prices) ? model.prices.at(-1) : model);
            const factor = Number((input / usual).toPrecision(10));
            if (Math.abs(output / usually - factor) > 1e-4) throw new Error(`${name}: input and output differ in their factors`);
            out.set(model, {priority: factor});
        }
    }
    if (id === 'anthropic') for (const [name, factor] of Object.entries(kFast)) out.set(named(models, name), {fast: factor});
    return out;
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
    const head = {serves, ...(kHalfPriceBatch.includes(id) ? {batch: 0.5} : {}),
                  ...(id in kServiceTiers ? {service_tiers: kServiceTiers[id]} : {}), ...(like.length > 0 ? {also_like: like} : {})};
    // A model that is priced by the hour or the picture is kept without a price, lest a rule further down be taken for it.
    const tiers = tiersOfModels(id, provider.models);
    const models = provider.models.map((model) => {
        const periods = (Array.isArray(model.prices) ? model.prices : [model]).map(period);
        const factors = tiers.has(model) ? {service_tiers: tiers.get(model)} : {};
        return JSON.stringify({match: model.match, prices: periods.length === 1 ? periods[0] : periods, ...factors});
    });
    count += models.length;
    out.push(`${JSON.stringify(head).slice(0, -1)}, "models": [\n${models.join(',\n')}\n]}`);
}
console.log(`{"format": "1", "name": "genai-prices ${kVersion}", "date": "${kDate}", "providers": [\n${out.join(',\n')}\n]}`);
console.error(`${count} models of ${out.length} providers, source sha256 ${createHash('sha256').update(source).digest('hex')}`);
