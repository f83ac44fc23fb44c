// The load generator, a process of its own: keep-alive HTTP/1.1 over raw sockets, request bytes made
// beforehand, one request in flight a connection. Started by run_load.ts: options come on stdin, the
// report goes to stdout, both JSON. It parses no more of an answer than it must: it shares the machine
// with the server that it measures.

import process from "node:process";
import { openConnection } from "./raw_connection.ts";
import type { LoadOptions, LoadReport } from "./run_load.ts";

const options = JSON.parse(await new Response(Deno.stdin.readable).text()) as LoadOptions;
const bodies = typeof options.body === "object" ? options.body : [options.body];
const requests = options.paths.flatMap((path) => bodies.map((body) => requestBytes(path, body)));
const connections = await Promise.all(
  Array.from({ length: options.connections }, () => openConnection(options.port)),
);
if (options.warmUpMs !== undefined) {
  const { warmUpMs: durationMs, ratePerS } = options;
  await drive(ratePerS === undefined ? { durationMs } : { durationMs, ratePerS });
}
const report = await drive(options);
for (const connection of connections) connection.close();
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(report)));

/** Sends requests on every connection until the count or the time is reached. */
async function drive(
  { count = Infinity, durationMs = Infinity, ratePerS }: Partial<LoadOptions>,
): Promise<LoadReport> {
  const statuses: Record<number, number> = {};
  const latenciesMs: number[] = [];
  const sent: { id: string; sentAtMs: number }[] = [];
  const startCpu = process.cpuUsage();
  const startMs = performance.now();
  const endMs = startMs + durationMs;
  let issued = 0;

  async function driveOne({ exchange, bodyText }: typeof connections[number]): Promise<void> {
    while (issued < count) {
      const number = issued++;
      if (ratePerS !== undefined) await waitUntil(startMs + number * 1000 / ratePerS);
      const sentMs = performance.now();
      if (sentMs >= endMs) return;
      const status = await exchange(requests[number % requests.length]!);
      latenciesMs.push(performance.now() - sentMs);
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (options.keepsIds) {
        const { id } = JSON.parse(bodyText()) as { id: string };
        sent.push({ id, sentAtMs: performance.timeOrigin + sentMs });
      }
    }
  }
  await Promise.all(connections.map(driveOne));

  const tookMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(startCpu);
  return {
    startedAtMs: performance.timeOrigin + startMs,
    requests: latenciesMs.length,
    durationMs: tookMs,
    ratePerS: latenciesMs.length * 1000 / tookMs,
    statuses,
    latenciesMs: percentiles(latenciesMs),
    cpuShare: (user + system) / 1000 / tookMs,
    sent,
  };
}

function requestBytes(path: string, body: string | undefined): Uint8Array {
  const { method, port } = options;
  const encoder = new TextEncoder();
  const head = `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n`;
  if (body === undefined) return encoder.encode(`${head}\r\n`);
  const length = encoder.encode(body).length;
  return encoder.encode(
    `${head}content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`,
  );
}

async function waitUntil(atMs: number): Promise<void> {
  const delayMs = atMs - performance.now();
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
}

function percentiles(values: number[]): LoadReport["latenciesMs"] {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
