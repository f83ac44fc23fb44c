// Takes apart the URI of a server, `scheme://user:password@host:port/path?name=value`, and refuses what could
// be read in two ways: a password that is not percent-encoded would end up as a host, in the log. Used by the
// drivers of servers. No message quotes a part of a URI before the whole of it is known to be unambiguous.

/** Where a server listens. */
export interface ServerPlace {
  /** Empty: the URI names none. */
  readonly host: string;
  readonly port: number | undefined;
}

/** The parts of a URI, decoded; empty: it has none. */
export interface ServerUri {
  /** In lower case. */
  readonly scheme: string;
  readonly user: string;
  readonly password: string;
  readonly places: readonly ServerPlace[];
  readonly path: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

/** Throws with what is wrong: a part of a sentence whose subject is the secret. */
export type Refuse = (problem: string) => never;

const advice = "in a user name or password each of @ / : ? # [ ] % and a space must be written " +
  "percent-encoded, such as %40 for @";

/**
 * The parts of a URI; several places are separated by commas.
 *
 * @param schemes Those that are allowed, in lower case.
 */
export function parseServerUri(
  text: string,
  schemes: readonly string[],
  refuse: Refuse,
): ServerUri {
  const allowed = schemes.map((scheme) => `${scheme}://`).join(" or ");
  const [, scheme = "", rest = ""] = /^([a-z]+):\/\/(.*)$/is.exec(text) ?? [];
  if (!schemes.includes(scheme.toLowerCase())) refuse(`does not begin with ${allowed}`);
  const parts =
    /^(?:([^\s@/:?#[\]]*)(?::([^\s@/:?#[\]]*))?@)?([^\s@/?#]*)(?:\/([^\s@?#]*))?(?:\?([^\s@?#]*))?$/
      .exec(rest);
  if (parts === null) {
    return refuse(`can be read in more than one way: ${advice}, and an @ elsewhere, too`);
  }
  const [, user = "", password = "", places = "", path = "", query = ""] = parts;
  return {
    scheme: scheme.toLowerCase(),
    user: decodePart(user, refuse),
    password: decodePart(password, refuse),
    places: places.split(",").map((place) => parsePlace(place, refuse)),
    path: decodePart(path, refuse),
    parameters: parseParameters(query, refuse),
  };
}

/** `host`, `host:port`, `[IPv6 address]` or `[IPv6 address]:port`. */
export function parsePlace(text: string, refuse: Refuse): ServerPlace {
  const match = /^(?:\[([\da-f:.]+(?:%[\w.-]+)?)\]|([\w.-]*))(?::(\d{1,5}))?$/i.exec(text);
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (match === null || port === 0 || (port ?? 0) > 65_535) {
    return refuse(
      "has no address where one must be; host, host:port or [IPv6 address]:port is allowed, with a " +
        "port from 1 to 65535",
    );
  }
  return { host: match[1] ?? match[2] ?? "", port };
}

/** `name=value&name=value`, percent-encoded, as pairs. */
export function parseParameters(query: string, refuse: Refuse): [string, string][] {
  return query.split("&").filter((pair) => pair !== "").map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return [name, decodePart(value.join("=").replaceAll("+", " "), refuse)];
  });
}

/** Refuses what people write around a secret by mistake. */
export function refuseWrapping(text: string, variable: string, refuse: Refuse): void {
  if (/^["'`]|["'`]$/.test(text)) refuse("stands in quotes; write it without them");
  // deno-lint-ignore no-control-regex -- a secret is one line of text
  if (/[\x00-\x1f\x7f]/.test(text)) refuse("has more than one line, or a control character");
  if (new RegExp(`^(?:export\\s+)?${variable}\\s*[=:]`, "i").test(text)) {
    refuse("begins with its own name; write the value alone");
  }
}

/** The text without its percent-encoding. */
export function decodePart(text: string, refuse: Refuse): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // The text may be the password, which the error would quote.
    return refuse("has a % that begins no percent-encoded character; write a % as %25");
  }
}
