// Every setting of the configuration, once: its key, what is allowed, its default and what it does.
// The types, the checks, the error texts and the reference table all come from here.

import * as v from "valibot";
import { choice, duration, flag, flatMap, integer, port, text } from "./values.ts";
import { host, hostList, originList } from "./host_values.ts";
import { defaultNodeName } from "./node_name.ts";
import { derived, setting, type SettingNotes } from "./setting.ts";
import type { Config } from "./shape.ts";
import { valuePath } from "../value_path.ts";

/** A value that is not allowed. */
export interface WrongValue {
  /** The dotted key of the setting. */
  readonly key: string;
  /** The dotted key, and for an item of a list its index: `server.cors_origins[0]`. */
  readonly path: string;
  /** As it stands in the file. */
  readonly value: unknown;
}

/** Checks the values of dotted keys; finds everything that is wrong. A null value is the default. */
export function checkSettings(
  values: ReadonlyMap<string, unknown>,
): { readonly config: Config } | { readonly wrong: readonly WrongValue[] } {
  const timeoutUnitMs = values.get("timeout_unit") === "millisecond" ? 1 : 1000;
  const schema = createSettingsSchema(timeoutUnitMs);
  const result = v.safeParse(schema, Object.fromEntries(values), { abortPipeEarly: true });
  if (result.success) return { config: freeze(arrange(result.output)) };
  return { wrong: result.issues.map(({ path }) => wrongValueAt(path!)) };
}

/** Every setting, in the order of the reference table: dotted key to what is known of it. */
export function listSettings(): ReadonlyMap<string, SettingNotes> {
  const entries = Object.entries(createSettingsSchema(1000).entries);
  return new Map(
    entries.map(([key, schema]) => [key, v.getMetadata(schema) as unknown as SettingNotes]),
  );
}

/**
 * The schema of all settings, flat: dotted key to value. Durations come out in milliseconds. A default
 * that depends on the machine or on another setting comes out as null.
 */
