// What the corpus runs: for each package the params of its task and what must come of it. run.ts submits them all.

import { localCases } from "./cases_local.ts";
import { refusedCases } from "./cases_refused.ts";
import { serverCases } from "./cases_server.ts";
import type { ServerName } from "./servers/mod.ts";

/** One package and its task. */
export interface PackageCase {
  /** As npm names it. */
  readonly packageName: string;
  /** Its task in mod.ts. Default: the name of the package in snake case. */
  readonly task?: string;
  /** What the task does with the package, for the table of results. */
  readonly did: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** The server that it talks to, which adds its own params, such as `url`. */
  readonly server?: ServerName;
  /** The result, or a function that asserts what is right about it. */
  // deno-lint-ignore no-explicit-any -- each case knows the shape that it checks
  readonly expected: unknown | ((result: any) => void);
  /** What a line of the job's log must say, where the package writes one. */
  readonly logged?: RegExp;
  /** What a user must know, for the table of results. */
  readonly remark?: string;
}

/** Something that no task can do: its job must fail, and say why. */
export interface RefusedCase {
  readonly packageName: string;
  readonly task?: string;
  readonly did: string;
  /** What the failure reason of the job must have in it. */
  readonly reason: string;
  /** The way round it, for the table of results. */
  readonly remark: string;
}

/** Every package that must work. */
export const cases: readonly PackageCase[] = [...localCases, ...serverCases]
  .sort((a, b) => a.packageName < b.packageName ? -1 : 1);

/** What must be refused. */
export const refusals: readonly RefusedCase[] = refusedCases;

/** The name of the task that uses the package. */
export function taskOf({ packageName, task }: Pick<PackageCase, "packageName" | "task">): string {
  return task ?? packageName.replace(/^@/, "").replaceAll(/[^a-z0-9]+/g, "_");
}
