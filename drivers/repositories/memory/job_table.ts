// The jobs of the memory repository and every index over them, kept in step; used by memory.ts alone.
// Nothing in here may cost more because many jobs are stored.

import {
  isFinished,
  type Job,
  type JobResult,
  type JobStatus,
  jobStatuses,
} from "../../../src/jobs/job.ts";
import type { JobCounts, JobQuery } from "../../../src/jobs/repository.ts";
import { SortedIndex } from "./sorted_index.ts";

/** What a job costs beside its texts, measured: its objects, its id, its places in Map and indexes. */
const bytesPerJob = 600;
/** A power of two. One Map of a million jobs would stop everything for 0.2 s whenever it grows. */
const shardCount = 64;

interface Keyed {
  readonly id: string;
}

/** A stored job. Only {@link JobTable} writes it. */
export interface Entry {
  /** The id of the job. */
  readonly id: string;
  /** The job as it is now. */
  job: Job;
  /** Its result; undefined: not finished, or the result was deleted. */
  result: JobResult | undefined;
}

type IdIndex = SortedIndex<Entry, Keyed>;

/** Keeps PENDING jobs that wait for their time apart, so that the jobs to be claimed can be read in order. */
const states = [...jobStatuses, "DEFERRED"] as const;

/** Holds entries by id, by id within a state or a task, by due time and by time of completion. */
export class JobTable {
  readonly #shards = Array.from({ length: shardCount }, () => new Map<string, Entry>());
  readonly #all = createIdIndex();
  readonly #byState = createRecord(states, createIdIndex);
  readonly #byTask = new Map<string, IdIndex>();
  readonly #byRunAt = createTimeIndex((job) => job.runAtMs);
  readonly #byCompletion = createTimeIndex((job) => job.completedAtMs);
  #bytes = 0;
  #finishedBytes = 0;

  /** About how much memory all jobs and results take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** About how much of it the jobs take that have not finished. */
  get unfinishedBytes(): number {
    return this.#bytes - this.#finishedBytes;
  }

  /** The entry of that id. */
  find(id: string): Entry | undefined {
    return this.#shardOf(id).get(id);
  }

  /** Stores a job whose id is not stored. */
  add(job: Job): Entry {
    const entry: Entry = { id: job.id, job, result: undefined };
    this.#shardOf(job.id).set(job.id, entry);
    this.#all.add(entry);
    let ofTask = this.#byTask.get(job.taskName);
    if (ofTask === undefined) this.#byTask.set(job.taskName, ofTask = createIdIndex());
    ofTask.add(entry);
    this.#enterState(entry);
    return entry;
  }

  /** Gives a stored entry its next job, of the same id, task and due time, and its result. */
  replace(entry: Entry, job: Job, result: JobResult | undefined): void {
    this.#leaveState(entry);
    entry.job = job;
    entry.result = result;
    this.#enterState(entry);
  }

  /** Forgets a stored entry. */
  remove(entry: Entry): void {
    const { id, job } = entry;
    this.#shardOf(id).delete(id);
    this.#all.remove(entry);
    const ofTask = this.#byTask.get(job.taskName);
    ofTask?.remove(entry);
    if (ofTask?.size === 0) this.#byTask.delete(job.taskName);
    this.#leaveState(entry);
  }

