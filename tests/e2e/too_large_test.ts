// Bodies that are too large, sent by clients that do not look at the answer before they have sent all: each of them sees
// the 413, every time, and no broken connection, with and without Content-Length.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { hasProgram } from "../testing/needs.ts";
import { startValet } from "../testing/start_valet.ts";
import { runSteps } from "../testing/steps.ts";

const sizesMib = [2, 8, 50];
/** The executable is the same code: a few show that its runtime does the same. */
const times = Deno.env.get("VALET_BINARY") === undefined ? 20 : 5;
const expected = Object.fromEntries(
  sizesMib.flatMap((size) => [`${size} MiB`, `${size} MiB in chunks`])
    .map((name) => [name, { [413]: times }]),
);

/** Clients whose program does it all and prints how often it saw which status. */
const fetches: Readonly<Record<string, readonly string[]>> = {
  "node": [],
  [Deno.execPath()]: ["run", "--quiet", "--allow-net", "--no-prompt"],
};

async function run(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command(program, { args: [...args], stdin: "null" }).output();
  return new TextDecoder().decode(stdout);
}

async function runFetches(program: string, flags: readonly string[], url: string): Promise<void> {
  const script = fileURLToPath(import.meta.resolve("../fixtures/clients/client.mjs"));
  const args = [...flags, script, url, String(times), ...sizesMib.map(String)];
  assert.deepEqual(JSON.parse(await run(program, args)), expected);
}

async function runCurl(url: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "valet_too_large_" });
  const seen: Record<string, Record<string, number>> = {};
  try {
    for (const size of sizesMib) {
      const file = `${folder}/${size}`;
      await Deno.writeFile(file, new Uint8Array(size * 2 ** 20));
      for (const name of [`${size} MiB`, `${size} MiB in chunks`]) {
        const headers = name.endsWith("chunks") ? ["--header", "Transfer-Encoding: chunked"] : [];
        const output = ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"];
        const counts = seen[name] = {} as Record<string, number>;
        for (let count = 0; count < times; count++) {
          const status = await run("curl", [
            ...output,
            ...headers,
            "--header",
            // It waits for a 100 before it sends a large body, unless it is told not to.
            count % 2 === 0 ? "Expect:" : "Accept: */*",
            "--data-binary",
            `@${file}`,
            `${url}/jobs`,
          ]);
          counts[status] = (counts[status] ?? 0) + 1;
        }
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assert.deepEqual(seen, expected);
}

for (const listener of ["node", "deno"]) {
  Deno.test(`bodies that are too large are told so by the listener ${listener}`, async (test) => {
    await using valet = await startValet({ config: { server: { listener } } });
    const { baseUrl } = valet.api;
    for (const [program, flags] of Object.entries(fetches)) {
      const name = `fetch of ${program === "node" ? "Node" : "Deno"}`;
      await stepWith(program, name, () => runFetches(program, flags, baseUrl));
    }
    await stepWith("curl", "curl", () => runCurl(baseUrl));

    async function stepWith(program: string, name: string, fn: () => Promise<void>): Promise<void> {
      if (hasProgram(program)) return await runSteps(test, { [name]: fn });
      // The reason: this machine lacks it.
      await test.step({ name: `${name} (ignored: there is no ${program})`, ignore: true, fn });
    }
  });
}
