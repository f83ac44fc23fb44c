// The URLs that tasks take, and how they stand in messages.

import * as v from "valibot";

/** A URL of HTTP, as text. */
export const httpUrl: v.GenericSchema<string> = v.config(
  v.pipe(
    v.string(),
    v.url("is no URL; one such as https://example.com/path is allowed"),
    v.regex(/^[Hh][Tt][Tt][Pp][Ss]?:\/\//, "has a scheme other than http:// and https://"),
  ),
  { abortPipeEarly: true },
);

/** What is wrong with the user name and the password of a URL; undefined: nothing, or it has none. */
export function problemOfCredentials(url: string): string | undefined {
  const { password, username } = new URL(url);
  try {
    decodeURIComponent(username + password);
    return undefined;
  } catch {
    return "has a % that encodes nothing in its user name or password; write it as %25";
  }
}

/**
 * The URL without credentials, query and fragment: a failure reason is stored and shown to whoever may read
 * the job.
 */
export function showUrl(url: string | URL): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
