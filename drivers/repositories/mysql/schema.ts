// The tables of the MySQL repository, as numbered migrations that any number of nodes may run at once.
// Called by repository.ts when it opens.

import { ValetError } from "../../../src/errors.ts";
import { classifyError, reasonOf } from "./errors.ts";
import type { MysqlServer, Session } from "./server.ts";

/**
 * One list of statements for each version of the schema. They are never changed once they have shipped.
 * Each must bear to be run again, because MySQL cannot undo a change of tables: `IF NOT EXISTS`.
 *
 * The jobs: nothing that a claim or a finish writes makes a row longer, but for the result, since a row that
 * no longer fits its page costs as much as the change itself; so times that come later are NOT NULL. Times are
 * milliseconds since the epoch: DATETIME ends at the year 9999 and has a zone to get wrong. Params and results
 * are text, because JSON columns would write them anew. Of the columns with an index only `state` changes.
 * `due_at_ms` is NULL but for jobs that wait for their time. `claim_token` tells whose claim was stored where
 * the answer was lost. The lease is by the clock of the server.
 */
const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE IF NOT EXISTS valet_jobs (
      id BINARY(16) NOT NULL,
      state TINYINT UNSIGNED NOT NULL,
      task_name VARCHAR(255) NOT NULL,
      name VARCHAR(255) NOT NULL,
      description LONGTEXT NULL,
      params LONGTEXT NULL,
      timeout_ms BIGINT NOT NULL,
      run_at_ms BIGINT NULL,
      due_at_ms BIGINT NULL,
      created_at_ms BIGINT NOT NULL,
      scheduled_at_ms BIGINT NOT NULL,
      started_at_ms BIGINT NOT NULL,
      completed_at_ms BIGINT NOT NULL,
      duration_ms BIGINT NOT NULL,
      attempt INT NOT NULL,
      fence INT NOT NULL,
      crashes INT NOT NULL,
      claim_token BIGINT NOT NULL DEFAULT 0,
      lease_until DATETIME(3) NOT NULL DEFAULT '2000-01-01 00:00:00',
      failure_reason LONGTEXT NULL,
      has_result TINYINT NOT NULL DEFAULT 0,
      result LONGTEXT NULL,
      PRIMARY KEY (id),
      KEY valet_jobs_state (state, id),
      KEY valet_jobs_task (task_name, id),
      KEY valet_jobs_due (due_at_ms)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  ],
];

/** How long nodes that start together wait for the one that changes the tables. */
const migrationTimeoutMs = 120_000;
const lockSeconds = 60;
/** A name of this database's own: locks are the whole server's. */
const lockName = "CONCAT('valet.', SHA1(DATABASE()))";

/**
 * Brings the tables to the version of this build.
 *
 * @throws ValetError `failed_precondition` where a newer build has been at work or the user lacks the rights,
 * `unavailable`.
 */
export async function migrateSchema(server: MysqlServer): Promise<void> {
  await server.use(async (session) => {
    try {
      await migrate(session);
    } catch (thrown) {
      if (classifyError(thrown) !== "refused") throw thrown;
      throw new ValetError(
        "failed_precondition",
        "Cannot open MySQL: its tables valet_schema and valet_jobs are missing or out of date, and the user " +
          "may not make them; grant it all rights to the database, or start Valet once as a user who has " +
          `them: ${reasonOf(thrown)}`,
        { cause: thrown },
      );
    }
  }, { timeoutMs: migrationTimeoutMs });
}

async function migrate(session: Session): Promise<void> {
  if (await readVersion(session) === migrations.length) return;
  const [[isLocked] = []] = await session.query(`SELECT GET_LOCK(${lockName}, ${lockSeconds})`);
  if (isLocked !== 1) {
    throw new ValetError(
      "unavailable",
      `Cannot open MySQL: another node has been changing the tables for ${lockSeconds} seconds`,
    );
  }
  try {
    await session.query(
      "CREATE TABLE IF NOT EXISTS valet_schema (version INT NOT NULL PRIMARY KEY) ENGINE=InnoDB",
    );
    for (let version = await readVersion(session); version < migrations.length; version++) {
      for (const statement of migrations[version]!) await session.query(statement);
      await session.execute("INSERT INTO valet_schema (version) VALUES (?)", [version + 1]);
    }
  } finally {
    await session.query(`DO RELEASE_LOCK(${lockName})`);
  }
}

async function readVersion(session: Session): Promise<number> {
  const [[isThere] = []] = await session.query(
    "SELECT COUNT(*) FROM information_schema.tables " +
      "WHERE table_schema = DATABASE() AND table_name = 'valet_schema'",
  );
  if (isThere === 0) return 0;
  const [[version] = []] = await session.query(
    "SELECT COALESCE(MAX(version), 0) FROM valet_schema",
  );
  if (Number(version) <= migrations.length) return Number(version);
  throw new ValetError(
    "failed_precondition",
    `Cannot open MySQL: its tables are of version ${version}, and this build of Valet knows ` +
      `versions up to ${migrations.length}; start a newer build`,
  );
}
