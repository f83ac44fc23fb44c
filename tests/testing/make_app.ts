// The HTTP app on memory drivers and a clock that stands still; called by the tests of src/http.

import { openMemoryQueue } from "../../drivers/queues/memory.ts";
import { openMemoryRepository } from "../../drivers/repositories/memory/repository.ts";
import type { AccessRecord } from "../../src/http/access_log.ts";
import { createApp } from "../../src/http/app.ts";
import { createParamsCheck } from "../../src/jobs/params_check.ts";
import { createJobService, type JobService } from "../../src/jobs/service.ts";
import type { Queue } from "../../src/jobs/queue.ts";
import type { Repository } from "../../src/jobs/repository.ts";
import type { StatusReport } from "../../src/node/status.ts";
import type { Task } from "../../src/tasks/task.ts";
import { describeTable } from "./describe_table.ts";
import { testNowMs } from "./make_job.ts";

/** What a test changes of the app. */
export interface TestAppOptions {
  readonly tasks?: Readonly<Record<string, Task>>;
  readonly service?: Partial<JobService>;
  readonly status?: StatusReport;
  readonly timeoutUnit?: "second" | "millisecond";
  readonly queueCapacity?: number;
  readonly maxSearchMs?: number;
  readonly maxBodyBytes?: number;
  readonly bodyTimeoutMs?: number;
  /** Default: a clock that stands still. */
  readonly now?: () => number;
  /** Default: loopback. */
  readonly host?: string;
  readonly hosts?: readonly string[];
  readonly corsOrigins?: readonly string[];
}

/** The app and what is behind it. */
export interface TestApp {
  readonly repository: Repository;
  readonly queue: Queue;
  /** The access log. */
  readonly records: AccessRecord[];
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** Sends a request; a body that is no string goes as JSON. */
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<TestAnswer>;
  /** Submits a job that must be accepted; its id. */
  submit(fields?: Record<string, unknown>): Promise<string>;
}

/** An answer, its body as text and parsed; undefined: it is empty. */
export interface TestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // deno-lint-ignore no-explicit-any -- each test knows the shape that it checks
  readonly body: any;
}

/** A node that is well and does nothing. */
export const idleStatus: StatusReport = {
  version: "1.2.3",
  commit: "abcdef",
  build_time: "2022-06-06T00:00:00.000Z",
  time: "2022-06-06T15:04:05.999Z",
  uptime: 7,
  stopping: false,
  repository: { driver: "memory", healthy: true },
  queue: { driver: "memory", healthy: true, room: 100 },
  workers: {
    isolation: "worker",
    concurrency: 2,
    busy: 0,
    idle: 2,
    waiting: 0,
    started: 2,
    lost: 0,
    runaways: 0,
    quarantined_tasks: [],
    unloadable_tasks: [],
  },
  scheduler: {},
};

/** An app with the task `dummytask`, unless the options say otherwise. */
export async function makeApp(options: TestAppOptions = {}): Promise<TestApp> {
  const { timeoutUnit = "second" } = options;
  const repository = await openMemoryRepository();
  const queue = await openMemoryQueue({ capacity: options.queueCapacity ?? 1000 });
  const clock = { now: options.now ?? (() => testNowMs), sleep: () => Promise.resolve() };
  const tasks = describeTable(options.tasks ?? { dummytask: () => "some metadata" });
  const records: AccessRecord[] = [];
  const paramsCheck = createParamsCheck();
  const service = createJobService({
    repository,
    queue,
    tasks,
    paramsCheck,
    clock,
    timeoutUnit,
    ...(options.maxSearchMs === undefined ? {} : { maxSearchMs: options.maxSearchMs }),
  });
  const app = createApp({
    service: { ...service, ...options.service },
    tasks,
    paramsCheck,
    clock,
    timeoutUnit,
    status: () => Promise.resolve(options.status ?? idleStatus),
    maxBodyBytes: options.maxBodyBytes ?? 100_000,
    bodyTimeoutMs: options.bodyTimeoutMs ?? 10_000,
    host: options.host ?? "127.0.0.1",
    hosts: options.hosts ?? [],
    corsOrigins: options.corsOrigins ?? [],
    logAccess: (record) => records.push(record),
  });

  async function request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<TestAnswer> {
    const sent = typeof body === "string" ? body : JSON.stringify(body) ?? null;
    const response = await app.request(path, { method, body: sent, headers });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === "" ? undefined : JSON.parse(text),
    };
  }

  return {
    repository,
    queue,
    records,
    fetch: app.fetch,
    request,
    async submit(fields = {}) {
      const answer = await request("POST", "/jobs", {
        name: "a job",
        task_name: "dummytask",
        ...fields,
      });
      if (answer.status !== 202) throw new Error(answer.text);
      return answer.body.id;
    },
  };
}
