#!/usr/bin/env node
// Compares our tokenizer with npm `tiktoken` (the reference's Rust code as WebAssembly), token by token, for both encodings:
// every code point, strings in every script of Unicode, adversarial strings and broken UTF-8. Then prints both speeds.
//
//   tokenizer_reference.mjs --helper BUILD/encode_strings [--count 10000] [--seed 1]
//   tokenizer_reference.mjs --golden ../unit/tokens/reference_tokens.inc      rewrites what the unit test compares with
//
// Exit: 0 all equal, 1 a difference (printed), 77 skipped because npm or its registry is not there.
import {createRequire} from 'node:module';
import {writeFileSync} from 'node:fs';
import {execFileSync} from 'node:child_process';
import {parseArgs} from 'node:util';
import {join} from 'node:path';
import {fetchPackage} from '../../agent/tokens/tools/npm_package.mjs';

const {values: options} = parseArgs({options: {
    helper: {type: 'string'}, golden: {type: 'string'}, count: {type: 'string', default: '10000'}, seed: {type: 'string', default: '1'},
}});

let folder;
try {
    folder = fetchPackage('tiktoken@1.0.22');
} catch (failure) {
    console.log(`SKIPPED: the reference (npm tiktoken) could not be fetched: ${failure.message.split('\n')[0]}`);
    process.exit(77);
}
const load = createRequire(import.meta.url);
const {Tiktoken} = load(join(folder, 'lite/tiktoken.cjs'));

function encoders(encoding) {
    const data = load(join(folder, 'encoders', `${encoding}.json`));
    return new Tiktoken(data.bpe_ranks, data.special_tokens, data.pat_str);
}

// ---- a few strings of every kind, for the unit test that needs no network
if (options.golden) {
    const strings = ['', ' ', 'hello world', "I'm sure you'll say it's John's, WE'RE NOT, they'Ve", "'\u017fa x'\u017f", '123 1234567 \u0663\u0664\u0665\u0666 \u2167\u2168',
        'a\n\n  b \r\n\t c\n  ', '   x', '\u00a0\u00a0\u3000x\u0085\u2028y\ufeffz', 'HTMLElement getElementById XMLHttpRequest2', '<|endoftext|><|fim_prefix|>',
        '{"id": 12, "name": "x", "ok": true, "list": [1.5, -2e10, null]}', 'https://example.org/a/b//c?d=e&f=%20#g', '//\n/\n!!!\n\n/x', '\u4f60\u597d\uff0c\u4e16\u754c\u3002A\u4f60bC\u4f60D',
        '\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440', '\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645', '\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e', '\uc548\ub155\ud558\uc138\uc694',
        '\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35', 'e\u0301A\u0301 \u0301x!\u0301\u0301?', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u{1f1e9}\u{1f1ea}\u2764\ufe0f', '\u01c5\u02b0\u00aaStra\u00dfe\u03a3\u03c2',
        'a'.repeat(300), ' '.repeat(200) + 'x', '=-'.repeat(100), 'antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis',
        Buffer.from('any carnal pleasure'.repeat(8)).toString('base64'), '\0\u0007\u001b[31m', '\ufffd\ufffd'];
    const [o200k, cl100k] = ['o200k_base', 'cl100k_base'].map(encoders);
    const quoted = (text) => [...Buffer.from(text)].map((b) => (b >= 0x20 && b < 0x7f && b !== 0x22 && b !== 0x5c && b !== 0x3f
        ? String.fromCharCode(b) : `\\${b.toString(8).padStart(3, '0')}`)).join('').replace(/.{1,100}(?!\d)/g, '\n     "$&"');
    const row = (text) => `    {std::string_view(${quoted(text) || '""'}, ${Buffer.byteLength(text)}),\n     {${
        [...o200k.encode_ordinary(text)]}},\n     {${[...cl100k.encode_ordinary(text)]}}},\n`;
    writeFileSync(options.golden, `// Made by tests/corpus/tokenizer_reference.mjs --golden from npm tiktoken. Do not edit.\n// clang-format off\n${
        strings.map(row).join('')}// clang-format on\n`);
    process.exit(0);
}

// ---- random choices, repeatable by seed (splitmix32)
let state = Number(options.seed) >>> 0;
function random() {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];
const repeat = (n, make) => Array.from({length: n}, make);

