// fetch, of which two out of three are given up in the middle of the answer: their connections end, and the next ones are
// made where the runtime has just freed memory. For Bun and Node.
//
//   NODE_EXTRA_CA_CERTS=cert.pem bun run aborting_client.mjs --port 41237 --count 30
import {parseArgs} from 'node:util';

const {values: options} = parseArgs({options: {port: {type: 'string'}, count: {type: 'string', default: '30'}}});
const url = `https://localhost:${options.port}/v1/chat/completions?gap_us=3000&chunks=40`;
const headers = {'content-type': 'application/json', authorization: 'Bearer sk-test-0000'};

for (let number = 0; number < Number(options.count); ++number) {
    const giveUp = new AbortController();
    const content = `#${process.pid}.${number} Please explain, briefly, what becomes of this. `.repeat(5);
    const request = {model: 'gpt-4o-mini', stream: true, stream_options: {include_usage: true},
                     messages: [{role: 'user', content}]};
    try {
        const response = await fetch(url, {method: 'POST', headers, body: JSON.stringify(request), signal: giveUp.signal});
        let parts = 0;
        for await (const part of response.body) {
            if (part.length > 0 && number % 3 !== 0 && ++parts === 2) giveUp.abort();
        }
    } catch (failure) {
        if (!giveUp.signal.aborted) throw failure;
    }
}
