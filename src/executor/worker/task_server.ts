// Runs tasks inside a worker: takes runs from the host, calls their tasks, writes the outcomes.
// One outcome is written before the next run starts, so that a runaway never takes a finished one along.

/// <reference lib="deno.worker" />
// First: what other modules read of the globals when they are loaded is then what tasks are given.
import { lockProcessDown, postToHost, standardOutput } from "./lockdown.ts";
import { type LoadedTask, validParams } from "../../tasks/loaded_task.ts";
import type { TaskSettings } from "../../tasks/task.ts";
import { EarliestTimer } from "../earliest_timer.ts";
import { FrameKind } from "../wire/frames.ts";
import { reasonAfterDenial, thrownReason, thrownTrace } from "./failure_text.ts";
import { createOutputSink, createRingSink, type FrameSink } from "./frame_sink.ts";
import {
  type HostMessage,
  type RunMessage,
  timeoutReason,
  type WorkerSetup,
} from "../wire/messages.ts";
import { resultJson } from "./result_json.ts";
import type {
  DescribeAnswer,
  DescribeRequest,
  LoadFailure,
  LoadStep,
} from "../wire/load_messages.ts";
import { createSharedRing, enterGate, type SharedRing } from "../wire/shared_ring.ts";
import { rememberGlobals } from "./global_changes.ts";
import { describeLoadError } from "./load_error.ts";
import { type LoadTable, loadTable, loadTask } from "./task_loader.ts";
import { taskHooks } from "./task_hooks.ts";
import { TaskRun } from "./task_run.ts";
import { loadRuntime, type Runtime } from "./task_runtime.ts";
import { WorkerLog } from "./worker_log.ts";

// Captured before any task code is loaded: what a task makes of the built-in objects changes nothing here.
const { Promise } = globalThis;
const { now: epochNow } = Date;
const { parse, stringify } = JSON;
const steadyNow = performance.now.bind(performance);
const resolvePromise = Promise.resolve.bind(Promise);

/**
 * Serves the host of this worker for ever: the first message says whether it runs tasks or describes them.
 * It listens before the first task code is loaded, since messages that nobody listens to are lost.
 */
export function serveTasks(loadTable: LoadTable): void {
  let receive: ((data: unknown) => void) | undefined;
  // A listener, which a task cannot take away as it could set `onmessage` anew.
  addEventListener("message", (event) => {
    const { data } = event as MessageEvent<unknown>;
    receive ??= (data as WorkerSetup | DescribeRequest).kind === "serve"
      ? startServer(loadTable, data as WorkerSetup)
      : startDescriber(loadTable);
    receive(data);
  });
}

function startServer(load: LoadTable, setup: WorkerSetup): (data: unknown) => void {
  const ring = createSharedRing(setup.ring);
  const sink = setup.frames === "ring"
    ? createRingSink(ring, postToHost)
    : createOutputSink(standardOutput);
  const server = new TaskServer(setup, ring, sink);
  reportStrayErrors(server);
  void server.load(load);
  return (data) => {
    if (data !== setup) server.receive(parse(data as string) as HostMessage);
  };
}

function startDescriber(load: LoadTable): (data: unknown) => void {
  // What a module leaves behind is logged by the workers that run its task.
  for (const type of ["error", "unhandledrejection"]) {
    addEventListener(type, (event) => event.preventDefault());
  }
  const tell = (answer: DescribeAnswer) => postToHost(stringify(answer));
  const describer = Promise.all([import("./task_describer.ts"), lockProcessDown(false)])
    .then(([{ createDescriber }]) => createDescriber(load, tell));
  return async (data) => (await describer)(data as DescribeRequest);
}

function reportStrayErrors(server: TaskServer): void {
  taskHooks.timerError = (thrown) => server.strayError(thrown, "threw outside its promise");
  addEventListener("error", (event) => {
    event.preventDefault();
    server.strayError(event.error, "threw outside its promise");
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    server.strayError(event.reason, "left a rejected promise unhandled");
  });
  const { log } = server;
  taskHooks.log = (level, message) => log.log(level, message);
  taskHooks.print = (stream, bytes) => log.print(stream, bytes);
  taskHooks.consoleState = () => log.consoleState();
  taskHooks.denied = (text) => server.denied(text);
}

const noSettings: TaskSettings = Object.freeze({});

/** Between two signs of life of a thread whose task is to come to rest. */
const abortingIntervalMs = 50;

