// The connections to one MySQL server: a pool with bounds, a bound on every wait, repeats where they are safe,
// the clock of the server, and what happens when it is lost. Used by repository.ts and schema.ts.

import { createPool, type Pool, type PoolConnection, type PoolOptions } from "mysql2";
import { startTimer, steadyNow, systemClock } from "../../../src/clock.ts";
import { ValetError } from "../../../src/errors.ts";
import type { Health } from "../../../src/jobs/repository.ts";
import { Outage } from "../../outage.ts";
import type { MysqlAddress } from "./dsn.ts";
import { classifyError, type MysqlFailure, reasonOf, toValetError } from "./errors.ts";
import type { Value } from "./rows.ts";

/** How many connections there may be and how long one is used. */
export interface PoolLimits {
  readonly connectionMaxLifetimeMs: number;
  readonly maxIdleConnections: number;
  readonly maxOpenConnections: number;
}

/** One connection, as long as somebody has it. */
export interface Session {
  /** The rows of a statement without parameters. */
  query(sql: string): Promise<readonly Value[][]>;
  /** The rows of a prepared statement. */
  execute(sql: string, values: readonly Value[]): Promise<readonly Value[][]>;
  /** How many rows a prepared statement found to change. */
  write(sql: string, values: readonly Value[]): Promise<number>;
}

/** How to use a session. */
export interface UseOptions {
  /** Whether the work may be done again after a connection was lost, whatever became of it. Default false. */
  readonly isRepeatable?: boolean;
  /** How long a statement may take. Default: what the DSN says. */
  readonly timeoutMs?: number;
}

/**
 * What each connection is set to. The mode makes wrong values errors and leaves texts as they are; without
 * READ COMMITTED grouped changes would lock what lies between their rows, and each other out.
 */
const sessionStatements = [
  "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', " +
  "autocommit = 1, innodb_lock_wait_timeout = 5",
];

/** A question for the time whose answer takes longer does not change the offset. */
const maxMeasureMs = 100;
/** The longest that a server which works takes to answer a question of no weight. */
const pingTimeoutMs = 2_000;
/** After these a question shows whether the server can still be used. */
const mayBeDown: readonly MysqlFailure[] = ["lost", "refused", "full"];
const maxConflicts = 8;
const maxOffsetAgeMs = 60_000;
const closeTimeoutMs = 1_000;
/** Statements that a connection keeps prepared: a few, and the insert for each number of rows. */
const maxPreparedStatements = 120;

/** A MySQL server that Valet is connected with. */
export class MysqlServer {
  /** The largest packet that the server and the DSN allow. */
  maxPacketBytes = 0;
  /** A write that changes nothing: from when it is set on, a server that refuses it counts as lost. */
  testWrite: string | undefined;
  readonly #address: MysqlAddress;
  readonly #limits: PoolLimits;
  readonly #outage: Outage;
  readonly #closing = new AbortController();
  readonly #bornMs = new Map<PoolConnection, number>();
  #pool: Pool;
  #checking: Promise<boolean> | undefined;
  /** When the server last answered anything, if with an error. */
  #answeredMs = 0;
  /** What the clock of the server is ahead of the steady one, and when that was measured. */
  #offsetMs = 0;
  #measuredMs = 0;

  constructor(address: MysqlAddress, limits: PoolLimits) {
    this.#address = address;
    this.#limits = limits;
    this.#pool = createPool(poolOptions(address, limits));
    this.#outage = new Outage({ name: "MySQL", component: "mysql", probe: () => this.#ping() });
  }

