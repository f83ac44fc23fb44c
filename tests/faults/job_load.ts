// Clients that submit jobs to whichever node is up, and remember what they were answered.

import type { RandomSource } from "../testing/random_source.ts";
import type { RunJournal } from "../testing/run_journal.ts";
import type { ValetNode } from "../testing/valet_node.ts";

/** What to submit. */
export interface LoadOptions {
  readonly nodes: readonly ValetNode[];
  readonly journal: RunJournal;
  readonly random: RandomSource;
  readonly jobCount: number;
  readonly clientCount: number;
  /** The share of jobs, 0 to 1, that are to run a little later. */
  readonly scheduledShare: number;
  /** The share of jobs that take `longMs`; the others take up to 20 ms. */
  readonly longShare: number;
  readonly longMs: number;
}

/** Jobs that are acknowledged and have not ended: with more, the clients wait. */
const maxOutstanding = 400;
/** The longest that a client waits for an answer. */
const answerTimeoutMs = 30_000;

/** Clients, and what they know. */
export class JobLoad {
  /** The jobs that were answered 202, in that order, and the node that did. */
  readonly acknowledged = new Map<string, string>();
  /** Answers that no client should get. */
  readonly failures: string[] = [];
  /** 503s, connections that were refused, connections that broke, requests without an answer. */
  readonly counts = { refused: 0, unreachable: 0, broken: 0, unanswered: 0 };
  /** The kinds of connections that broke. */
  readonly brokenTexts = new Set<string>();
  readonly #options: LoadOptions;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** The share of the jobs that was acknowledged; above 1 when there were more. */
  get share(): number {
    return this.acknowledged.size / this.#options.jobCount;
  }

  /** Submits that many jobs; then, slowly, more of them until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const clients = Array.from(
      { length: this.#options.clientCount },
      () => this.#runClient(signal),
    );
    await Promise.all(clients);
  }

  /** Submits one job to one of the nodes that are up, and takes note of the answer. */
  async submit(job: { readonly ms: number; readonly delayMs?: number }): Promise<void> {
    const { journal, nodes, random } = this.#options;
    const upNodes = nodes.filter((node) => node.isUp);
    if (upNodes.length === 0) return await pause(20);
    const node = random.pick(upNodes);
    const { delayMs, ms } = job;
    const body = JSON.stringify({
      name: "journals",
      task_name: "journals",
      task_params: { path: journal.path, ms },
      ...(delayMs === undefined ? {} : { run_at: new Date(Date.now() + delayMs).toISOString() }),
    });
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${node.baseUrl}/jobs`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
        signal: AbortSignal.timeout(answerTimeoutMs),
      });
      status = response.status;
      text = await response.text();
    } catch (thrown) {
      this.#noteError(thrown as Error);
      return await pause(random.integer(5, 50));
    }
    if (status === 202) {
      this.acknowledged.set(JSON.parse(text).id, node.name);
    } else if (status === 503) {
      this.counts.refused++;
      await pause(random.integer(5, 100));
    } else {
      this.failures.push(`${node.name} answered ${status}: ${text}`);
      await pause(100);
    }
  }

  async #runClient(signal: AbortSignal): Promise<void> {
    const { jobCount, journal, longMs, longShare, random, scheduledShare } = this.#options;
    while (this.acknowledged.size < jobCount || !signal.aborted) {
      if (this.acknowledged.size - journal.endedIds.size > maxOutstanding) {
        journal.read();
        await pause(10);
        continue;
      }
      const ms = random.chance(longShare) ? longMs : random.integer(0, 20);
      const isScheduled = random.chance(scheduledShare);
      await this.submit(isScheduled ? { ms, delayMs: random.integer(100, 2_000) } : { ms });
      if (this.acknowledged.size >= jobCount) await pause(random.integer(20, 200));
    }
  }

  #noteError(error: Error): void {
    // What went wrong stands in the message, or, in newer versions of Deno, in that of the cause.
    const text = `${error.message} ${error.cause}`;
    if (error.name === "TimeoutError") this.counts.unanswered++;
    else if (text.includes("Connection refused")) this.counts.unreachable++;
    else if (text.includes("error sending request") || /connection|body/i.test(text)) {
      this.counts.broken++;
      this.brokenTexts.add(text.replace(/\d+\.\d+\.\d+\.\d+:\d+/g, "..."));
    } else this.failures.push(text);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
