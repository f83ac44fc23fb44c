// Reads a Host header by its grammar, host[:port]. Nothing of a request may depend on a Host that this refuses.
// Used by the listeners, which answer such a request with 400, and by the rules of Host and Origin. Pure.

/** What a Host header names. */
export interface HostHeader {
  /** In lower case; an IPv6 address in brackets, in its shortest form: `[::1]`. */
  readonly hostname: string;
  /** Absent: the port that is usual for the scheme. */
  readonly port?: number;
}

/** The longest name that DNS allows, and more than any address has. */
const maxHostLength = 253;
const maxPort = 65_535;

/**
 * The host and the port that a Host header names; null if it is not `host[:port]`. A host is a name of letters,
 * digits, `.`, `-`, `_` and `~`, an IPv4 address or an IPv6 address in brackets.
 */
export function parseHost(text: string): HostHeader | null {
  const [, host, digits] = /^([\w.~-]+|\[[\da-f:.]+\])(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (host === undefined || host.length > maxHostLength) return null;
  const hostname = host.startsWith("[") ? shortenAddress(host) : host.toLowerCase();
  if (hostname === null) return null;
  if (digits === undefined) return { hostname };
  const port = Number(digits);
  return port <= maxPort ? { hostname, port } : null;
}

/** The address in the form that URLs have; null if it is none. */
function shortenAddress(bracketed: string): string | null {
  return URL.canParse(`http://${bracketed}`) ? new URL(`http://${bracketed}`).hostname : null;
}
