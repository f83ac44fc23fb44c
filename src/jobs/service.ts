// The use cases of jobs: create, get, list, update, delete, and results. All their rules stand here and in
// src/jobs/request.ts; it knows nothing of HTTP or of any store. Called by src/http.

import type { Clock } from "../clock.ts";
import { cutText } from "../cut_text.ts";
import { type ErrorDetail, errorMessage, ValetError } from "../errors.ts";
import { isFinished, type Job, type JobResult } from "./job.ts";
import { createJobIds, readJobId } from "./id.ts";
import { createNewJobParser, type NewJob, parseJobFields, parseListInput } from "./request.ts";
import type { JsonObject } from "./request_check.ts";
import { encodeCursor } from "./request_schema.ts";
import { getLogger } from "../log/log.ts";
import { type MaybePromise, whenReady } from "../maybe_promise.ts";
import type { JobOrigins } from "./origins.ts";
import type { ParamsCheck } from "./params_check.ts";
import type { Queue } from "./queue.ts";
import type { Repository } from "./repository.ts";
import type { TaskDescription } from "../tasks/description.ts";

/** What the job service works with. */
export interface JobServiceOptions {
  readonly repository: Repository;
  readonly queue: Queue;
  readonly tasks: ReadonlyMap<string, TaskDescription>;
  readonly paramsCheck: ParamsCheck;
  readonly clock: Clock;
  /** The unit of `timeout` in requests. */
  readonly timeoutUnit: "second" | "millisecond";
  /** How long one list may take to look for its jobs. Default: 2000. */
  readonly maxSearchMs?: number;
  /** Keeps which request made a job, for the log. */
  readonly origins?: JobOrigins;
  /** Told of each stored job that is to run later, to wake the scheduler. */
  readonly onScheduled?: (runAtMs: number) => void;
  /** Told of each deleted job that was running, to abort its run. */
  readonly onDeleted?: (job: Job) => void;
}

/** One page of a list. */
export interface JobPage {
  /** None at the end of the list, and where the search for them used up its time. */
  readonly jobs: readonly Job[];
  /** For the next page; undefined: this was the last. */
  readonly nextCursor: string | undefined;
}

/**
 * What clients can do with jobs. An id may be any text; one that is unknown is a ValetError `not_found`.
 * Errors of the repository and the queue come through as they are.
 */
export interface JobService {
  /**
   * Stores a job and hands it to the queue, or, if it is to run later, to the scheduler. `requestId` names
   * the request in the log line of the job's end.
   *
   * @param changedNumbers the numbers of the input that reading its JSON has changed: they are refused.
   * @throws ValetError `invalid_argument`, or `queue_full`: then nothing is stored.
   */
  create(
    input: JsonObject,
    changedNumbers?: readonly ErrorDetail[],
    requestId?: string,
  ): Promise<Job>;
  get(id: string): MaybePromise<Job>;
  /** One page, newest first. Throws `invalid_argument`. */
  list(input: JsonObject): Promise<JobPage>;
  /** Changes name and description; an absent one stays as it is, null removes it. Throws `invalid_argument`. */
  update(id: string, input: JsonObject): Promise<void>;
  /** Removes the job with its result; it will not run, and its run is aborted. */
  delete(id: string): Promise<void>;
  /** The result; `not_finished`, with the job's `status`, until the job has finished. */
  getResult(id: string): MaybePromise<JobResult>;
  /** Removes the result alone; errors as those of {@link getResult}. */
  deleteResult(id: string): Promise<void>;
}

/** How long one request may search. */
const defaultMaxSearchMs = 2_000;

