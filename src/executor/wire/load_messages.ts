// What a worker tells of loading tasks, and what a worker that only describes them is asked and answers.
// Answers are JSON texts: what task code could have made of an object does not reach the host.

import type { TaskDescription } from "../../tasks/description.ts";

/** A module that a worker loads. */
export interface LoadStep {
  /** Empty: the table of tasks itself. */
  readonly taskName: string;
  /** The URL of the module as far as it is known, else empty. */
  readonly file: string;
}

/** Why a module could not be loaded. */
export interface LoadFailure extends LoadStep {
  /** The line in the file where it failed; 0: not known. */
  readonly line: number;
  /** What it did, to stand after "it", and what to do. */
  readonly reason: string;
  /** Whether it has read a variable of the environment without permission; it may read others after that one. */
  readonly isRefusedVariable?: boolean;
}

/** The first message to a worker that describes tasks, and each later one, sent as an object. */
export interface DescribeRequest {
  readonly kind: "describe";
  /** The tasks to load and describe, with their permissions; absent: tell the entries of the table. */
  readonly tasks?: Readonly<Record<string, Deno.PermissionOptionsObject>>;
  /** Whether to load one task only to find every variable that it reads without permission. */
  readonly findsVariables?: boolean;
}

/** An entry of the table of tasks. */
export interface TableEntry {
  readonly name: string;
  /** Whether the entry has `load`; else the table has evaluated the module of the task. */
  readonly isLazy: boolean;
  readonly permissions: Deno.PermissionOptionsObject;
  /** What is wrong with the entry, each to stand after "it". */
  readonly problems: readonly string[];
}

/** What a worker that describes tells, the end of each request as `table` or `described`. */
export type DescribeAnswer =
  | { readonly kind: "loading"; readonly step: LoadStep }
  | { readonly kind: "table"; readonly entries: readonly TableEntry[] }
  | {
    readonly kind: "described";
    readonly tasks: readonly TaskDescription[];
    readonly failures: readonly LoadFailure[];
  }
  /** The table of tasks, or a task before it is described, cannot be read; nothing follows. */
  | { readonly kind: "failed"; readonly failure: LoadFailure };