// ---- material
const kScripts = `Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki
Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common
Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan
Elymaic Ethiopic Garay Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Gurung_Khema Han Hangul
Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian
Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Kirat_Rai Lao Latin
Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi
Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean
Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Ol_Onal Old_Hungarian Old_Italic
Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong
Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham
SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham
Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Todhri Toto Tulu_Tigalari Ugaritic Vai
Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square`.split(/\s+/);
const isScalar = (c) => c < 0xd800 || c > 0xdfff;
const codePoints = [];
for (let c = 0; c < 0x110000; ++c) if (isScalar(c)) codePoints.push(c);
const scripts = kScripts.flatMap((name) => {
    try {
        const member = new RegExp(`^\\p{Script=${name}}$`, 'u');
        return [{name, chars: codePoints.map((c) => String.fromCodePoint(c)).filter((char) => member.test(char))}];
    } catch {
        return [];  // this Node's Unicode is older
    }
});
const kSpaces = [' ', '  ', '\t', '\n', '\r\n', '\r', '\n\n', ' \n', '\n ', '\v', '\f', '\u0085', '\u00a0', '\u1680',
    '\u2003', '\u2028', '\u2029', '\u202f', '\u205f', '\u3000', '\ufeff', '\u200b', '\u180e'];
const kContractions = ["'s", "'S", "'t", "'T", "'re", "'Re", "'RE", "'ve", "'VE", "'m", "'M", "'ll", "'LL", "'d", "'D",
    "'\u017f", "'\u017fs", "'x", "''s", "'l", "'r", "'v", "\u2019s", "'"];
const kSymbols = [...'!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~', '//', '://', '/\n', '\n/', '...\n\n', '\u2026', '\u20ac', '\u{1f600}',
    '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}', '\u0301', '\u20e3', '\u{1f1e9}\u{1f1ea}', '\ufffd', '\0', '\u0007'];
const kNumbers = ['0', '7', '42', '123', '1234', '1234567', '\u0663\u0664', '\u2167', '\u00bd', '\u00b2', '\u3007', '\u0967'];
const kWords = ['the', 'The', 'THE', 'tokenizer', 'JSON', 'getElementById', 'HTMLElement', 'x', '\u00e9t\u00e9',
    '\u01c5', '\u02b0', '\u00aa', '\u4f60\u597d', 'e\u0301', 'A\u0301b', '\u4f60A', 'A\u4f60Ab', '\u03a3\u03c2', 'stra\u00dfe'];
const kSpecial = ['<|endoftext|>', '<|fim_prefix|>', '<|im_start|>', '<|endofprompt|>', '<|start|>', '<|channel|>'];

function inScript() {
    const {chars} = scripts[nextScript++ % scripts.length];
    return repeat(1 + below(60), () => {
        const kind = below(12);
        if (kind === 0) return pick(kSpaces);
        if (kind === 1) return pick(kSymbols);
        return kind === 2 ? ' ' : pick(chars);
    }).join('');
}
let nextScript = 0;
const makers = [
    inScript, inScript, inScript, inScript,
    () => repeat(1 + below(40), () => pick(pick(scripts).chars)).join(''),
    () => repeat(1 + below(80), () => pick([kSpaces, kContractions, kSymbols, kNumbers, kWords, kWords])).map(pick).join(''),
    () => repeat(1 + below(30), () => pick(kSpaces)).join('') + pick(['', 'x', '!', '1', '\u0301']),
    () => repeat(1 + below(20), () => pick(kWords) + pick(kContractions)).join(pick(['', ' '])),
    () => pick([...kSymbols, ...kSpaces, 'a', 'ab', 'A', '0', '=', '\u4e00', '\u0301']).repeat(1 + below(400)),
    () => repeat(20 + below(80), () => pick(pick(scripts).chars).repeat(1 + below(30))).join(''),
    () => Buffer.from(repeat(1 + below(300), () => below(256))).toString(pick(['base64', 'hex'])),
    () => repeat(1 + below(40), () => String.fromCodePoint(pick(codePoints))).join(''),
    () => repeat(1 + below(200), () => String.fromCharCode(below(128))).join(''),
    () => repeat(1 + below(6), () => pick(kSpecial)).join(pick(['', ' ', 'text'])),
    () => Buffer.from(repeat(1 + below(60), () => pick([below(256), 0x80 + below(128), 0x61]))),   // no UTF-8
    () => JSON.stringify({[pick(kWords)]: repeat(below(20), () => pick([...kWords, below(1e9), null]))}, null, below(5)),
];

