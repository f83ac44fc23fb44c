// Polls what tells nobody when it changes: another process, a counter of a server. Used by driver tests.

import { defaultDeadlineMs } from "./within.ts";

/** What `probe` gives, as soon as that is neither undefined nor false. Fails, and says `what` did not come. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  deadlineMs: number = defaultDeadlineMs,
): Promise<Exclude<T, false | undefined>> {
  const deadlineAtMs = performance.now() + deadlineMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value as Exclude<T, false | undefined>;
    if (performance.now() > deadlineAtMs) {
      throw new Error(`Waited ${deadlineMs} ms in vain for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
