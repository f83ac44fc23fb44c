// Runs the load generator (load.ts) as a process and brings back its report. Called by the scenarios.

/** What to send, on how many connections, and until when. */
export interface LoadOptions {
  readonly port: number;
  readonly method: "GET" | "POST";
  /** Requested one after the other, round and round. */
  readonly paths: readonly string[];
  /** JSON text of the body; of several, each is sent in its turn. */
  readonly body?: string | readonly string[];
  readonly connections: number;
  /** How many requests; default: as many as the time allows. */
  readonly count?: number;
  /** For how long; default: until the count is reached. */
  readonly durationMs?: number;
  /** Requests before the measured ones, for as long. */
  readonly warmUpMs?: number;
  /** A request is due every 1/rate seconds, whatever became of those before; default: at once. */
  readonly ratePerS?: number;
  /** Whether to keep the id in every answer and when its request was sent. */
  readonly keepsIds?: boolean;
}

/** What was measured. */
export interface LoadReport {
  /** Epoch time of the first measured request. */
  readonly startedAtMs: number;
  readonly requests: number;
  readonly durationMs: number;
  readonly ratePerS: number;
  /** How many answers had each status. */
  readonly statuses: Readonly<Record<number, number>>;
  readonly latenciesMs: Readonly<Record<"p50" | "p95" | "p99" | "max", number>>;
  /** The part of one core that the load generator itself used: near 1 it is what limits the rate. */
  readonly cpuShare: number;
  /** With `keepsIds`: each job, and the epoch time, with fractions, at which its request was sent. */
  readonly sent: readonly { readonly id: string; readonly sentAtMs: number }[];
}

/** From this share of a core on the load generator limits what it measures. */
const maxCpuShare = 0.95;

/** Runs one load to its end. Every answer must have the status `expected`, or this throws. */
export async function runLoad(options: LoadOptions, expected?: number): Promise<LoadReport> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-net",
      "--allow-sys",
      new URL("./load.ts", import.meta.url).href,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(JSON.stringify(options)));
  await input.close();
  const { code, stdout } = await child.output();
  if (code !== 0) throw new Error(`Cannot measure: the load generator ended with code ${code}`);
  const report = JSON.parse(new TextDecoder().decode(stdout)) as LoadReport;
  if (expected !== undefined && report.statuses[expected] !== report.requests) {
    const seen = JSON.stringify(report.statuses);
    throw new Error(`Cannot measure: every answer must be ${expected}, there were ${seen}`);
  }
  if (report.cpuShare > maxCpuShare) slowLoads.count += 1;
  return report;
}

/** How many measurements were limited by the load generator and not by the server. */
export const slowLoads = { count: 0 };
