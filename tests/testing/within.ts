// Bounds a wait, so that a test that waits for what never comes fails and says what that was.
// Used by everything in tests/ that waits for another process.

/** How long a test waits for an event that must come, in milliseconds: generous, for a loaded machine. */
export const defaultDeadlineMs = 15_000;

/**
 * What the promise gives, if it comes in time.
 *
 * @throws Error that names `what` was awaited and, from `details()`, what is known instead.
 */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  deadlineMs: number = defaultDeadlineMs,
  details: () => string = () => "",
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`Waited ${deadlineMs} ms in vain for ${what}${details()}`));
    }, deadlineMs);
  });
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