  /** Connects. Throws `unavailable` where there is no server, `invalid_config` where it refuses the user. */
  async open(): Promise<void> {
    try {
      await this.#measure().catch(async (thrown) => {
        const isPlain = (thrown as { code?: unknown }).code === "HANDSHAKE_NO_SSL_SUPPORT";
        if (!isPlain || this.#address.tls !== "preferred") throw thrown;
        await this.#endPool();
        this.#pool = createPool(poolOptions({ ...this.#address, tls: "off" }, this.#limits));
        await this.#measure();
      });
    } catch (thrown) {
      throw toValetError(thrown, true);
    }
  }

  /** The time of the server in milliseconds since the epoch, whatever is done to the clock of this machine. */
  now(): number {
    const now = steadyNow();
    const isOld = now - this.#measuredMs > maxOffsetAgeMs;
    if (isOld && !this.#outage.isDown && !this.#closing.signal.aborted) void this.#check();
    return Math.round(now + this.#offsetMs);
  }

  /**
   * Works on one connection, where each statement is a transaction. What the server undoes in favour of
   * another transaction is tried again.
   *
   * @throws ValetError
   */
  async use<Result>(
    work: (session: Session) => Promise<Result>,
    { isRepeatable = false, timeoutMs }: UseOptions = {},
  ): Promise<Result> {
    let losses = 0;
    for (let conflicts = 1;; conflicts++) {
      this.#outage.assertUp();
      try {
        return await this.#once(work, timeoutMs);
      } catch (thrown) {
        const failure = thrown instanceof ValetError ? "other" : classifyError(thrown);
        if (failure === "conflict" && conflicts < maxConflicts) {
          await systemClock.sleep(Math.random() * 2 ** conflicts, this.#closing.signal);
          continue;
        }
        // The limit has changed since it was asked for: who tries again in parts needs the new one.
        if (failure === "too_large") await this.#check();
        // A connection may be lost for reasons of its own, and others that are open with it.
        const isUp = !mayBeDown.includes(failure) || await this.#check();
        const hasMore = losses++ < this.#limits.maxOpenConnections;
        if (failure !== "lost" || !isUp || !isRepeatable || !hasMore) throw toValetError(thrown);
      }
    }
  }

  /** Works in one transaction. Throws like {@link use}. */
  transact<Result>(
    work: (session: Session) => Promise<Result>,
    options?: UseOptions,
  ): Promise<Result> {
    return this.use(async (session) => {
      await session.query("START TRANSACTION");
      let result;
      try {
        result = await work(session);
      } catch (thrown) {
        if (classifyError(thrown) !== "lost") await session.query("ROLLBACK");
        throw thrown;
      }
      await session.query("COMMIT");
      return result;
    }, options);
  }

  /** Whether the server can be used now. */
  async health(): Promise<Health> {
    if (!this.#outage.isDown && await this.#check()) return { isHealthy: true };
    return { isHealthy: false, reason: this.#outage.unavailable().message };
  }

  /** Whether the server is known to be lost. */
  get isDown(): boolean {
    return this.#outage.isDown;
  }

  /** Ends all connections. Nothing may be under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    // What a lost server is asked now has no answer to wait for.
    if (this.isDown) this.#killAll();
    await this.#outage.close();
    await this.#endPool();
  }

  async #once<Result>(
    work: (session: Session) => Promise<Result>,
    timeoutMs: number = this.#address.queryTimeoutMs,
  ): Promise<Result> {
    const connection = await this.#acquire();
    try {
      const result = await work(this.#openSession(connection, timeoutMs));
      connection.release();
      return result;
    } catch (thrown) {
      // A server that has become read-only stays so for this connection, and another may lead to its successor.
      if (["lost", "full"].includes(classifyError(thrown))) kill(connection);
      else connection.release();
      throw thrown;
    }
  }

  async #acquire(): Promise<PoolConnection> {
    for (;;) {
      const connection = await new Promise<PoolConnection>((resolve, reject) => {
        this.#pool.getConnection((error, connection) => {
          // mysql2 does not say where it waited in vain.
          if (error?.message === "connect ETIMEDOUT") error.message += ` ${this.#place}`;
          if (error) reject(error);
          else resolve(connection);
        });
      });
      const bornMs = this.#bornMs.get(connection);
      if (bornMs === undefined) {
        await this.#prepare(connection);
        return connection;
      }
      if (steadyNow() - bornMs < this.#limits.connectionMaxLifetimeMs) return connection;
      connection.end();
    }
  }

  get #place(): string {
    const { host, port, socketPath } = this.#address;
    return socketPath ?? `${host}:${port}`;
  }

  async #prepare(connection: PoolConnection): Promise<void> {
    this.#bornMs.set(connection, steadyNow());
    connection.on("end", () => this.#bornMs.delete(connection));
    connection.on("error", () => {
      this.#bornMs.delete(connection);
      // An idle node has nothing else that tells it.
      if (!this.#outage.isDown && !this.#closing.signal.aborted) void this.#check();
    });
    const session = this.#openSession(connection, this.#address.queryTimeoutMs);
    try {
      for (const statement of sessionStatements) await session.query(statement);
    } catch (thrown) {
      kill(connection);
      throw thrown;
    }
  }

  #openSession(connection: PoolConnection, timeoutMs: number): Session {
    const ask = async (sql: string, values?: readonly Value[]) => {
      try {
        const answer = await askInTime(connection, sql, values, timeoutMs);
        this.#answeredMs = steadyNow();
        return answer;
      } catch (thrown) {
        if (classifyError(thrown) !== "lost") this.#answeredMs = steadyNow();
        throw thrown;
      }
    };
    return {
      query: async (sql) => await ask(sql) as Value[][],
      execute: async (sql, values) => await ask(sql, values) as Value[][],
      write: async (sql, values) =>
        (await ask(sql, values) as { affectedRows: number }).affectedRows,
    };
  }

  /** Whether the server is there; if not, the outage has begun. All who ask at once share one question. */
  #check(): Promise<boolean> {
    return this.#checking ??= this.#ping()
      .then(() => true, (thrown) => {
        this.#outage.report(thrown);
        this.#killAll();
        return false;
      })
      .finally(() => this.#checking = undefined);
  }

  async #ping(): Promise<void> {
    await this.#askInTime((timeoutMs) => this.#measure(timeoutMs));
    const { testWrite } = this;
    if (testWrite === undefined) return;
    await this.#askInTime((timeoutMs) =>
      this.#once(async (session) => void await session.query(testWrite), timeoutMs)
    );
  }

  async #askInTime(ask: (timeoutMs: number) => Promise<void>): Promise<void> {
    const startMs = steadyNow();
    const timeoutMs = Math.min(pingTimeoutMs, this.#address.queryTimeoutMs);
    const timeUp = Promise.withResolvers<never>();
    const cancelTimer = startTimer(timeoutMs, () => timeUp.reject(timeoutError(timeoutMs)));
    try {
      await Promise.race([this.#askAnywhere(() => ask(timeoutMs)), timeUp.promise]);
    } catch (thrown) {
      // All connections may be busy: whoever answered somebody else is there, unless this is the answer.
      const isAnswer = classifyError(thrown) !== "lost";
      if (isAnswer || this.#answeredMs <= startMs) {
        throw new Error(reasonOf(thrown), { cause: thrown });
      }
    } finally {
      cancelTimer();
    }
  }

  /** By a connection that is open, if one of them is of use, else by a new one. */
  async #askAnywhere(ask: () => Promise<void>): Promise<void> {
    for (let openCount = this.#bornMs.size;; openCount--) {
      try {
        return await ask();
      } catch (thrown) {
        if (openCount <= 0 || classifyError(thrown) !== "lost") throw thrown;
      }
    }
  }

  async #measure(timeoutMs?: number): Promise<void> {
    await this.#once(async (session) => {
      const startMs = steadyNow();
      const [[nowMs, maxPacketBytes] = []] = await session.query(
        // A connection keeps the limit with which it was opened; the next one may have a smaller one.
        "SELECT UNIX_TIMESTAMP(NOW(3)) * 1000, " +
          "LEAST(@@session.max_allowed_packet, @@global.max_allowed_packet)",
      );
      const isFirst = this.#measuredMs === 0;
      this.#measuredMs = steadyNow();
      // The longer the answer took, the less it says: what is known is better then.
      if (isFirst || this.#measuredMs - startMs <= maxMeasureMs) {
        this.#offsetMs = Number(nowMs) - (startMs + this.#measuredMs) / 2;
      }
      const allowedBytes = this.#address.maxPacketBytes ?? Infinity;
      this.maxPacketBytes = Math.min(Number(maxPacketBytes), allowedBytes);
    }, timeoutMs);
  }

  async #endPool(): Promise<void> {
    const closing = new AbortController();
    this.#pool.end(() => closing.abort());
    await systemClock.sleep(closeTimeoutMs, closing.signal);
    this.#killAll();
  }

  #killAll(): void {
    for (const connection of this.#bornMs.keys()) kill(connection);
  }
}

