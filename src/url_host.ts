// Hosts as they stand in URLs. Called by src/node/node.ts and src/node/commands.ts for what they tell people, and by
// src/config/values.ts. Pure.

/** The host as a URL has it: an IPv6 address in brackets. */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
