// Keeps jobs in MySQL 8 or MariaDB 10.11, where several nodes may share them. Opened by drivers/mod.ts.
// All SQL is what both have. Where they differ: MariaDB alone has RETURNING (claims carry a token instead) and
// names the isolation variable otherwise (SET TRANSACTION does not), MySQL alone writes VALUES ROW (JSON_TABLE).

import { endsWithin } from "../../../src/clock.ts";
import { ValetError } from "../../../src/errors.ts";
import type { Job, JobResult } from "../../../src/jobs/job.ts";
import type { Change } from "../../../src/jobs/job_change.ts";
import type {
  Health,
  JobCounts,
  JobPage,
  JobQuery,
  Repository,
  Work,
  WorkQuery,
} from "../../../src/jobs/repository.ts";
import { readPositiveInteger } from "../../read_option.ts";
import { createChange } from "./changes.ts";
import { type MysqlAddress, parseMysqlDsn } from "./dsn.ts";
import { createInsert } from "./inserts.ts";
import { countJobs, findWork, listJobs } from "./queries.ts";
import { toBytes } from "./ids.ts";
import { toJob } from "./rows.ts";
import { statements } from "./statements.ts";
import { migrateSchema } from "./schema.ts";
import { MysqlServer, type PoolLimits } from "./server.ts";

/** How long `close` waits for calls that are under way. */
const closeTimeoutMs = 10_000;

/** What statements about many jobs need, whatever the jobs hold. */
const minPacketBytes = 65_536;

const read = { isRepeatable: true } as const;

/**
 * Opens the repository and brings its tables up to date.
 *
 * @param options `{ dsn, caPem, connectionMaxLifetimeMs, maxIdleConnections, maxOpenConnections }`: where the
 * server is, as Go's driver or a URL says it; PEM text of the authorities to trust, which turns on TLS, or
 * undefined; the bounds of the pool, default 3000, 8 and 8.
 * @throws ValetError `invalid_config` also where the server refuses the user or has no such database,
 * `unavailable`, `failed_precondition` for tables of a newer build, or missing ones that the user may not make.
 */
export async function openMysqlRepository(options?: unknown): Promise<Repository> {
  const { address, limits } = readOptions(options);
  const server = new MysqlServer(address, limits);
  try {
    await server.open();
    if (server.maxPacketBytes < minPacketBytes) throw smallPacketsError(server.maxPacketBytes);
    await migrateSchema(server);
    server.testWrite = statements.testWrite;
  } catch (thrown) {
    await server.close();
    throw thrown;
  }
  return new MysqlRepository(server);
}

/** Tries to reach the server and its database, and leaves. Throws like {@link openMysqlRepository}. */
export async function connectMysqlRepository(options?: unknown): Promise<void> {
  const { address, limits } = readOptions(options);
  const server = new MysqlServer(address, limits);
  try {
    await server.open();
  } finally {
    await server.close();
  }
}

/** Throws `invalid_config` for options that {@link openMysqlRepository} refuses without asking the server. */
export function checkMysqlRepository(options?: unknown): void {
  readOptions(options);
}

function readOptions(options: unknown): { address: MysqlAddress; limits: PoolLimits } {
  const { dsn, caPem } = (options ?? {}) as { readonly dsn?: unknown; readonly caPem?: unknown };
  if (typeof dsn !== "string" || dsn.trim() === "") {
    throw new ValetError(
      "invalid_config",
      "Cannot open the mysql repository: it has no DSN; set MYSQL_DSN or the Docker secret " +
        "mysql_dsn, to user:password@tcp(host:3306)/database for example",
    );
  }
  const bound = (name: string, fallback: number) =>
    readPositiveInteger(options, name, fallback, "mysql repository");
  return {
    address: parseMysqlDsn(dsn, typeof caPem === "string" ? caPem : undefined),
    limits: {
      connectionMaxLifetimeMs: bound("connectionMaxLifetimeMs", 3000),
      maxIdleConnections: bound("maxIdleConnections", 8),
      maxOpenConnections: bound("maxOpenConnections", 8),
    },
  };
}

function smallPacketsError(bytes: number): ValetError {
  return new ValetError(
    "invalid_config",
    `Cannot open MySQL: its packets have at most ${bytes} bytes; set max_allowed_packet of the server, ` +
      `and maxAllowedPacket of MYSQL_DSN if it is there, to ${minPacketBytes} or more`,
  );
}

class MysqlRepository implements Repository {
  readonly isDurable = true;
  readonly isShared = true;
  readonly #server: MysqlServer;
  readonly #insert: (jobs: readonly Job[]) => Promise<void>;
  readonly #change: (changes: readonly Change[], nowMs: number) => Promise<readonly (Job | null)[]>;
  readonly #underWay = new Set<Promise<unknown>>();
  #counting: Promise<JobCounts> | undefined;
  #closing: Promise<void> | undefined;

  constructor(server: MysqlServer) {
    this.#server = server;
    this.#insert = createInsert(server);
    this.#change = createChange(server);
  }

  now(): number {
    return this.#server.now();
  }

  insert(jobs: readonly Job[]): Promise<void> {
    return this.#call(() => this.#insert(jobs));
  }

  get(id: string): Promise<Job | null> {
    return this.#call(() =>
      this.#server.use(async (session) => {
        const [row] = await session.execute(statements.job, [toBytes(id)]);
        return row === undefined ? null : toJob(row);
      }, read)
    );
  }

  list(query: JobQuery): Promise<JobPage> {
    return this.#call(() => listJobs(this.#server, query));
  }

  delete(id: string): Promise<Job | null> {
    return this.#call(() =>
      this.#server.transact(async (session) => {
        const [row] = await session.execute(statements.lockedJob, [toBytes(id)]);
        if (row === undefined) return null;
        await session.write(statements.delete, [toBytes(id)]);
        return toJob(row);
      })
    );
  }

  getResult(jobId: string): Promise<JobResult | null> {
    return this.#call(() =>
      this.#server.use(async (session) => {
        const [row] = await session.execute(statements.result, [toBytes(jobId)]);
        if (row === undefined) return null;
        const [metadataJson, error] = row.map((value) =>
          value ?? undefined
        ) as (string | undefined)[];
        return { jobId, metadataJson, error };
      }, read)
    );
  }

  deleteResult(jobId: string): Promise<boolean> {
    return this.#call(() =>
      this.#server.use(async (session) =>
        await session.write(statements.deleteResult, [toBytes(jobId)]) > 0
      )
    );
  }

  change(changes: readonly Change[], nowMs: number): Promise<readonly (Job | null)[]> {
    return this.#call(() => this.#change(changes, nowMs));
  }

  find(query: WorkQuery): Promise<Work> {
    return this.#call(() => this.#server.use((session) => findWork(session, query), read));
  }

  count(): Promise<JobCounts> {
    // One at a time: it is the one statement that may look at many rows.
    return this.#call(() =>
      this.#counting ??= this.#server.use(countJobs, read).finally(() => this.#counting = undefined)
    );
  }

  async health(): Promise<Health> {
    if (this.#closing !== undefined) {
      return { isHealthy: false, reason: "the repository is closed" };
    }
    return await this.#server.health();
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    if (!this.#server.isDown) {
      await endsWithin(Promise.allSettled(this.#underWay), closeTimeoutMs);
    }
    await this.#server.close();
  }

  async #call<Result>(run: () => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined) {
      throw new ValetError("unavailable", "Cannot use the mysql repository: it is closed");
    }
    const call = run();
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }
}
