// Sends requests with undici: through an Agent, as a stream, and with its own fetch.

import { Agent, fetch, request, stream } from "undici";
import { Writable } from "node:stream";

/** Params: `url` of the server. */
export default async function run({ url }: { url: string }) {
  const dispatcher = new Agent({ connections: 1, headersTimeout: 5_000 });
  try {
    const { statusCode, body } = await request(`${url}/hello?name=undici`, { dispatcher });
    const fetched = await (await fetch(`${url}/hello`, { dispatcher })).json();
    let streamedBytes = 0;
    await stream(`${url}/hello`, { dispatcher, method: "GET" }, () =>
      new Writable({
        write(chunk, _encoding, done) {
          streamedBytes += chunk.length;
          done();
        },
      }));
    return { statusCode, answer: await body.json(), fetched, streamedBytes };
  } finally {
    await dispatcher.close();
  }
}