function askInTime(
  connection: PoolConnection,
  sql: string,
  values: readonly Value[] | undefined,
  timeoutMs: number,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const cancelTimer = startTimer(timeoutMs, () => {
      reject(timeoutError(timeoutMs));
      kill(connection);
    });
    const answer = (error: unknown, result: unknown) => {
      cancelTimer();
      if (error) reject(error);
      else resolve(result);
    };
    // The server parses a prepared statement once for each connection, and no value is ever part of it.
    if (values === undefined) connection.query({ sql, rowsAsArray: true }, answer);
    else connection.execute({ sql, rowsAsArray: true }, [...values], answer);
  });
}

/** Drops the connection with whatever it waits for; mysql2 itself would wait for the server to agree. */
function kill(connection: PoolConnection): void {
  (connection as unknown as { stream: { destroy(): void } }).stream.destroy();
}

function timeoutError(timeoutMs: number): Error {
  const message = `no answer within ${timeoutMs} ms`;
  return Object.assign(new Error(message), { code: "ETIMEDOUT" });
}

function poolOptions(address: MysqlAddress, limits: PoolLimits): PoolOptions {
  const { host, port, socketPath, user, password, database, tls, caPem } = address;
  return {
    ...(socketPath === undefined ? { host, port } : { socketPath }),
    user,
    password,
    database,
    ...(tls === "off" ? {} : {
      ssl: {
        rejectUnauthorized: tls === "verified",
        verifyIdentity: tls === "verified",
        ...(caPem === undefined ? {} : { ca: caPem }),
      },
    }),
    compress: address.compress,
    enableCleartextPlugin: address.allowCleartextPasswords,
    connectAttributes: { program_name: "valet", ...address.attributes },
    connectTimeout: address.connectTimeoutMs,
    connectionLimit: limits.maxOpenConnections,
    maxIdle: limits.maxIdleConnections,
    maxPreparedStatements,
    // A connection that has had its time says good-bye, or the server would log it as aborted.
    gracefulEnd: true,
    charset: "utf8mb4_bin",
    timezone: "Z",
    // The server must not be able to ask for files of this machine.
    flags: ["-LOCAL_FILES"],
  };
}
