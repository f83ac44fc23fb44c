// Tries something again with p-retry until it works, and gives up on what is hopeless.

import pRetry, { AbortError } from "p-retry";

/** Needs no params. */
export default async function run() {
  const failures: string[] = [];
  const answer = await pRetry((attempt) => {
    if (attempt < 3) throw new Error(`attempt ${attempt}`);
    return "worked";
  }, {
    retries: 5,
    minTimeout: 5,
    onFailedAttempt: ({ error }) => void failures.push(error.message),
  });
  const hopeless = await pRetry(() => {
    throw new AbortError("hopeless");
  }).catch((error) => error.message);
  return { answer, failures, hopeless };
}
