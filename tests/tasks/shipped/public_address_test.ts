import assert from "node:assert/strict";
import { privateRange } from "../../../tasks/shipped/public_address.ts";

const cases: readonly [range: string | undefined, addresses: readonly string[]][] = [
  ["loopback", ["127.0.0.1", "127.255.255.254", "::1", "64:ff9b::127.0.0.1"]],
  ["private", ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "64:ff9b::a00:1"]],
  ["linkLocal", ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1"]],
  ["metadata", ["168.63.129.16", "64:ff9b::168.63.129.16"]],
  ["carrierGradeNat", ["100.64.0.1", "100.100.100.200", "100.127.255.255"]],
  ["unspecified", ["0.0.0.0", "0.1.2.3", "::"]],
  ["broadcast", ["255.255.255.255"]],
  ["multicast", ["224.0.0.1", "239.255.255.255", "ff02::1"]],
  ["uniqueLocal", ["fc00::1", "fd00:ec2::254", "fd20:ce::254"]],
  ["ipv4Mapped", ["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:8.8.8.8", "::127.0.0.1"]],
  ["rfc6145", ["::ffff:0:127.0.0.1"]],
  ["rfc6052", ["64:ff9b:1::808:808"]],
  ["6to4", ["2002:7f00:1::", "2002:808:808::"]],
  ["teredo", ["2001:0:4136:e378::"]],
  ["deprecatedSiteLocal", ["fec0::1"]],
  // Of IPv4: benchmarks, documentation, future use, Oracle's metadata. Of IPv6: what is not given out.
  ["reserved", ["198.18.0.1", "192.0.2.1", "203.0.113.9", "240.0.0.1", "192.0.0.192"]],
  ["reserved", ["2001:db8::1", "::7f00:1", "::808:808", "4000::1", "1::1"]],
  ["unknown", ["", "1.2.3.4.5", "localhost"]],
  [undefined, ["8.8.8.8", "1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "11.0.0.1"]],
  [undefined, ["2606:4700::1111", "2a00:1450:4001::200e", "64:ff9b::8.8.8.8"]],
];

for (const [range, addresses] of cases) {
  for (const address of addresses) {
    Deno.test(`privateRange of ${address} is ${range}`, () => {
      assert.equal(privateRange(address), range);
    });
  }
}
