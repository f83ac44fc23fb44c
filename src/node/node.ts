// One running Valet: opens everything in order, reports on it, closes it in order.
// Called by src/node/commands.ts for `serve`; knows drivers and tasks only as what it is given.

import { createAccessLog } from "../http/access_log.ts";
import { type Clock, endsWithin, systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { Dispatcher } from "../engine/dispatcher.ts";
import { Pool } from "../executor/host/pool.ts";
import type { RunnerCommand } from "../executor/host/runner_process.ts";
import { createApp } from "../http/app.ts";
import { openListener } from "../http/listener.ts";
import { JobOrigins } from "../jobs/origins.ts";
import { createParamsCheck } from "../jobs/params_check.ts";
import { createJobService } from "../jobs/service.ts";
import { getLogger } from "../log/log.ts";
import type { Queue } from "../jobs/queue.ts";
import type { Repository } from "../jobs/repository.ts";
import { Scheduler } from "../engine/scheduler.ts";
import { defaultMaxConnections } from "./connection_limit.ts";
import { defaultMaxWorkers } from "./max_workers.ts";
import type { DriverStatus, StatusReport } from "./status.ts";
import { memoryHint } from "./stores.ts";
import type { TaskDescription } from "../tasks/description.ts";
import { isLoopbackHost, urlHost } from "../url_host.ts";
import type { BuildInfo } from "./version.ts";

/** What a node is made of. */
export interface NodeParts {
  readonly config: Config;
  readonly tasks: ReadonlyMap<string, TaskDescription>;
  readonly repository: Repository;
  readonly queue: Queue;
  readonly build: BuildInfo;
  /** The module of a worker: it calls `serveTasks`. */
  readonly workerUrl: URL;
  readonly runnerCommand: RunnerCommand;
  /** Called when the node must end to get rid of runaway threads. */
  readonly onExhausted: () => void;
  /** Called when the node must end because its API cannot be reached any more. */
  readonly onDeaf: () => void;
}

/** A running node. */
export interface Node {
  readonly hostname: string;
  readonly port: number;
  /**
   * Stops the intake, drains within the grace period of the configuration, gives the rest back and
   * closes everything.
   */
  stop(): Promise<void>;
}

/** For requests, between the starts of two workers, each of which holds the node up for 10 to 50 ms. */
const warmUpPauseMs = 20;
/** How long requests under way may take once the jobs have ended. */
const maxAnswerMs = 1_000;

const log = getLogger("node");

/**
 * Starts a node.
 *
 * @throws ValetError `failed_precondition` where it cannot listen: then nothing is left running.
 */
export async function openNode(parts: NodeParts): Promise<Node> {
  const { config, tasks, repository, queue } = parts;
  const { workerPool, server } = config;
  const { leaseMs, maxCrashes } = workerPool;
  // Nodes whose clocks differ share the time of their store.
  const clock: Clock = { now: () => repository.now(), sleep: systemClock.sleep };
  const startedAtMs = performance.now();
  const stopping = new AbortController();

  const origins = new JobOrigins();
  const maxWorkers = workerPool.maxWorkers ?? await defaultMaxWorkers(tasks, workerPool);
  const dispatcher = new Dispatcher({
    repository,
    queue,
    tasks,
    clock,
    origins,
    leaseMs,
    maxCrashes,
    createPool: (events) =>
      new Pool({
        ...workerPool,
        ...events,
        maxWorkers,
        tasks,
        taskSettings: config.tasks,
        workerUrl: parts.workerUrl,
        runnerCommand: parts.runnerCommand,
        clock,
        onExhausted: parts.onExhausted,
      }),
  });
  const scheduler = new Scheduler({
    repository,
    queue,
    clock,
    pollingIntervalMs: config.scheduler.pollingIntervalMs,
    leaseMs,
    maxCrashes,
    holds: (jobId) => dispatcher.holds(jobId),
  });
  const paramsCheck = createParamsCheck();
  const service = createJobService({
    repository,
    queue,
    tasks,
    paramsCheck,
    clock,
    timeoutUnit: config.timeoutUnit,
    origins,
    onScheduled: (runAtMs) => scheduler.wakeAt(runAtMs),
    onDeleted: (job) => dispatcher.abort(job),
  });

  async function status(): Promise<StatusReport> {
    const stats = dispatcher.pool.stats();
    const { nextRunAtMs } = scheduler;
    const [counts, repositoryStatus, queueStatus] = await Promise.all([
      repository.count().catch(() => undefined),
      driverStatus(config.repository.option, repository),
      describeQueue(config.jobQueue.option, queue),
    ]);
    return {
      version: parts.build.version,
      commit: parts.build.commit,
      build_time: parts.build.buildTime,
      time: new Date(clock.now()).toISOString(),
      uptime: Math.floor((performance.now() - startedAtMs) / 1000),
      stopping: stopping.signal.aborted,
      repository: {
        ...repositoryStatus,
        ...(counts === undefined ? {} : { jobs: counts.byStatus }),
      },
      queue: queueStatus,
      workers: {
        isolation: workerPool.isolation,
        concurrency: workerPool.concurrency,
        busy: stats.busy,
        idle: stats.idle,
        waiting: stats.waiting,
        started: stats.started,
        lost: stats.lost,
        runaways: stats.runaways,
        quarantined_tasks: stats.quarantinedTasks,
        unloadable_tasks: stats.unloadableTasks,
      },
      scheduler: nextRunAtMs === null ? {} : { next_run_at: new Date(nextRunAtMs).toISOString() },
    };
  }

  const app = createApp({
    service,
    tasks,
    paramsCheck,
    clock: systemClock,
    status,
    timeoutUnit: config.timeoutUnit,
    maxBodyBytes: server.maxBodyBytes,
    bodyTimeoutMs: server.bodyTimeoutMs,
    host: server.host,
    hosts: server.hosts,
    corsOrigins: server.corsOrigins,
    logAccess: server.accessLog ? createAccessLog() : () => {},
  });
  const listener = await openListener(
    {
      ...server,
      kind: server.listener,
      hostname: server.host,
      port: config.port,
      maxConnections: server.maxConnections ?? await defaultMaxConnections(),
    },
    app.fetch,
    parts.onDeaf,
  );
  const { hostname, port } = listener;
  dispatcher.start();
  scheduler.start();
  void warmUp(dispatcher.pool, workerPool.isolation, stopping.signal);
  log.info("listening", {
    address: `http://${urlHost(hostname)}:${port}`,
    repository: config.repository.option,
    queue: config.jobQueue.option,
    isolation: workerPool.isolation,
    concurrency: workerPool.concurrency,
    tasks: tasks.size,
    version: parts.build.version,
  });
  if (config.repository.option === "memory") log.info(`jobs are kept in memory: ${memoryHint}`);
  if (!isLoopbackHost(server.host)) {
    log.warn(
      "server.host lets other machines reach the API, and there is no authentication: whoever reaches it can run " +
        "every task; 127.0.0.1 keeps it to this machine",
      { host: server.host, port },
    );
    if (server.listener === "deno") {
      log.warn(
        "server.listener deno bounds neither connections nor heads, idle or unread ones: without a proxy that does, " +
          "anybody who reaches it can stop the API; server.listener node does so itself",
        { host: server.host, port },
      );
    }
  }

  return {
    hostname,
    port,
    async stop() {
      stopping.abort();
      log.info("stopping: no new jobs, running ones may finish", {
        grace_ms: server.shutdownGraceMs,
      });
      // New connections are refused at once; requests under way get their answers.
      const closed = listener.close();
      // Side by side: a store that does not answer the one must not hold up the other.
      await Promise.all([scheduler.stop(), dispatcher.stop(server.shutdownGraceMs)]);
      await endsWithin(closed, Math.min(server.shutdownGraceMs, maxAnswerMs));
      listener.abort();
      try {
        await queue.close();
      } finally {
        await repository.close();
      }
      log.info("stopped");
    },
  };
}

/** Threads one after the other: each start holds the node up, and requests are answered in between. */
async function warmUp(
  pool: Pool,
  isolation: Config["workerPool"]["isolation"],
  signal: AbortSignal,
): Promise<void> {
  const pauseMs = isolation === "worker" ? warmUpPauseMs : 0;
  do {
    await systemClock.sleep(pauseMs, signal);
  } while (!signal.aborted && pool.warmUp());
}

async function describeQueue(driver: string, queue: Queue): Promise<StatusReport["queue"]> {
  const status = await driverStatus(driver, queue);
  // At once: a broker that is lost while the repository counts has no room to ask for.
  const room = status.healthy ? queue.room() : Infinity;
  return { ...status, ...(room === Infinity ? {} : { room }) };
}

async function driverStatus(
  driver: string,
  port: Pick<Repository | Queue, "health">,
): Promise<DriverStatus> {
  const { isHealthy, reason } = await port.health();
  return { driver, healthy: isHealthy, ...(reason === undefined ? {} : { reason }) };
}
