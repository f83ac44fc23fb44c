// For tests that an old runtime cannot pass. VALET_BINARY may be an executable that a Deno before 2.8 compiled: its
// node:http has no time-outs for heads and bodies, and does not answer a request that offers an upgrade. And the
// oldest Deno that runs the sources has an older Deno.serve.

import { execFileSync } from "node:child_process";

const binaryPath = Deno.env.get("VALET_BINARY");
let tested: string | undefined;

/**
 * The name and options of a test that is ignored where the runtime is older than that version, with the reason in its
 * name: `Deno.test(skipOnOldRuntime("a half head ends with 408", "node:http has no headersTimeout"), () => { ... })`.
 * The runtime is that of the executable under test, else this Deno.
 */
export function skipOnOldRuntime(
  name: string,
  reason: string,
  oldest = "2.8.0",
): { name: string; ignore: boolean } {
  tested ??= binaryPath === undefined ? Deno.version.deno : runtimeOf(binaryPath);
  const ignore = tested.localeCompare(oldest, "en", { numeric: true }) < 0;
  return { name: ignore ? `${name} (ignored before Deno ${oldest}: ${reason})` : name, ignore };
}

function runtimeOf(path: string): string {
  const text = execFileSync(path, ["--version"], { encoding: "utf8" });
  const version = / Deno (\d+\.\d+\.\d+)/.exec(text)?.[1];
  if (version === undefined) throw new Error(`Cannot tell the runtime of ${path}: it says ${text}`);
  return version;
}