function createSettingsSchema(timeoutUnitMs: number) {
  const span = (min: string, max: string) =>
    duration(min, max, { ms: timeoutUnitMs, name: "timeout_unit" });
  return v.object({
    "port": setting(port(), 8080, "The port to listen on; 0 takes any free one."),
    "server.host": setting(
      host(),
      "127.0.0.1",
      "The address to listen on; 0.0.0.0: all of IPv4, for other machines too.",
    ),
    "server.hosts": setting(
      hostList(),
      [],
      "Names that `Host` may have where `server.host` is a loopback address, beside 127.0.0.1, localhost and [::1].",
    ),
    "server.listener": setting(
      choice("node", "deno"),
      "node",
      "What listens: `node` bounds connections, heads and unread answers; `deno` is faster and for use behind a proxy.",
    ),
    "server.max_connections": derived(
      integer(1, 1_000_000),
      "what the limit of descriptors leaves, at most 4096",
      "How many connections may be open at once; with the listener `node`.",
    ),
    "server.head_timeout": setting(
      span("100ms", "1h"),
      "10s",
      "How long a client may take to send the head of a request; with the listener `node`.",
    ),
    "server.idle_timeout": setting(
      span("100ms", "24h"),
      "75s",
      "How long a connection may wait for its next request; with the listener `node`.",
    ),
    "server.send_timeout": setting(
      span("100ms", "24h"),
      "30s",
      "How long a client may take to read a part of its answer; with the listener `node`.",
    ),
    "server.node_name": derived(
      text(/^[\w.-]{1,100}$/, "a name of 1 to 100 letters, digits, dots, hyphens or underscores"),
      "host name and five random characters",
      "The name of this node in every record of the log.",
    ),
    "server.max_body_bytes": setting(
      integer(1, 268_435_456, "bytes"),
      1_048_576,
      "The largest request body.",
    ),
    "server.body_timeout": setting(
      span("1ms", "1h"),
      "10s",
      "How long a client may take to send a request body.",
    ),
    "server.shutdown_grace": setting(
      span("0s", "1h"),
      "5s",
      "How long running jobs may go on after the server was told to stop.",
    ),
    "server.startup_wait": setting(
      span("0s", "24h"),
      "30s",
      "How long to wait at the start for a store or a broker that is not there yet.",
    ),
    "server.cors_origins": setting(
      originList(),
      [],
      "The origins whose web pages may call the API, beside its own; `*`: any.",
    ),
    "server.access_log": setting(flag(), true, "Whether to log requests; reads at level debug."),
    "job_queue.option": setting(choice("memory", "rabbitmq"), "memory", "What holds waiting jobs."),
    "job_queue.memory_job_queue.capacity": derived(
      integer(1, 10_000_000),
      "100 with the memory repository, else no bound",
      "How many jobs that could start now may wait with the memory queue; one more is refused.",
    ),
    "job_queue.rabbitmq.queue_name": setting(
      text(/^(?!amq\.)[\x20-\x7e]{1,255}$/, "a name of 1 to 255 ASCII characters other than amq.*"),
      "job",
      "The name of the queue.",
    ),
    "job_queue.rabbitmq.queue_type": setting(
      choice("classic", "quorum"),
      "classic",
      "`quorum`: the brokers of a cluster replicate the queue; it must be durable.",
    ),
    "job_queue.rabbitmq.arguments": setting(
      flatMap(
        /^x-[\x21-\x7e]{1,100}$/,
        "a mapping of names that begin with x- to texts, integers, true or false",
      ),
      {},
      "More arguments to declare the queue with, such as `x-max-length: 100000`.",
    ),
    "job_queue.rabbitmq.passive": setting(
      flag(),
      false,
      "Whether the queue must be there already; Valet then does not declare it.",
    ),
    "job_queue.rabbitmq.durable": setting(
      flag(),
      false,
      "Whether the queue outlives a restart of the broker.",
    ),
    "job_queue.rabbitmq.deleted_when_unused": setting(
      flag(),
      false,
      "Whether the broker removes the queue once its last consumer has gone.",
    ),
    "job_queue.rabbitmq.exclusive": setting(
      flag(),
      false,
      "Whether the queue belongs to one connection alone.",
    ),
    "job_queue.rabbitmq.nowait": setting(
      flag(),
      false,
      "Whether to declare the queue without waiting for the broker's answer.",
    ),
    "worker_pool.concurrency": derived(
      integer(1, 4096),
      "number of cores",
      "How many jobs run at once.",
    ),
    "worker_pool.max_workers": derived(
      integer(1, 8192),
      "sets of permissions + concurrency",
      "How many workers are kept; by default no more than a quarter of the memory has room for.",
    ),
    "worker_pool.backlog": derived(
      integer(1, 1_000_000),
      "concurrency * 2",
      "How many jobs may wait inside the worker pool.",
    ),
    "worker_pool.jobs_per_worker": setting(
      integer(1, 1000),
      1,
      "How many jobs share a worker; more than 1 suits tasks that mostly wait.",
    ),
    "worker_pool.isolation": setting(
      choice("worker", "process"),
      "worker",
      "What runs a task: a thread of the server, or a process that can always be killed.",
    ),
    "worker_pool.max_result_bytes": setting(
      integer(1, 268_435_456, "bytes"),
      1_048_576,
      "The largest result of a job, as JSON.",
    ),
    "worker_pool.kill_grace": setting(
      span("0s", "10m"),
      "500ms",
      "How long a task may take to stop after it was aborted.",
    ),
    "worker_pool.max_memory_mb": setting(
      integer(64, 1_048_576, "MiB"),
      512,
      "The memory of one process with `isolation: process`; above it the process is killed and its job fails.",
    ),
    "worker_pool.max_runaways": derived(
      integer(1, 4096),
      "concurrency",
      "How many threads may run away before the server drains and exits with code 1.",
    ),
    "worker_pool.lease": setting(
      span("1s", "24h"),
      "30s",
      "How long after its node's death a job in a shared repository is run by another node.",
    ),
    "worker_pool.max_crashes": setting(
      integer(1, 1000),
      3,
      "A job whose node died this often while it held the job has failed.",
    ),
    "tasks.http_request.allow_private": setting(
      flag(),
      false,
      "Whether `http_request` may connect to private addresses: loopback, intranet, cloud metadata.",
    ),
    "tasks.csv_report.allow_private": setting(
      flag(),
      false,
      "Whether `csv_report` may connect to private addresses.",
    ),
    "scheduler.repository_polling_interval": setting(
      span("1ms", "24h"),
      "60s",
      "How often to look for due jobs that another node stored.",
    ),
    "consumer.job_queue_polling_interval": setting(
      span("1ms", "24h"),
      "1s",
      "How often to ask a queue that cannot push.",
      "consumer.job_queue_polling_timeout",
    ),
    "repository.option": setting(
      choice("memory", "sqlite", "mysql"),
      "memory",
      "What stores the jobs: this process, a file, or a server that several nodes can share.",
    ),
    "repository.memory.max_memory_mb": setting(
      integer(16, 1_048_576, "MiB"),
      1024,
      "Above it the oldest finished jobs are forgotten; if none has finished, new ones are refused.",
    ),
    "repository.sqlite.path": setting(
      text(/^[^\0]{1,4096}$/, "the path of a file"),
      "valet.db",
      "The file of the SQLite repository; one node at a time may use it, other programs may read it.",
    ),
    "repository.sqlite.synchronous": setting(
      choice("full", "normal"),
      "full",
      "`full`: what was accepted survives a loss of power; `normal`: only the end of the process.",
    ),
    "repository.mysql.connection_max_lifetime": setting(
      duration("1ms", "24h", { ms: 1, name: "milliseconds" }),
      3000,
      "How long a connection is used; here an integer counts milliseconds.",
    ),
    "repository.mysql.max_idle_connections": setting(
      integer(1, 10_000),
      8,
      "How many unused connections are kept.",
    ),
    "repository.mysql.max_open_connections": setting(
      integer(1, 10_000),
      8,
      "How many connections may be open at once.",
    ),
    "timeout_unit": setting(
      choice("second", "millisecond"),
      "second",
      "What the `timeout` of a job and a duration without a unit count in.",
    ),
    "logging_format": setting(choice("text", "json"), "text", "How a log record is written."),
    "logging_level": setting(
      choice("debug", "info", "warn", "error"),
      "info",
      "The least severe records to log.",
    ),
  });
}

