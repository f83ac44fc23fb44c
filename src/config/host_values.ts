// The kinds of values that are hosts and web origins. Used by src/config/schema.ts; the others are in values.ts.

import * as v from "valibot";
import { urlHost } from "../url_host.ts";
import { maxListLength, type ValueKind } from "./values.ts";

/** A host name or an IP address, without a port. */
export function host(): ValueKind<string> {
  return { schema: hostSchema(), allowed: "a host name or an IP address" };
}

/** A list of hosts as {@link host} takes them. */
export function hostList(): ValueKind<string[]> {
  return listOf(
    hostSchema(),
    "a list of host names or IP addresses, without a port",
    "a host name or an IP address, without a port,",
  );
}

/** A list of `*` or web origins; they come out as browsers write them. */
export function originList(): ValueKind<string[]> {
  const origin = v.pipe(
    v.string(),
    v.regex(/^(\*|[a-z][a-z\d+.-]*:\/\/[^\s/?#@*]+)$/i),
    v.check((text) => text === "*" || URL.canParse(text)),
    v.transform(canonicalOrigin),
  );
  return listOf(
    origin,
    'a list of "*" or origins such as https://example.com',
    '"*" or an origin such as https://example.com, without a path,',
  );
}

function hostSchema() {
  const isHost = (text: string) =>
    /^[\w.:-]{1,253}$/.test(text) && URL.canParse(`http://${urlHost(text)}`);
  return v.pipe(v.string(), v.check(isHost));
}

function listOf(
  item: v.GenericSchema<unknown, string>,
  allowed: string,
  allowedItem: string,
): ValueKind<string[]> {
  return {
    schema: v.pipe(v.array(item), v.maxLength(maxListLength)),
    allowed,
    allowedItem,
    fromText: (text) => text.split(",").map((item) => item.trim()),
  };
}

/** Without the port that is usual for the scheme, in lower case; URLs know no origin of other schemes. */
function canonicalOrigin(text: string): string {
  return /^https?:/i.test(text) ? new URL(text).origin : text.toLowerCase();
}
