// What the code sees of the configuration. Types only: src/config/schema.ts says what is allowed and what
// the defaults are, and the compiler holds the two together.

/** Everything that a configuration file decides; deeply frozen, with no default left open. */
export interface Config {
  /** 0: any free port. */
  readonly port: number;
  /** What the `timeout` of a job counts in. */
  readonly timeoutUnit: "second" | "millisecond";
  /** How a log record is written. */
  readonly loggingFormat: "text" | "json";
  /** The least severe records to log. */
  readonly loggingLevel: "debug" | "info" | "warn" | "error";
  /** The HTTP server. */
  readonly server: ServerConfig;
  /** The queue driver by name, and the options of each. */
  readonly jobQueue: JobQueueConfig;
  /** The workers that run jobs. */
  readonly workerPool: WorkerPoolConfig;
  /** What each task finds in its context: name of the task to its settings, named as in the file. */
  readonly tasks: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** How often the scheduler looks for jobs that other nodes stored. */
  readonly scheduler: { readonly pollingIntervalMs: number };
  /** How often a queue that cannot push is asked. */
  readonly consumer: { readonly pollingIntervalMs: number };
  /** The repository driver by name, and the options of each. */
  readonly repository: RepositoryConfig;
}

/** The HTTP server. */
export interface ServerConfig {
  /** A host name or an IP address. */
  readonly host: string;
  /** What listens. */
  readonly listener: "node" | "deno";
  /** Undefined: what the limit of descriptors leaves. */
  readonly maxConnections: number | undefined;
  /** For a client to send the head of a request. */
  readonly headTimeoutMs: number;
  /** For a client to send the next request on a connection. */
  readonly idleTimeoutMs: number;
  /** For a client to read a part of its answer. */
  readonly sendTimeoutMs: number;
  /** The name of this node, for people. */
  readonly nodeName: string;
  /** Of a request. */
  readonly maxBodyBytes: number;
  /** For a client to send a whole body. */
  readonly bodyTimeoutMs: number;
  /** For running jobs to end, once the server stops. */
  readonly shutdownGraceMs: number;
  /** For a store or a broker that is not there yet, at the start. */
  readonly startupWaitMs: number;
  /** Names, beside those of the loopback interface, under which Valet may be called there; without a port. */
  readonly hosts: readonly string[];
  /** `*` or origins as browsers write them; empty: no page of another origin may call the API. */
  readonly corsOrigins: readonly string[];
  /** Whether every request is logged. */
  readonly accessLog: boolean;
}

/** The queue driver by name, and the options of each. */
export interface JobQueueConfig {
  /** The driver in use. */
  readonly option: "memory" | "rabbitmq";
  /** How many jobs may wait with the memory queue; Infinity: any number, because the repository holds them. */
  readonly memory: { readonly capacity: number };
  /** How the queue is declared at the broker, in AMQP's terms. */
  readonly rabbitmq: {
    readonly queueName: string;
    readonly queueType: "classic" | "quorum";
    /** Beside those of `queueType`: names that begin with `x-`. */
    readonly arguments: Readonly<Record<string, string | number | boolean>>;
    /** Whether the queue is never declared. */
    readonly passive: boolean;
    readonly durable: boolean;
    readonly deletedWhenUnused: boolean;
    readonly exclusive: boolean;
    readonly nowait: boolean;
  };
}

/** The workers that run jobs. */
export interface WorkerPoolConfig {
  /** How many jobs run at once. */
  readonly concurrency: number;
  /** How many workers are kept; undefined: what the tasks and the memory of the machine suggest. */
  readonly maxWorkers: number | undefined;
  /** How many jobs may wait inside the pool. */
  readonly backlog: number;
  /** How many jobs share a worker. */
  readonly jobsPerWorker: number;
  /** A thread of the server, or a process that can always be killed. */
  readonly isolation: "worker" | "process";
  /** Of a job's result, as JSON. */
  readonly maxResultBytes: number;
  /** For a task to stop, once it was aborted. */
  readonly killGraceMs: number;
  /** Of one runner process; in MiB. */
  readonly maxMemoryMb: number;
  /** How many runaway threads make the server drain and exit with code 1. */
  readonly maxRunaways: number;
  /** How long a claim holds in a shared repository, unless it is renewed. */
  readonly leaseMs: number;
  /** How often the node of a job may die until the job has failed. */
  readonly maxCrashes: number;
}

/** The repository driver by name, and the options of each. */
export interface RepositoryConfig {
  /** The driver in use. */
  readonly option: "memory" | "sqlite" | "mysql";
  /** How much the memory repository keeps; in MiB. */
  readonly memory: { readonly maxMemoryMb: number };
  /** The file, and whether every commit reaches the disk at once. */
  readonly sqlite: { readonly path: string; readonly synchronous: "full" | "normal" };
  /** The connection pool of the MySQL repository. */
  readonly mysql: {
    readonly connectionMaxLifetimeMs: number;
    readonly maxIdleConnections: number;
    readonly maxOpenConnections: number;
  };
}
