// Talks to a running Valet over HTTP, as its clients do, and waits for jobs.

import { strict as assert } from "node:assert";
import type { ValetProcess } from "./valet_process.ts";
import { defaultDeadlineMs } from "./within.ts";

/** A job as the API shows it. */
export interface ShownJob {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly task_name: string;
  readonly timeout?: number | string;
  readonly status: string;
  readonly failure_reason?: string;
  readonly run_at?: string;
  readonly created_at: string;
  readonly scheduled_at?: string;
  readonly started_at?: string;
  readonly completed_at?: string;
  readonly duration?: number;
}

/** What `GET /status` tells, as far as tests look at it. */
export interface ShownStatus {
  readonly repository: { readonly jobs: Readonly<Record<string, number>> };
  readonly queue: { readonly room: number };
  readonly workers: {
    readonly busy: number;
    readonly waiting: number;
    readonly started: number;
    readonly lost: number;
    readonly runaways: number;
    readonly quarantined_tasks: readonly string[];
    readonly unloadable_tasks: readonly string[];
  };
}

/** An answer, its body parsed; undefined: it had none. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- each test knows the shape that it checks
  readonly body: any;
}

/** What a test asks for beside the task. */
export interface JobWish {
  /** In milliseconds where the server's `timeout_unit` says so. */
  readonly timeout?: number;
  readonly run_at?: string;
}

/** A client of one server. */
export class ApiClient {
  readonly baseUrl: string;
  readonly #process: ValetProcess;

  constructor(baseUrl: string, process: ValetProcess) {
    this.baseUrl = baseUrl;
    this.#process = process;
  }

  /** Sends a request; `body` goes as JSON. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> {
    const response = await fetch(this.baseUrl + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { "content-type": "application/json", ...headers },
      signal: AbortSignal.timeout(defaultDeadlineMs),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
  }

  /** Submits a job that must be accepted; its id. */
  async submit(task: string, params: unknown = {}, wish: JobWish = {}): Promise<string> {
    const body = { name: task, task_name: task, task_params: params, ...wish };
    const answer = await this.request("POST", "/jobs", body);
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    return answer.body.id;
  }

  /** The job as it is now. */
  async job(id: string): Promise<ShownJob> {
    const answer = await this.request("GET", `/jobs/${id}`);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  }

  /** The job once it has finished: the log tells when. */
  async waitForJob(id: string, deadlineMs: number = defaultDeadlineMs): Promise<ShownJob> {
    await this.#process.waitForJobEnd(id, deadlineMs);
    return await this.job(id);
  }

  /** Submits a job and waits for its end. */
  async run(task: string, params: unknown = {}, wish: JobWish = {}): Promise<ShownJob> {
    return await this.waitForJob(await this.submit(task, params, wish));
  }

  /** What the task of a finished job returned. */
  async resultOf(id: string): Promise<unknown> {
    const answer = await this.request("GET", `/jobs/${id}/results`);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body.metadata;
  }

  /** What the server tells of itself. */
  async status(): Promise<ShownStatus> {
    return (await this.request("GET", "/status")).body;
  }
}
