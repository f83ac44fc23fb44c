// Fetching for the tasks that take a URL. No message here holds the credentials or the query of a URL:
// a failure reason is stored and shown to whoever may read the job.

/**
 * Calls `fetch`.
 *
 * @throws the signal's reason if it aborted, `NotCapable` as it is, else an Error that says what failed.
 */
export async function fetchUrl(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (thrown) {
    const isClear = init.signal?.aborted || !(thrown instanceof TypeError);
    if (isClear) throw thrown;
    throw new Error(`Cannot ${init.method ?? "GET"} ${showUrl(url)}: ${reasonOf(thrown)}`);
  }
}

/** The URL without credentials, query and fragment. */
export function showUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** What the runtime says, without the URL that it repeats. */
function reasonOf(error: TypeError): string {
  const { message } = error.cause instanceof Error ? error.cause : error;
  return message.replace(/^.* for url \(\S*\): /, "");
}
