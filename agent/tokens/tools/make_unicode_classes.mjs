#!/usr/bin/env node
// Writes data/unicode_classes.inc: for every code point, the class that matters to the pre-tokenisers.
//
// The classes are asked of the reference itself: npm `tiktoken` is given patterns that match one Unicode property each, and
// says which code points they match. So the table has the reference's Unicode version by construction (tiktoken 1.0.22 is
// built with Rust's regex-syntax 0.8.5: Unicode 16.0).
//
//   tools/make_unicode_classes.mjs > data/unicode_classes.inc      (needs node, npm and its registry)
import {fetchPackage} from './npm_package.mjs';
import {createRequire} from 'node:module';
import {join} from 'node:path';

const kVersion = '1.0.22';
const kBlock = 128;  // code points in one block of the second stage, two to a byte

const folder = fetchPackage(`tiktoken@${kVersion}`);
const {Tiktoken} = createRequire(import.meta.url)(join(folder, 'lite/tiktoken.cjs'));

const codePoints = [];
for (let c = 0; c < 0x110000; ++c) {
    if (c < 0xd800 || c > 0xdfff) codePoints.push(String.fromCodePoint(c));
}
const everything = codePoints.join('');

// A vocabulary of the 256 bytes: encoding by it returns the UTF-8 of whatever the pattern matched.
const bytes = [...Array(256).keys()].map((b) => Buffer.from([b]).toString('base64')).join(' ');
function members(pattern) {
    const encoder = new Tiktoken(`! 0 ${bytes}`, {}, pattern);
    const matched = Buffer.from(encoder.encode_ordinary(everything)).toString('utf8');
    encoder.free();
    return [...matched].map((char) => char.codePointAt(0));
}

// Values of CharClass (unicode_class.h).
const classes = [
    [1, '\\p{Lu}'], [1, '\\p{Lt}'], [2, '\\p{Ll}'], [3, '\\p{Lm}'], [3, '\\p{Lo}'], [4, '\\p{M}'], [5, '\\p{N}'],
    [6, '[\\s&&[^\\r\\n]]'], [7, '[\\r\\n]'],
];
const table = new Uint8Array(0x110000);
for (const [value, pattern] of classes) {
    for (const c of members(pattern)) {
        if (table[c] !== 0) throw new Error(`U+${c.toString(16)} has two classes`);
        table[c] = value;
    }
}
// The property groups that the patterns use must be the sum of these.
for (const [group, values] of [['\\p{L}', [1, 2, 3]], ['\\s', [6, 7]]]) {
    const want = members(group).length;
    const have = table.filter((value) => values.includes(value)).length;
    if (want !== have) throw new Error(`${group}: ${want} code points, classes hold ${have}`);
}

const blocks = new Map();
const index = [];
for (let at = 0; at < table.length; at += kBlock) {
    const packed = [];
    for (let i = 0; i < kBlock; i += 2) packed.push(table[at + i] | (table[at + i + 1] << 4));
    const key = packed.join(',');
    if (!blocks.has(key)) blocks.set(key, blocks.size);
    index.push(blocks.get(key));
}
if (blocks.size > 256) throw new Error('the index needs more than a byte');

function rows(numbers) {
    const lines = [];
    for (let i = 0; i < numbers.length; i += 32) lines.push(numbers.slice(i, i + 32).join(',') + ',');
    return lines.join('\n');
}
process.stdout.write(`// Made by tools/make_unicode_classes.mjs from npm tiktoken ${kVersion} (Unicode 16.0). Do not edit.
// clang-format off
inline constexpr unsigned kClassBlock = ${kBlock};
inline constexpr std::uint8_t kClassIndex[] = {
${rows(index)}
};
inline constexpr std::uint8_t kClassBlocks[] = {
${rows([...blocks.keys()].flatMap((key) => key.split(',')))}
};
// clang-format on
`);
