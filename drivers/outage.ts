// A server that a driver has lost: says so once, asks with backoff whether it is there again, says so once.
// Created by the drivers that talk to a server; knows nothing of any protocol.

import { steadyNow, systemClock } from "../src/clock.ts";
import { errorMessage, ValetError } from "../src/errors.ts";
import { getLogger } from "../src/log/log.ts";

/** What an {@link Outage} is about. */
export interface OutageOptions {
  /** The server's name in messages, such as `MySQL`. */
  readonly name: string;
  /** The component in whose name it logs. */
  readonly component: string;
  /** Returns when the server can be used. What it throws is why not; it must not wait for long. */
  probe(): Promise<void>;
}

/** The longest first wait before a probe, in milliseconds; each next one is twice as long. */
const firstDelayMs = 100;
const maxDelayMs = 500;

/** Whether one server can be reached, from the first failure that is reported to the probe that succeeds. */
export class Outage {
  readonly #options: OutageOptions;
  readonly #closing = new AbortController();
  #error: unknown;
  #probing: Promise<void> | undefined;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** Whether the server is known to be lost. */
  get isDown(): boolean {
    return this.#probing !== undefined;
  }

  /**
   * Lets nobody through to a server that is lost: it would only be asked in vain.
   *
   * @throws ValetError `unavailable` while it is.
   */
  assertUp(): void {
    if (this.isDown) throw this.unavailable();
  }

  /** What to throw, and to tell as the reason, while the server is lost. */
  unavailable(): ValetError {
    const cause = this.#error;
    const reason = errorMessage(cause);
    return new ValetError("unavailable", `Cannot reach ${this.#options.name}: ${reason}`, {
      cause,
    });
  }

  /** Begins the outage, unless it has begun. The message of the error must hold no secret. */
  report(error: unknown): void {
    if (this.#closing.signal.aborted || this.isDown) return;
    this.#error = error;
    this.#probing = this.#probeUntilUp();
  }

  /** Ends the probing; what is reported from now on is ignored. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#probing;
  }

  async #probeUntilUp(): Promise<void> {
    const { name, component, probe } = this.#options;
    const { signal } = this.#closing;
    const log = getLogger(component);
    const lostMs = steadyNow();
    log.error(`lost the connection to ${name}, trying again`, {
      reason: errorMessage(this.#error),
    });
    for (let delayMs = firstDelayMs;; delayMs = Math.min(maxDelayMs, delayMs * 2)) {
      // Jitter, so that the nodes which lost a server together do not come back together.
      await systemClock.sleep(delayMs * (0.5 + Math.random() / 2), signal);
      if (signal.aborted) return;
      try {
        await probe();
        break;
      } catch (thrown) {
        this.#error = thrown;
      }
    }
    this.#probing = undefined;
    log.info(`${name} is back`, { outage_ms: Math.round(steadyNow() - lostMs) });
  }
}