class TaskServer {
  readonly #tasks = new Map<string, LoadedTask>();
  readonly #setup: WorkerSetup;
  /** Frozen: what one job changed would hold for the later ones. */
  readonly #settings: ReadonlyMap<string, TaskSettings>;
  readonly #ring: SharedRing;
  readonly #sink: FrameSink;
  readonly #deadlines = new EarliestTimer(
    () => steadyNow(),
    () => this.#endOverdueRuns(),
    (ms, onTime) => this.#runtime!.startTimer(ms, onTime),
  );
  readonly #running = new Map<number, TaskRun>();
  #waiting: RunMessage[] = [];
  #waitingFrom = 0;
  #runtime: Runtime | undefined;
  #isStarting = true;
  #isReady = false;
  #isFlushDue = false;
  #restoreGlobals: () => void = () => {};
  readonly log: WorkerLog;

  constructor(setup: WorkerSetup, ring: SharedRing, sink: FrameSink) {
    this.#setup = setup;
    this.#settings = new Map(
      Object.entries(setup.taskSettings).map(([name, settings]) => [name, Object.freeze(settings)]),
    );
    this.#ring = ring;
    this.#sink = sink;
    this.log = new WorkerLog({
      sink,
      callingRun: () => this.#callingRun(),
      isRunning: ({ message }) => this.#running.has(message.number),
      onWritten: () => this.#flushSoon(),
    });
  }

  /** Loads the tasks that this worker is to run; until then `#isStarting` keeps every run back. */
  async load(load: LoadTable): Promise<void> {
    const tell = (kind: FrameKind, text: string) => {
      this.#sink.write(kind, 0, 0, 0, text);
      this.#sink.notify();
    };
    let lastStep: LoadStep = { taskName: "", file: "" };
    const onStep = (step: LoadStep) => {
      lastStep = step;
      if (step.taskName !== "") this.log.strayTasks = [step.taskName];
      tell(FrameKind.Loading, stringify(step));
    };
    const fail = (failure: LoadFailure) => tell(FrameKind.LoadFailed, stringify(failure));
    try {
      // Before any task code, which may import Node's modules and print.
      this.#runtime = await loadRuntime(this.#setup.frames);
      const table = await loadTable(load, onStep);
      if ("failure" in table) return fail(table.failure);
      for (const name of this.#setup.taskNames) {
        const task = await loadTask(table.value, name, onStep);
        if ("failure" in task) return fail(task.failure);
        this.#tasks.set(name, task.value);
      }
      this.#restoreGlobals = rememberGlobals(this.#runtime.process);
    } catch (thrown) {
      // Without an answer the host would take it for a module that hangs.
      return fail(describeLoadError(lastStep, thrown));
    }
    this.log.strayTasks = this.#setup.taskNames;
    tell(FrameKind.Loaded, "");
    this.#isStarting = false;
    if (this.#waiting.length > 0) this.#startWaiting();
  }

  receive(message: HostMessage): void {
    if (message.kind === "run") {
      this.#waiting = this.#waitingFrom < this.#waiting.length
        ? [...this.#waiting.slice(this.#waitingFrom), ...message.runs]
        : message.runs as RunMessage[];
      this.#waitingFrom = 0;
      this.#startWaiting();
      return;
    }
    const run = this.#running.get(message.number);
    if (run !== undefined) this.#failEarly(run, message.reason, "AbortError");
  }

  /** Something that no task's promise reports: it fails the run that it came from. */
  strayError(thrown: unknown, how: string): void {
    const run = this.#callingRun();
    const reason = `the task ${how}: ${thrownReason(thrown)}`;
    if (run === undefined) {
      return this.log.log("error", reason);
    }
    const isRunning = this.#running.has(run.message.number);
    if (isRunning && run.failureReason === undefined) {
      run.failureTrace = thrownTrace(thrown);
      return this.#failEarly(run, reason, "AbortError");
    }
    run.writeLog("warn", reason);
    // Its outcome has been written: while the host has not been told to act on it, the later one counts.
    if (!isRunning) this.#writeFailure(run, run.failureReason ?? reason, thrownTrace(thrown));
  }

  /** Logs at once what the run was refused: its failure may come much later, or never. */
  denied(text: string): void {
    const run = this.#callingRun();
    if (run !== undefined) run.denial ??= text;
    this.log.log("warn", text);
  }

  /** The run whose code calls: that of the async context; if that was lost and a single run is in progress, that run. */
  #callingRun(): TaskRun | undefined {
    const run = this.#runtime?.context.getStore();
    if (run !== undefined || this.#running.size !== 1) return run;
    return this.#running.values().next().value;
  }

  #startWaiting(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    if (!this.#isReady) this.#tellReady();
    while (
      this.#waitingFrom < this.#waiting.length && this.#running.size < this.#setup.jobsPerWorker
    ) {
      const message = this.#waiting[this.#waitingFrom++] as RunMessage;
      if (!enterGate(this.#ring, message.number)) continue;
      // While another run is under way, what it made of them may be in use.
      if (this.#running.size === 0) this.#restoreGlobals();
      this.#start(message);
    }
    this.#isStarting = false;
  }

  /** From here on the host counts the time of the runs that it has sent. */
  #tellReady(): void {
    this.#isReady = true;
    this.#sink.write(FrameKind.Ready, 0, 0, 0, "");
    this.#sink.notify();
  }

  #start(message: RunMessage): void {
    const task = this.#tasks.get(message.taskName);
    if (task === undefined) {
      const reason = `there is no task "${message.taskName}" in this executable`;
      this.#sink.write(FrameKind.Failed, message.number, epochNow(), 0, reason);
      this.#flushSoon();
      return;
    }
    const { maxResultBytes } = this.#setup;
    const settings = this.#settings.get(message.taskName) ?? noSettings;
    const run = new TaskRun(
      message,
      task,
      { settings, maxResultBytes },
      (run, line) => this.log.writeLine(run, line),
    );
    this.#running.set(message.number, run);
    this.#runtime!.context.run(run, () => this.#call(run));
  }

  #call(run: TaskRun): void {
    run.startedAtMs = epochNow();
    run.calledAtMs = steadyNow();
    let result: unknown;
    let promise: Promise<unknown> | undefined;
    try {
      const params: unknown = parse(run.message.paramsJson ?? "{}");
      result = run.task.params === undefined
        ? run.task.run(params, run.context)
        : this.#validateAndRun(run, run.task.params, params);
      // Reading `then` may throw as well.
      if (isThenable(result)) promise = resolvePromise(result);
    } catch (thrown) {
      return this.#settle(run, FrameKind.Failed, thrown);
    }
    if (promise === undefined) return this.#settle(run, FrameKind.Completed, result);
    this.#deadlines.arm(run.calledAtMs + run.message.timeoutMs);
    promise.then(
      (value) => this.#settle(run, FrameKind.Completed, value),
      (thrown) => this.#settle(run, FrameKind.Failed, thrown),
    );
  }

  async #validateAndRun(
    run: TaskRun,
    schema: NonNullable<LoadedTask["params"]>,
    params: unknown,
  ): Promise<unknown> {
    return await run.task.run(await validParams(schema, params), run.context);
  }

  #settle(run: TaskRun, kind: FrameKind, value: unknown): void {
    this.log.endRun(run);
    this.#running.delete(run.message.number);
    // A task that never let the timer have its turn was too long all the same.
    const isLate = steadyNow() - run.calledAtMs > run.message.timeoutMs;
    if (isLate) run.failureReason ??= timeoutReason(run.message.timeoutMs);
    if (run.failureReason !== undefined) {
      this.#writeFailure(run, run.failureReason, run.failureTrace);
    } else if (kind === FrameKind.Failed) {
      this.#writeFailure(run, thrownReason(value), thrownTrace(value));
    } else {
      try {
        const text = resultJson(value, this.#setup.maxResultBytes);
        this.#writeOutcome(run, FrameKind.Completed, text);
      } catch (thrown) {
        // What the result itself threw has a stack that helps; the rest is not the task's code.
        this.#writeFailure(run, thrownReason(thrown), thrownTrace((thrown as Error).cause));
      }
    }
    this.#startWaiting();
  }

  #writeFailure(run: TaskRun, reason: string, trace: string): void {
    // First, so that the outcome has it when it comes.
    if (trace !== "") this.#sink.write(FrameKind.Trace, run.message.number, 0, 0, trace);
    this.#writeOutcome(run, FrameKind.Failed, reasonAfterDenial(run.denial, reason));
  }

  #writeOutcome(run: TaskRun, kind: FrameKind, text: string): void {
    const durationMs = steadyNow() - run.calledAtMs;
    this.#sink.write(kind, run.message.number, run.startedAtMs, durationMs, text);
    this.#flushSoon();
  }

  // After a turn of the event loop: by then the rejections that a run left behind have been reported.
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    const { atEndOfTurn } = this.#runtime ?? { atEndOfTurn: queueMicrotask };
    atEndOfTurn(() => {
      this.#isFlushDue = false;
      this.log.flush();
      this.#sink.write(FrameKind.Flush, 0, 0, 0, "");
      this.#sink.notify();
    });
  }

  #failEarly(run: TaskRun, reason: string, name: "TimeoutError" | "AbortError"): void {
    // What its abort listeners do wrong is the run's own, whoever calls here.
    if (this.#runtime!.context.run(run, () => run.fail(reason, name))) {
      // The worker may have to be ended, and with it what the run has not yet told.
      this.log.endRun(run);
      this.#tellAborting(run, reason);
    }
  }

  /** Again and again, until its task is at rest: that proves to the host that this thread does not spin. */
  #tellAborting(run: TaskRun, reason: string): void {
    if (this.#running.get(run.message.number) !== run) return;
    this.#sink.write(FrameKind.Aborting, run.message.number, 0, 0, reason);
    this.#flushSoon();
    this.#runtime!.startTimer(abortingIntervalMs, () => this.#tellAborting(run, reason));
  }

  #endOverdueRuns(): void {
    const nowMs = steadyNow();
    for (const run of this.#running.values()) {
      if (run.failureReason !== undefined) continue;
      if (run.calledAtMs + run.message.timeoutMs <= nowMs) {
        this.#failEarly(run, timeoutReason(run.message.timeoutMs), "TimeoutError");
      } else {
        this.#deadlines.arm(run.calledAtMs + run.message.timeoutMs);
      }
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
