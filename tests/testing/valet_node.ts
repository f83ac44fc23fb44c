// A node that tests may kill, freeze and start again: every process of it has the same configuration, the
// same port and one log, which stays behind. Used by tests/faults.

import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";
import { freePort } from "./free_port.ts";
import { freezeProcess } from "./process_facts.ts";
import { configText, denoFlags } from "./start_valet.ts";

/** Where and how a node runs. */
export interface NodeOptions {
  /** Of its files in the folder: `NAME.yaml`, `NAME.log`. */
  readonly name: string;
  readonly folder: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The executable, in tests/fixtures. */
  readonly main?: string;
}

/** A stretch of time, in milliseconds since the Unix epoch; `Infinity`: it has not ended. */
export interface Span {
  readonly fromMs: number;
  toMs: number;
}

/** One process of a node: what was done to it, and when. */
export interface NodeLife {
  readonly node: string;
  readonly pid: number;
  /** When it had been spawned. */
  readonly startedAtMs: number;
  /** When it was sent SIGKILL. */
  killedAtMs: number | undefined;
  /** When it was asked to stop. */
  stoppedAtMs: number | undefined;
  /** While it was frozen. */
  readonly freezes: Span[];
}

const running = new Set<Deno.ChildProcess>();
// A test run that is interrupted must not leave servers behind.
addEventListener("unload", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** How long a node may take to listen: also as long as a broker takes to come back. */
const listenDeadlineMs = 90_000;

/** A node. It does not run before `start`. */
export class ValetNode implements AsyncDisposable {
  readonly name: string;
  readonly baseUrl: string;
  /** Its processes so far, the last one last. */
  readonly lives: NodeLife[] = [];
  /** Unexpected ends, in words. */
  readonly accidents: string[] = [];
  readonly #options: NodeOptions;
  #child: Deno.ChildProcess | undefined;
  #ended: Promise<Deno.CommandStatus> | undefined;
  #isListening = false;

  constructor(options: NodeOptions) {
    const port = freePort();
    this.name = options.name;
    this.baseUrl = `http://127.0.0.1:${port}`;
    this.#options = options;
    const text = configText({ ...options.config, port });
    Deno.writeTextFileSync(`${options.folder}/${options.name}.yaml`, text);
  }

  /** Whether it listens, as far as is known: it may be frozen. */
  get isUp(): boolean {
    return this.#isListening;
  }

  /** The process that runs, or ran last. */
  get life(): NodeLife {
    return this.lives.at(-1)!;
  }

  /** Starts it and waits until it listens. */
  async start(): Promise<void> {
    const { env = {}, folder, main = "main.ts", name } = this.#options;
    const script = fileURLToPath(import.meta.resolve(`../fixtures/${main}`));
    const child = new Deno.Command("sh", {
      args: [
        "-c",
        'log=$1; shift; exec "$@" >>"$log" 2>&1',
        "sh",
        `${folder}/${name}.log`,
        Deno.execPath(),
        "run",
        ...denoFlags,
        script,
        "--config",
        `${folder}/${name}.yaml`,
      ],
      env: { ...env },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    running.add(child);
    const life: NodeLife = {
      node: name,
      pid: child.pid,
      startedAtMs: Date.now(),
      killedAtMs: undefined,
      stoppedAtMs: undefined,
      freezes: [],
    };
    this.lives.push(life);
    this.#child = child;
    let hasEnded = false;
    this.#ended = child.status.then((status) => {
      hasEnded = true;
      running.delete(child);
      this.#isListening = false;
      const isClean = life.stoppedAtMs !== undefined && status.code === 0;
      if (life.killedAtMs === undefined && !isClean) {
        this.accidents.push(
          `process ${life.pid} of ${name} ended with ${status.signal ?? status.code}`,
        );
      }
      return status;
    });
    await eventually(`node ${name} to listen`, async () => {
      if (hasEnded) {
        if (life.killedAtMs !== undefined || life.stoppedAtMs !== undefined) return true;
        throw new Error(`Node ${name} ended before it listened; its log: ${folder}/${name}.log`);
      }
      return await this.answers();
    }, listenDeadlineMs);
    this.#isListening = !hasEnded;
  }

  /** Whether it answers a request now. */
  async answers(): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(1_000);
      const response = await fetch(`${this.baseUrl}/health/live`, { signal });
      await response.body?.cancel();
      return response.ok;
    } catch {
      // Nobody listens yet, or it is slow: the caller asks again.
      return false;
    }
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.#isListening = false;
    // The time first: what happened after it may have been caused by it.
    this.life.killedAtMs = Date.now();
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  /** Asks it to stop and waits for its end. */
  async stop(): Promise<Deno.CommandStatus> {
    this.life.stoppedAtMs = Date.now();
    this.#child?.kill("SIGTERM");
    return await this.#ended!;
  }

  /** Stops it where it is: its connections stay open, and nothing answers. */
  freeze(): void {
    this.life.freezes.push({ fromMs: Date.now(), toMs: Infinity });
    if (this.#child !== undefined) freezeProcess(this.#child.pid);
  }

  /** Lets a frozen one go on. */
  thaw(): void {
    this.#child?.kill("SIGCONT");
    this.life.freezes.at(-1)!.toMs = Date.now();
  }

  /** The log of all its processes, as it is now. */
  async readLog(): Promise<Record<string, unknown>[]> {
    const text = await Deno.readTextFile(`${this.#options.folder}/${this.name}.log`);
    return text.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  }

  /** Ends it, whatever state it is in. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child !== undefined && running.has(this.#child)) await this.kill();
  }
}