type Settings = v.InferOutput<ReturnType<typeof createSettingsSchema>>;

/** Gives the settings their names in the code, and fills in the defaults that depend on others. */
function arrange(settings: Settings): Config {
  const concurrency = settings["worker_pool.concurrency"] ?? navigator.hardwareConcurrency;
  const defaultCapacity = settings["repository.option"] === "memory" ? 100 : Infinity;
  return {
    port: settings["port"],
    timeoutUnit: settings["timeout_unit"],
    loggingFormat: settings["logging_format"],
    loggingLevel: settings["logging_level"],
    server: {
      host: settings["server.host"],
      listener: settings["server.listener"],
      maxConnections: settings["server.max_connections"] ?? undefined,
      headTimeoutMs: settings["server.head_timeout"],
      idleTimeoutMs: settings["server.idle_timeout"],
      sendTimeoutMs: settings["server.send_timeout"],
      nodeName: settings["server.node_name"] ?? defaultNodeName(),
      maxBodyBytes: settings["server.max_body_bytes"],
      bodyTimeoutMs: settings["server.body_timeout"],
      shutdownGraceMs: settings["server.shutdown_grace"],
      startupWaitMs: settings["server.startup_wait"],
      hosts: settings["server.hosts"],
      corsOrigins: settings["server.cors_origins"],
      accessLog: settings["server.access_log"],
    },
    jobQueue: {
      option: settings["job_queue.option"],
      memory: { capacity: settings["job_queue.memory_job_queue.capacity"] ?? defaultCapacity },
      rabbitmq: {
        queueName: settings["job_queue.rabbitmq.queue_name"],
        queueType: settings["job_queue.rabbitmq.queue_type"],
        arguments: settings["job_queue.rabbitmq.arguments"],
        passive: settings["job_queue.rabbitmq.passive"],
        durable: settings["job_queue.rabbitmq.durable"],
        deletedWhenUnused: settings["job_queue.rabbitmq.deleted_when_unused"],
        exclusive: settings["job_queue.rabbitmq.exclusive"],
        nowait: settings["job_queue.rabbitmq.nowait"],
      },
    },
    workerPool: {
      concurrency,
      maxWorkers: settings["worker_pool.max_workers"] ?? undefined,
      backlog: settings["worker_pool.backlog"] ?? concurrency * 2,
      jobsPerWorker: settings["worker_pool.jobs_per_worker"],
      isolation: settings["worker_pool.isolation"],
      maxResultBytes: settings["worker_pool.max_result_bytes"],
      killGraceMs: settings["worker_pool.kill_grace"],
      maxMemoryMb: settings["worker_pool.max_memory_mb"],
      maxRunaways: settings["worker_pool.max_runaways"] ?? concurrency,
      leaseMs: settings["worker_pool.lease"],
      maxCrashes: settings["worker_pool.max_crashes"],
    },
    tasks: {
      http_request: { allow_private: settings["tasks.http_request.allow_private"] },
      csv_report: { allow_private: settings["tasks.csv_report.allow_private"] },
    },
    scheduler: { pollingIntervalMs: settings["scheduler.repository_polling_interval"] },
    consumer: { pollingIntervalMs: settings["consumer.job_queue_polling_interval"] },
    repository: {
      option: settings["repository.option"],
      memory: { maxMemoryMb: settings["repository.memory.max_memory_mb"] },
      sqlite: {
        path: settings["repository.sqlite.path"],
        synchronous: settings["repository.sqlite.synchronous"],
      },
      mysql: {
        connectionMaxLifetimeMs: settings["repository.mysql.connection_max_lifetime"],
        maxIdleConnections: settings["repository.mysql.max_idle_connections"],
        maxOpenConnections: settings["repository.mysql.max_open_connections"],
      },
    },
  };
}

function wrongValueAt(path: readonly v.IssuePathItem[]): WrongValue {
  const keys = path.map(({ input, key }) => Array.isArray(input) ? Number(key) : String(key));
  return { key: String(keys[0]), path: valuePath(keys), value: path.at(-1)!.value };
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(freeze);
  return Object.freeze(value);
}
