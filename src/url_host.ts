// Hosts as they stand in URLs. Called by src/node.ts and src/valet.ts for what they tell people, and by
// src/config_values.ts. Pure.

/** The host as a URL has it: an IPv6 address in brackets. */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