  /** Newest first, the entries among which the matches of a query are: as few as an index can tell. */
  candidates({ status, taskName, beforeId }: JobQuery): Iterable<Entry> {
    const before = beforeId === undefined ? undefined : { id: beforeId };
    if (taskName !== undefined) {
      const ofTask = this.#byTask.get(taskName);
      if (ofTask === undefined) return [];
      if (status === undefined || ofTask.size < this.#sizeOf(status)) {
        return ofTask.descending(before);
      }
    }
    if (status === undefined) return this.#all.descending(before);
    const ofStatus = this.#byState[status].descending(before);
    if (status !== "PENDING") return ofStatus;
    return merge(ofStatus, this.#byState.DEFERRED.descending(before), isAfter);
  }

  /** The entries that can be claimed now, in the order of their ids, from the first after that id. */
  waiting(afterId: string | undefined): Iterable<Entry> {
    const after = afterId === undefined ? undefined : { id: afterId };
    const { PENDING, SCHEDULED } = this.#byState;
    return merge(PENDING.ascending(after), SCHEDULED.ascending(after), isBefore);
  }

  /** The PENDING entries with a `runAtMs`, earliest first. */
  deferred(): Iterable<Entry> {
    return this.#byRunAt.ascending();
  }

  /** The entry that finished first. */
  firstFinished(): Entry | undefined {
    return this.#byCompletion.first();
  }

  /** How many jobs there are. */
  count(): JobCounts {
    const { PENDING, SCHEDULED } = this.#byState;
    return {
      byStatus: createRecord(jobStatuses, (status) => this.#sizeOf(status)),
      waiting: PENDING.size + SCHEDULED.size,
    };
  }

  #sizeOf(status: JobStatus): number {
    const { size } = this.#byState[status];
    return status === "PENDING" ? size + this.#byState.DEFERRED.size : size;
  }

  #enterState(entry: Entry): void {
    const { job } = entry;
    this.#byState[stateOf(job)].add(entry);
    if (isDeferred(job)) this.#byRunAt.add(entry);
    if (isFinished(job)) this.#byCompletion.add(entry);
    this.#account(entry, 1);
  }

  #leaveState(entry: Entry): void {
    const { job } = entry;
    this.#byState[stateOf(job)].remove(entry);
    if (isDeferred(job)) this.#byRunAt.remove(entry);
    if (isFinished(job)) this.#byCompletion.remove(entry);
    this.#account(entry, -1);
  }

  #account({ job, result }: Entry, sign: 1 | -1): void {
    const bytes = sign * (sizeOf(job) + lengthOf(result?.metadataJson));
    this.#bytes += bytes;
    if (isFinished(job)) this.#finishedBytes += bytes;
  }

  /** By the last characters of the id, which are random in a UUID. */
  #shardOf(id: string): Map<string, Entry> {
    const end = id.length - 1;
    return this.#shards[(id.charCodeAt(end) * 31 + id.charCodeAt(end - 1)) & (shardCount - 1)]!;
  }
}

/** About how many bytes of memory a job takes. The failure reason counts once, its result shares it. */
export function sizeOf(job: Job): number {
  return bytesPerJob + job.name.length + lengthOf(job.description) + lengthOf(job.paramsJson) +
    lengthOf(job.failureReason);
}

function lengthOf(text: string | undefined): number {
  return text === undefined ? 0 : text.length;
}

function isDeferred(job: Job): boolean {
  return job.status === "PENDING" && job.runAtMs !== undefined;
}

function stateOf(job: Job): typeof states[number] {
  return isDeferred(job) ? "DEFERRED" : job.status;
}

function createIdIndex(): IdIndex {
  return new SortedIndex(isBefore);
}

function isBefore(a: Keyed, b: Keyed): boolean {
  return a.id < b.id;
}

function isAfter(a: Keyed, b: Keyed): boolean {
  return a.id > b.id;
}

/** The items of two iterators in the order that each of them has. */
function* merge(
  a: Iterator<Entry, void>,
  b: Iterator<Entry, void>,
  isFirst: (a: Keyed, b: Keyed) => boolean,
): Generator<Entry, void> {
  let [nextA, nextB] = [a.next().value, b.next().value];
  while (nextA !== undefined || nextB !== undefined) {
    if (nextB === undefined || (nextA !== undefined && isFirst(nextA, nextB))) {
      yield nextA!;
      nextA = a.next().value;
    } else {
      yield nextB;
      nextB = b.next().value;
    }
  }
}

/** Orders by a time, and jobs of the same time by id. */
function createTimeIndex(timeOf: (job: Job) => number | undefined): SortedIndex<Entry> {
  return new SortedIndex((a, b) => {
    const aMs = timeOf(a.job) ?? 0;
    const bMs = timeOf(b.job) ?? 0;
    return aMs === bMs ? a.id < b.id : aMs < bMs;
  });
}

function createRecord<Key extends string, Value>(
  keys: readonly Key[],
  make: (key: Key) => Value,
): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<Key, Value>;
}
