// Which IP addresses are on the public internet. The rest reach this machine, its network or its cloud:
// a task that connects there lets whoever may submit jobs read what no firewall would let them see.

import ipaddr from "ipaddr.js";

/** Blocks of the public range that are not public: Azure serves the secrets of its machines there. */
const notPublic = new Set(["168.63.129.16"]);
/** All of IPv6 that is given out for the internet. */
const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3");
/** IPv4 behind a translator of a network that has IPv6 alone. */
const translated = ipaddr.IPv6.parseCIDR("64:ff9b::/96");

/**
 * Why an address is not public, as `loopback` or `uniqueLocal`; undefined: it is public. Whatever is not surely
 * public counts as private, IPv4 written as IPv6 included.
 *
 * @param address as a resolver gives it.
 */
export function privateRange(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return "unknown";
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) {
    if (notPublic.has(parsed.toString())) return "metadata";
    return rangeUnlessPublic(parsed);
  }
  if (parsed.match(translated)) {
    return privateRange(ipaddr.fromByteArray(parsed.toByteArray().slice(-4)).toString());
  }
  return rangeUnlessPublic(parsed) ?? (parsed.match(globalUnicast) ? undefined : "reserved");
}

function rangeUnlessPublic(address: ipaddr.IPv4 | ipaddr.IPv6): string | undefined {
  const range = address.range();
  return range === "unicast" ? undefined : range;
}
