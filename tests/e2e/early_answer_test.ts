// A client that sends too much sees the 413, not a reset connection, whatever sends it.

import { strict as assert } from "node:assert";
import { startValet } from "../testing/start_valet.ts";

/** A few of each: the fault showed in one of three. */
const times = 5;
const sizesMib = [2, 8, 50] as const;

/** For Node and Deno alike: posts `size` bytes, of a known length or in chunks, and prints what it sees. */
const fetchScript = `
const [url, size, isChunked, times] = process.argv.slice(2);
const part = new Uint8Array(65536).fill(120);
function chunks() {
  let left = Number(size);
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(part);
      left -= part.length;
      if (left <= 0) controller.close();
    },
  });
}
async function post() {
  try {
    const body = isChunked === "true" ? chunks() : new Uint8Array(Number(size)).fill(120);
    const answer = await fetch(url, { method: "POST", body, duplex: "half" });
    return answer.status + " " + (await answer.json()).reason;
  } catch (error) {
    return String(error.cause ?? error);
  }
}
(async () => {
  for (let count = 0; count < Number(times); count++) console.log(await post());
})();
`;

const clients = ["node", "deno", "curl"] as const;
const bodies = ["length", "chunks"] as const;

for (const kind of ["node", "deno"] as const) {
  Deno.test(`clients that send too much see the 413 of the listener ${kind}`, async (test) => {
    await using valet = await startValet({ config: { server: { listener: kind } } });
    const url = `${valet.api.baseUrl}/jobs`;
    const folder = await Deno.makeTempDir({ prefix: "valet_early_" });
    await Deno.writeTextFile(`${folder}/client.cjs`, fetchScript);
    try {
      for (const mib of sizesMib) {
        const file = `${folder}/${mib}`;
        await Deno.writeFile(file, new Uint8Array(mib * 1024 * 1024).fill(120));
        for (const client of clients) {
          for (const body of bodies) {
            await test.step(`${client}, ${mib} MiB, ${body}`, async () => {
              const isChunked = body === "chunks";
              const seen = client === "curl"
                ? await runCurl(url, file, isChunked)
                : await run(client, [
                  ...(client === "deno" ? ["run", "--quiet", "--allow-net"] : []),
                  `${folder}/client.cjs`,
                  url,
                  String(mib * 1024 * 1024),
                  String(isChunked),
                  String(times),
                ]);
              assert.deepEqual(seen, Array(times).fill("413 too_large"));
            });
          }
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    await valet.process.stop();
    assert.equal(valet.process.stderr, "");
  });
}

/** The lines that a command prints. */
async function run(command: string, args: readonly string[]): Promise<string[]> {
  const path = command === "deno" ? Deno.execPath() : command;
  const output = await new Deno.Command(path, { args: [...args] }).output();
  const [out, errors] = [output.stdout, output.stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  return out!.trim() === "" ? [errors!] : out!.trim().split("\n");
}

async function runCurl(url: string, file: string, isChunked: boolean): Promise<string[]> {
  const seen: string[] = [];
  for (let count = 0; count < times; count++) {
    const [answer] = await run("curl", [
      "--silent",
      "--show-error",
      "--write-out",
      " %{http_code}",
      "--header",
      // It waits for a 100 before it sends a large body, unless it is told not to.
      count % 2 === 0 ? "Expect:" : "Accept: */*",
      ...(isChunked ? ["--header", "Transfer-Encoding: chunked"] : []),
      "--data-binary",
      `@${file}`,
      url,
    ]);
    const [, reason, status] = /"reason":"(\w+)".* (\d+)$/.exec(answer!) ?? [, answer, ""];
    seen.push(`${status} ${reason}`);
  }
  return seen;
}