// ---- comparison
function ours(encoding, strings) {
    const parts = strings.flatMap((bytes) => {
        const size = Buffer.alloc(4);
        size.writeUInt32LE(bytes.length);
        return [size, bytes];
    });
    const out = execFileSync(options.helper, [encoding], {input: Buffer.concat(parts), maxBuffer: 1 << 30});
    const words = new Uint32Array(out.buffer.slice(out.byteOffset, out.byteOffset + out.length));
    const results = [];
    let at = 0;
    for (let i = 0; i < strings.length; ++i) {
        results.push([...words.subarray(at + 1, at + 1 + words[at])]);
        at += 1 + words[at];
    }
    return {results, counted: words[at]};
}

// Every code point among its neighbours; and each between letters, blanks and capitals, but for the unassigned, the private and
// the large blocks of letters that are all alike.
const strings = [];
const kAlike = /[\p{Cn}\p{Co}\p{Script=Han}\p{Script=Hangul}\p{Script=Tangut}\p{Script=Egyptian_Hieroglyphs}]/u;
for (let at = 0; at < codePoints.length; at += 4096) {
    const chars = codePoints.slice(at, at + 4096).map((c) => String.fromCodePoint(c));
    strings.push(chars.join(''));
    strings.push(chars.filter((c) => !kAlike.test(c)).map((c) => `a${c}b ${c}Z${c}1 ${c} ${c}${c}\n`).join(''));
}
// Single words, runs of blanks and runs of symbols that are longer than is merged at once.
for (const alphabet of ['a', 'ab', 'abc', 'aeiourstln', ' ', '=-', '*', '\u4e00\u4eba', '\u0e01\u0e32']) {
    strings.push(repeat(9000, () => pick([...alphabet])).join(''));
}
const whole = strings.length;
while (strings.length < whole + Number(options.count)) strings.push(pick(makers)());
const asBytes = strings.map((text) => (Buffer.isBuffer(text) ? text : Buffer.from(text, 'utf8')));
const asText = asBytes.map((bytes) => new TextDecoder('utf-8', {ignoreBOM: true}).decode(bytes));

const sample = repeat(60000, () => pick(kWords) + pick([' ', ' ', ' ', ', ', '. ', "'s ", '\n', ' {"id": 12, "name": "']))
    .join('') + asText.slice(whole, whole + 1000).join(' ');
const english = ('The agent reads what a program sends to a language model, counts the tokens of the request and of the '
    + 'answer, and writes one line for each call. It doesn\'t keep the text. ').repeat(8000);

let different = 0;
for (const encoding of ['o200k_base', 'cl100k_base']) {
    const reference = encoders(encoding);
    const {results, counted} = ours(encoding, asBytes);
    let tokens = 0;
    for (let i = 0; i < strings.length; ++i) {
        const want = [...reference.encode_ordinary(asText[i])];
        tokens += want.length;
        if (want.length === results[i].length && want.every((token, k) => token === results[i][k])) continue;
        const first = want.findIndex((token, k) => token !== results[i][k]);
        if (++different <= 10) {
            console.log(`${encoding}: string ${i} differs at token ${first}: ${JSON.stringify(asText[i]).slice(0, 400)}`);
        }
    }
    if (counted !== tokens % 2 ** 32) {
        ++different;
        console.log(`${encoding}: ${counted} counted, ${tokens} tokens in the reference`);
    }
    console.log(`${encoding}: ${strings.length} strings (${whole} with every code point, ${scripts.length} scripts), `
        + `${tokens} tokens, ${different} differences`);
    for (const [name, text] of [['English', english], ['mixed', sample]]) {
        const bytes = Buffer.from(text, 'utf8');
        const size = Buffer.alloc(4);
        size.writeUInt32LE(bytes.length);
        const [count, rate] = execFileSync(options.helper, [encoding, '--speed', '7'], {
            input: Buffer.concat([size, bytes])}).toString().split(' ').map(Number);
        let best = Infinity;
        let length = 0;
        for (let i = 0; i < 3; ++i) {
            const begin = performance.now();
            length = reference.encode_ordinary(text).length;
            best = Math.min(best, performance.now() - begin);
        }
        if (length !== count) ++different;
        console.log(`  ${name.padEnd(8)} ${(bytes.length / 1e6).toFixed(1)} MB, ${count} tokens: ours ${rate} MB/s, `
            + `reference ${(bytes.length / best / 1e3).toFixed(1)} MB/s`);
    }
    reference.free();
}
process.exit(different === 0 ? 0 : 1);