/** Makes the job service. */
export function createJobService(options: JobServiceOptions): JobService {
  const { repository, queue, tasks, clock, origins, onScheduled, onDeleted } = options;
  const { maxSearchMs = defaultMaxSearchMs } = options;
  const unitMs = options.timeoutUnit === "second" ? 1000 : 1;
  const parseNewJob = createNewJobParser(tasks, unitMs, options.paramsCheck);
  const createJobId = createJobIds();
  const log = getLogger("jobs");
  /** Creates between their look at the queue's room and the end of their publish. */
  let creating = 0;

  /** Removes a job that could not be published: its client is told that it was not accepted. */
  async function withdraw(job: Job): Promise<void> {
    try {
      await remove(job.id);
    } catch (error) {
      const reason = errorMessage(error);
      log.warn("a refused job could not be removed, so it may still run", {
        job_id: job.id,
        reason,
      });
    }
  }

  /** Stores a job. Which request made it is noted before: the job may have run when the store answers. */
  async function insert(job: Job, requestId: string | undefined): Promise<void> {
    if (requestId !== undefined) origins?.add(job.id, requestId);
    try {
      await repository.insert([job]);
    } catch (error) {
      origins?.take(job.id);
      throw error;
    }
  }

  async function remove(id: string): Promise<Job | null> {
    const job = await repository.delete(id);
    origins?.take(id);
    if (job?.status === "IN_PROGRESS") onDeleted?.(job);
    return job;
  }

  /** A job that has not finished has no result yet, which is another thing than none. */
  async function refuseUnfinished(id: string): Promise<void> {
    const job = await repository.get(id);
    if (job === null || isFinished(job)) return;
    const message = `job result with ID: ${id} not found: the job has not finished`;
    throw new ValetError("not_finished", message, { fields: { status: job.status } });
  }

  /** The result of a job that finished since the first look. */
  async function lookAgain(id: string): Promise<JobResult> {
    await refuseUnfinished(id);
    return await repository.getResult(id) ?? throwNotFound("job result", id);
  }

  return {
    async create(input, changedNumbers, requestId) {
      const parsed = parseNewJob(input, changedNumbers);
      const request = parsed instanceof Promise ? await parsed : parsed;
      const nowMs = clock.now();
      const job = newJob(createJobId(nowMs), request, nowMs);
      if (job.status === "PENDING" && job.runAtMs !== undefined) {
        await insert(job, requestId);
        onScheduled?.(job.runAtMs);
        return job;
      }
      // Looked at before anything is stored, so that a full queue costs the store nothing.
      if (queue.room() <= creating) throw queueFull();
      creating++;
      try {
        await insert(job, requestId);
        try {
          await queue.publish([job]);
        } catch (error) {
          await withdraw(job);
          throw error;
        }
      } finally {
        creating--;
      }
      return job;
    },

    get(id) {
      return whenReady(repository.get(jobId(id)), (job) => job ?? throwNotFound("job", id));
    },

    async list(input) {
      const query = { ...parseListInput(input), maxMs: maxSearchMs };
      const { jobs, nextBeforeId } = await repository.list(query);
      return { jobs, nextCursor: nextBeforeId === null ? undefined : encodeCursor(nextBeforeId) };
    },

    async update(id, input) {
      const fields = parseJobFields(input);
      const edit = { kind: "edit", id: jobId(id), ...fields } as const;
      const [job] = await repository.change([edit], clock.now());
      if (job === null) throwNotFound("job", id);
    },

    async delete(id) {
      const job = await remove(jobId(id));
      if (job === null) throwNotFound("job", id);
    },

    getResult(input) {
      const id = jobId(input, "job result");
      return whenReady(repository.getResult(id), (result) => result ?? lookAgain(id));
    },

    async deleteResult(input) {
      const id = jobId(input, "job result");
      if (await repository.deleteResult(id)) return;
      await refuseUnfinished(id);
      if (!await repository.deleteResult(id)) throwNotFound("job result", id);
    },
  };
}

/** A job whose time has come already is stored as SCHEDULED: it can be claimed at once. */
function newJob(id: string, request: NewJob, nowMs: number): Job {
  const isDue = request.runAtMs !== undefined && request.runAtMs <= nowMs;
  return {
    id,
    name: request.name,
    description: request.description,
    taskName: request.taskName,
    paramsJson: request.paramsJson,
    timeoutMs: request.timeoutMs,
    runAtMs: request.runAtMs,
    status: isDue ? "SCHEDULED" : "PENDING",
    failureReason: undefined,
    createdAtMs: nowMs,
    scheduledAtMs: isDue ? nowMs : undefined,
    startedAtMs: undefined,
    completedAtMs: undefined,
    durationMs: undefined,
    attempt: 0,
    fence: 0,
    crashes: 0,
  };
}

/** The id that a client named. What has not the form of an id is unknown. */
function jobId(text: string, what = "job"): string {
  const id = readJobId(text);
  if (id === null) throwNotFound(what, text);
  return id;
}

function queueFull(): ValetError {
  const message = "Cannot create the job: the queue is full; try again later";
  return new ValetError("queue_full", message);
}

/** The longest id that an answer repeats. */
const maxShownIdLength = 64;

function throwNotFound(what: string, id: string): never {
  throw new ValetError("not_found", `${what} with ID: ${cutText(id, maxShownIdLength)} not found`);
}
