// The promises of the Repository port, each one a named test; every driver runs all of them.
// Written against src/jobs/repository.ts alone: nothing here may know a driver or how fast it is.

import assert from "node:assert/strict";
import type { Repository } from "../../src/jobs/repository.ts";
import { testChanges } from "./repository_changes.ts";
import { testConcurrency } from "./repository_concurrency.ts";
import { testDurability } from "./repository_durability.ts";
import { testEdits } from "./repository_edits.ts";
import { testFinds } from "./repository_finds.ts";
import { testLeases } from "./repository_leases.ts";
import { testLifeCycle } from "./repository_life_cycle.ts";
import { testListBounds, testLists } from "./repository_lists.ts";
import { testModel } from "./repository_model.ts";
import { testRecords } from "./repository_records.ts";
import { testRescues } from "./repository_rescues.ts";
import { testRoundTrips } from "./repository_round_trips.ts";

/** What the suite needs of a driver. */
export interface RepositorySuite {
  /** Name of the driver; begins the name of each test. */
  readonly name: string;
  /** Opens the driver on a fresh, empty store. The test closes it. */
  open(): Promise<Repository>;
  /** Opens the store of that open repository a second time; given exactly by drivers with `isShared`. */
  openSecond?(repository: Repository): Promise<Repository>;
  /**
   * Closes that repository and opens its store again, as a new process would; given exactly by drivers with
   * `isDurable`.
   */
  reopen?(repository: Repository): Promise<Repository>;
  /** What declares the tests. Default: `Deno.test`. */
  readonly declare?: typeof Deno.test;
  /** Whether a list may be as large and take as long as it will: that of the oracle, which no node has. */
  readonly isUnbounded?: boolean;
  /** How many random command sequences the model test tries. Default 100. */
  readonly modelRuns?: number;
}

/** Opens more on the store of a test; what it opened is closed after the test. */
export interface OpenMore {
  /** Another handle on the store. */
  openSecond(): Promise<Repository>;
  /** Closes that repository and opens its store again. */
  reopen(repository: Repository): Promise<Repository>;
}

/** Declares one test: opens a fresh repository for it and closes it after. */
export type TestRepository = (
  promise: string,
  test: (repository: Repository, more: OpenMore) => void | Promise<void>,
) => void;

/** Declares the tests that every repository driver must pass. */
export function repositoryConformance(suite: RepositorySuite): void {
  const { declare = Deno.test } = suite;
  const test: TestRepository = (promise, body) => {
    declare(`${suite.name} repository: ${promise}`, async () => {
      const opened = [await suite.open()];
      const keep = async (opening: Promise<Repository>) => {
        const repository = await opening;
        opened.push(repository);
        return repository;
      };
      try {
        await body(opened[0]!, {
          openSecond: () => keep(suite.openSecond!(opened[0]!)),
          reopen: (repository) => keep(suite.reopen!(repository)),
        });
      } finally {
        for (const repository of opened.toReversed()) await repository.close();
      }
    });
  };
  test("isShared and isDurable say what the options of the suite say", (repository) => {
    assert.equal(repository.isShared, suite.openSecond !== undefined);
    assert.equal(repository.isDurable, suite.reopen !== undefined);
  });
  testRecords(test);
  testRoundTrips(test);
  testLists(test);
  if (!suite.isUnbounded) testListBounds(test);
  testFinds(test);
  testChanges(test);
  testEdits(test);
  testConcurrency(test);
  testRescues(test, suite);
  if (suite.openSecond !== undefined) testLeases(test);
  if (suite.reopen !== undefined) testDurability(test);
  testLifeCycle(test);
  testModel(suite);
}
