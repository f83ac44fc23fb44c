// Sends requests with got: one that is tried again until it is answered, one with JSON and a header.

import got from "got";

/** Params: `url` of the server, `key` of a request that fails twice. */
export default async function run({ url, key }: { url: string; key: string }) {
  const retried = await got(`${url}/flaky`, {
    searchParams: { key },
    retry: { limit: 3, calculateDelay: ({ attemptCount }) => attemptCount > 3 ? 0 : 10 },
  }).json();
  const headers = { authorization: "Bearer corpus" };
  const { token } = await got.post(`${url}/echo`, { json: { n: 1 }, headers })
    .json<{ token: string }>();
  return { retried, token };
}
