// Who may reach a server: other machines, web pages of other origins, names that were made to point to it.

import { strict as assert } from "node:assert";
import { type RunningValet, startValet } from "../testing/start_valet.ts";

/** Sends a request as it stands here on a connection of its own, and reads the answer to its end. */
async function send(port: number, lines: readonly string[], body = ""): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = [...lines, "Connection: close", `Content-Length: ${body.length}`, "", ""];
  await connection.write(new TextEncoder().encode(head.join("\r\n") + body));
  return await new Response(connection.readable).text();
}

/** Stops the server, so that its log is whole. */
async function warningsOf({ process }: RunningValet): Promise<string[]> {
  await process.stop();
  return process.log.filter(({ level }) => level === "warn").map(({ message }) => message);
}

const job = JSON.stringify({ name: "a", task_name: "dummytask" });

Deno.test("a server on loopback takes nothing from pages of other origins and names", async () => {
  await using valet = await startValet({ config: { server: { hosts: ["valet.example"] } } });
  const port = Number(new URL(valet.api.baseUrl).port);
  const own = `127.0.0.1:${port}`;
  const requests: readonly [line: string, headers: string[], status: number][] = [
    // A page whose name points here now: to the browser it is its own origin.
    ["POST /jobs", [`Host: evil.example:${port}`, `Origin: http://evil.example:${port}`], 403],
    ["GET /jobs", [`Host: evil.example:${port}`], 403],
    ["GET /health/live", ["Host: 127.0.0.1.evil.example"], 403],
    ["POST /jobs", [`Host: ${own}`, "Origin: http://evil.example"], 403],
    ["POST /jobs", [`Host: ${own}`, "Origin: null"], 403],
    ["POST /jobs", [`Host: ${own}`, "Sec-Fetch-Site: cross-site"], 403],
    ["DELETE /jobs/1", [`Host: ${own}`, "Origin: http://localhost:3000"], 403],
    ["POST /jobs", [`Host: ${own}`, `Origin: http://${own}`, "Sec-Fetch-Site: same-origin"], 202],
    ["POST /jobs", ["Host: valet.example", "Origin: https://valet.example"], 202],
    ["POST /jobs", [`Host: localhost:${port}`], 202],
    ["GET /jobs", [`Host: [::1]:${port}`], 200],
  ];
  for (const [line, headers, status] of requests) {
    const answer = await send(
      port,
      [`${line} HTTP/1.1`, ...headers],
      line.startsWith("POST") ? job : "",
    );
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), `${line} ${headers}: ${answer}`);
    assert.match(answer, /\r\nx-content-type-options: nosniff\r\n/i);
    assert.doesNotMatch(answer, /\r\naccess-control-/i);
  }
  assert.match(await send(port, ["GET /jobs HTTP/1.0"]), /^HTTP\/1\.[01] 200 /);
  assert.deepEqual(await warningsOf(valet), []);
});

Deno.test("a server beyond loopback warns at the start, once, and knows no names", async () => {
  await using valet = await startValet({ config: { server: { host: "0.0.0.0" } } });
  const port = Number(new URL(valet.api.baseUrl).port);
  const answer = await send(port, ["GET /health/live HTTP/1.1", "Host: any.example"]);
  assert.match(answer, /^HTTP\/1\.1 200 /);
  const warnings = await warningsOf(valet);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^server\.host lets other machines .* no authentication/);
});

Deno.test("a server on loopback warns once of a proxy that publishes it", async () => {
  await using valet = await startValet();
  const port = Number(new URL(valet.api.baseUrl).port);
  for (const address of ["10.0.0.1", "10.0.0.2"]) {
    await send(port, ["GET /jobs HTTP/1.1", "Host: localhost", `X-Forwarded-For: ${address}`]);
  }
  const warnings = await warningsOf(valet);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /through a proxy/);
});
