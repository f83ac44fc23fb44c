import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { SqliteJobs } from "../../../../drivers/repositories/sqlite/jobs.ts";
import { migrate } from "../../../../drivers/repositories/sqlite/schema.ts";
import { makeJobs } from "../../../testing/make_job.ts";

Deno.test("SqliteJobs.transaction: heals after a rollback that failed", () => {
  const options = { readOnly: false, returnArrays: true };
  const database = new DatabaseSync(":memory:", options);
  migrate(database);
  const jobs = new SqliteJobs(database);
  const [lost, kept] = makeJobs(2);
  // What such a rollback leaves behind.
  database.exec("BEGIN IMMEDIATE");
  jobs.insert([lost!]);
  jobs.transaction(() => jobs.insert([kept!]));
  assert.equal(jobs.get(lost!.id), null);
  assert.deepEqual(jobs.get(kept!.id), kept);
  assert.equal(database.isTransaction, false);
  database.close();
});
