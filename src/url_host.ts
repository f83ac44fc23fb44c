// Hosts as they stand in settings and in URLs. Called by src/node, src/http and src/config. Pure.

/** The host as a URL has it: an IPv6 address in brackets. */
export function urlHost(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** The host, as a URL has it, at which the machine itself reaches a server that listens on that address. */
export function ownHost(address: string): string {
  if (address === "0.0.0.0") return "127.0.0.1";
  return urlHost(address === "::" ? "::1" : address);
}

/** Whether only the machine itself reaches what listens on this host. Of names it knows `localhost` alone. */
export function isLoopbackHost(host: string): boolean {
  const url = `http://${urlHost(host)}`;
  // URLs have one spelling for each address; ::ffff:7f00:1 is 127.0.0.1.
  return URL.canParse(url) &&
    /^(localhost|127\.[\d.]+|\[::1\]|\[::ffff:7f[\da-f]{2}:[\da-f]+\])$/.test(
      new URL(url).hostname,
    );
}
