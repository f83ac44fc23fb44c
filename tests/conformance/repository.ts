// The promises of the Repository port, each one a named test; every driver runs all of them.
// Written against src/repository.ts alone: nothing here may know a driver or how fast it is.

import type { Repository } from "../../src/repository.ts";
import { testChanges } from "./repository_changes.ts";
import { testLifeCycle } from "./repository_life_cycle.ts";
import { testLists } from "./repository_lists.ts";
import { testModel } from "./repository_model.ts";
import { testRecords } from "./repository_records.ts";

/** What the suite needs of a driver. */
export interface RepositorySuite {
  /** Name of the driver; begins the name of each test. */
  readonly name: string;
  /** Opens the driver on a fresh, empty store. The test closes it. */
  open(): Promise<Repository>;
  /** How many random command sequences the model test tries. Default 100. */
  readonly modelRuns?: number;
}

/** Declares one test: opens a fresh repository for it and closes it after. */
export type TestRepository = (
  promise: string,
  test: (repository: Repository) => Promise<void>,
) => void;

/** Declares the tests that every repository driver must pass. */
export function repositoryConformance(suite: RepositorySuite): void {
  const test: TestRepository = (promise, body) => {
    Deno.test(`${suite.name} repository: ${promise}`, async () => {
      const repository = await suite.open();
      try {
        await body(repository);
      } finally {
        await repository.close();
      }
    });
  };
  testRecords(test);
  testLists(test);
  testChanges(test);
  testLifeCycle(test);
  testModel(suite);
}
