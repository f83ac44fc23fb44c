// Which process is killed or frozen, when and for how long: planned from a seed, then carried out.

import type { RandomSource } from "../testing/random_source.ts";
import type { Span } from "../testing/valet_node.ts";

/** Something that can be killed, started again, frozen and thawed: a node or a server. */
export interface Breakable {
  kill(): Promise<void>;
  /** Returns when it can be used. */
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** What is to be done to one target. */
export interface Fault {
  readonly kind: "kill" | "freeze";
  readonly target: string;
  /** How long it stays dead or frozen. */
  readonly downMs: number;
  /** It comes when this share of the jobs, 0 to 1, was acknowledged, or */
  readonly afterShare: number;
  /** this long after the one before. */
  readonly maxWaitMs: number;
}

/** A fault that was carried out, from its first moment until its target could be used again. */
export interface DoneFault extends Fault, Span {}

/** What can be hit. */
export interface PlanOptions {
  readonly nodes: readonly string[];
  readonly hasBroker: boolean;
  readonly hasDatabase: boolean;
  /** Kills of every kind together; there are half as many freezes beside them. */
  readonly killCount: number;
  /** Some nodes are frozen for longer than this. */
  readonly leaseMs: number;
  /** A killed node is down for at most this long. */
  readonly maxNodeDownMs: number;
}

/** The faults of a scenario, in their order. */
export function planFaults(random: RandomSource, options: PlanOptions): Fault[] {
  const { hasBroker, hasDatabase, killCount, leaseMs, maxNodeDownMs, nodes } = options;
  const brokerKills = hasBroker ? Math.max(1, Math.round(killCount * 0.15)) : 0;
  const databaseKills = hasDatabase ? Math.max(1, Math.round(killCount * 0.25)) : 0;
  const strikes: { kind: Fault["kind"]; target: string; downMs: number }[] = [];
  const strike = (kind: Fault["kind"], target: string, minMs: number, maxMs: number) =>
    strikes.push({ kind, target, downMs: random.integer(minMs, maxMs) });
  for (let i = 0; i < killCount; i++) {
    if (i < brokerKills) strike("kill", "broker", 0, 500);
    else if (i < brokerKills + databaseKills) strike("kill", "database", 0, 2_000);
    else strike("kill", random.pick(nodes), 0, maxNodeDownMs);
  }
  for (let i = 0; i < Math.ceil(killCount / 2); i++) {
    if (hasDatabase && i % 4 === 1) strike("freeze", "database", 300, 5_000);
    else if (hasBroker && i % 4 === 3) strike("freeze", "broker", 300, 3_000);
    else if (i % 4 < 2) {
      strike("freeze", random.pick(nodes), leaseMs + 500, leaseMs + 2_500);
    } else strike("freeze", random.pick(nodes), 200, 2_000);
  }
  return random.shuffle(strikes).map((strike, index) => ({
    ...strike,
    afterShare: (index + 0.5 + random.integer(0, 40) / 100) / strikes.length * 0.95,
    maxWaitMs: random.integer(2_000, 6_000),
  }));
}

/** Carries the faults out, one after the other; a target that is still down is waited for. */
export async function carryOut(
  faults: readonly Fault[],
  targets: Readonly<Record<string, Breakable>>,
  share: () => number,
): Promise<DoneFault[]> {
  const done: DoneFault[] = [];
  const recoveries = new Map<string, Promise<void>>();
  for (const fault of faults) {
    const latestAtMs = Date.now() + fault.maxWaitMs;
    while (share() < fault.afterShare && Date.now() < latestAtMs) await pause(5);
    await recoveries.get(fault.target);
    const doneFault: DoneFault = { ...fault, fromMs: Date.now(), toMs: Infinity };
    done.push(doneFault);
    const recovery = strikeAndRecover(targets[fault.target]!, doneFault);
    recovery.catch(() => {}); // It is awaited below, perhaps after another one has failed.
    recoveries.set(fault.target, recovery);
  }
  await Promise.all(recoveries.values());
  return done;
}

async function strikeAndRecover(target: Breakable, fault: DoneFault): Promise<void> {
  if (fault.kind === "kill") {
    await target.kill();
    await pause(fault.downMs);
    await target.start();
  } else {
    target.freeze();
    await pause(fault.downMs);
    target.thaw();
  }
  fault.toMs = Date.now();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
