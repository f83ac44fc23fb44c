// For end-to-end tests that an old runtime cannot pass. VALET_BINARY may be an executable that a Deno before 2.8
// compiled: its node:http has no time-outs for heads and bodies, and does not answer a request that offers an
// upgrade. From source Valet needs a newer Deno, so there every test runs.

import { execFileSync } from "node:child_process";

const binaryPath = Deno.env.get("VALET_BINARY");
let isOld: boolean | undefined;

/**
 * The name and options of a test that is ignored on such a runtime, with the reason in its name:
 * `Deno.test(skipOnOldRuntime("a half head ends with 408", "node:http has no headersTimeout"), () => { ... })`.
 */
export function skipOnOldRuntime(name: string, reason: string): { name: string; ignore: boolean } {
  const ignore = isOld ??= binaryPath !== undefined && hasOldRuntime(binaryPath);
  return { name: ignore ? `${name} (ignored on an old runtime: ${reason})` : name, ignore };
}

function hasOldRuntime(path: string): boolean {
  const text = execFileSync(path, ["--version"], { encoding: "utf8" });
  const [, major, minor] = / Deno (\d+)\.(\d+)\./.exec(text) ?? [];
  if (minor === undefined) throw new Error(`Cannot tell the runtime of ${path}: it says ${text}`);
  return Number(major) === 2 && Number(minor) < 8;
}
