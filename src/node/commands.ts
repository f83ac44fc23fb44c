// The commands of the executable: what each does, what it prints, how it ends. Called by main.ts with
// the parts that only the composition root may name.

import { type Command, helpText, parseCommandLine } from "./command_line.ts";
import { type Config, findConfigFile, loadConfig, readLoggingFormat } from "../config/config.ts";
import { warnOfUnknownVariables } from "../config/environment.ts";
import { defaultNodeName } from "../config/node_name.ts";
import { type Secrets, takeSecrets } from "../config/secrets.ts";
import { errorMessage, ValetError } from "../errors.ts";
import { type DescribedTasks, describeTasks } from "../executor/host/describe_tasks.ts";
import type { RunnerCommand } from "../executor/host/runner_process.ts";
import { configureLogging, flushLogs, getLogger } from "../log/log.ts";
import type { LogFormat } from "../log/line.ts";
import type { Node, NodeParts } from "./node.ts";
import {
  connectStores,
  memoryHint,
  openStores,
  readStoreOptions,
  type StoreDrivers,
} from "./stores.ts";
import { taskJson } from "../tasks/description.ts";
import { ownHost, urlHost } from "../url_host.ts";
import { denoRefusal, readBuildInfo } from "./version.ts";

/** The parts of an executable: its drivers and its worker, which knows the tasks. */
export interface ValetParts {
  readonly drivers: StoreDrivers;
  /** The module of a worker: it calls `serveTasks`. */
  readonly workerUrl: URL;
  readonly runnerCommand: RunnerCommand;
}

/** How the process ends: stopped in order, failed at run time, wrong usage or configuration. */
type ExitCode = 0 | 1 | 2;

/** Does what the command line asks for; returns the exit code of the process. */
export async function runValet(args: readonly string[], parts: ValetParts): Promise<ExitCode> {
  // The executable has a runtime of its own.
  const refusal = Deno.build.standalone ? undefined : denoRefusal(Deno.version.deno);
  if (refusal !== undefined) return fail(new Error(refusal));
  let command: Command;
  try {
    command = parseCommandLine(args);
  } catch (thrown) {
    return fail(thrown);
  }
  // First of all: nothing that is started later shall find one in the environment.
  const secrets = takeSecrets();
  switch (command.name) {
    case "help":
      return print(helpText.trimEnd());
    case "version":
      return printVersion();
    case "tasks":
      return await listTasks(parts);
    case "check":
      return await check(findConfigFile(command.configPath), command.connects, parts, secrets);
    case "run":
      return await runTask(findConfigFile(command.configPath), command, parts);
    case "backup":
      return await backUp(findConfigFile(command.configPath), command.filePath, parts);
    case "health":
      return await askHealth(findConfigFile(command.configPath));
    case "serve":
      return await serve(findConfigFile(command.configPath), parts, secrets);
  }
}

function print(text: string): ExitCode {
  try {
    writeAll(Deno.stdout, text);
    return 0;
  } catch (thrown) {
    // A full disk, or a reader that has ended.
    const message = `Cannot write to standard output: ${errorMessage(thrown)}`;
    return fail(new ValetError("unavailable", message));
  }
}

/** What is wrong, a line each, on stderr: with the usage or the configuration, or with what they lead to now. */
function fail(thrown: unknown): ExitCode {
  writeAll(Deno.stderr, problemsOf(thrown).join("\n"));
  const isRunFailure = thrown instanceof ValetError &&
    (thrown.code === "unavailable" || thrown.code === "failed_precondition");
  return isRunFailure ? 1 : 2;
}

/** The same for a server whose log is read by a machine: there each problem is a record. */
function failToStart(thrown: unknown, format: LogFormat): ExitCode {
  if (format === "text") return fail(thrown);
  configureLogging({ format, level: "error", nodeName: defaultNodeName() });
  for (const problem of problemsOf(thrown)) getLogger("valet").fatal(problem);
  return 2;
}

function problemsOf(thrown: unknown): string[] {
  const details = thrown instanceof ValetError ? thrown.details.map(({ message }) => message) : [];
  return details.length > 0 ? details : [errorMessage(thrown)];
}

function writeAll(output: { writeSync(bytes: Uint8Array): number }, text: string): void {
  writeBytes(output, new TextEncoder().encode(`${text}\n`));
}

function writeBytes(output: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    written += output.writeSync(bytes.subarray(written));
  }
}

function printVersion(): ExitCode {
  const { version, commit, buildTime } = readBuildInfo();
  return print(
    `valet ${version} (commit ${commit}, built ${buildTime}, Deno ${Deno.version.deno})`,
  );
}

async function listTasks(parts: ValetParts): Promise<ExitCode> {
  try {
    const { tasks } = await describeTasks(parts.workerUrl);
    return print(JSON.stringify({ tasks: [...tasks.values()].map(taskJson) }, null, 2));
  } catch (thrown) {
    return fail(thrown);
  }
}

async function check(
  configPath: string | undefined,
  connects: boolean,
  parts: ValetParts,
  secrets: Secrets,
): Promise<ExitCode> {
  try {
    const config = await loadConfig(configPath);
    const { tasks, notice } = await describeTasks(parts.workerUrl);
    await (connects ? connectStores : readStoreOptions)(config, parts.drivers, secrets);
    for (const warning of warnOfUnknownVariables(Deno.env.toObject())) {
      writeAll(Deno.stderr, `Warning: ${warning}`);
    }
    if (notice !== undefined) writeAll(Deno.stderr, `Warning: ${notice}`);
    const { workerPool, repository, jobQueue, server } = config;
    return print([
      `${configPath ?? "The environment (there is no config.yaml)"} is fine. This would run:`,
      `  API         http://${urlHost(server.host)}:${config.port}`,
      `  repository  ${describeStore(repository.option, connects)}`,
      `  job queue   ${jobQueue.option}${connects ? ", can be used" : ""}`,
      `  workers     ${workerPool.concurrency} jobs at once, isolation ${workerPool.isolation}`,
      `  tasks       ${[...tasks.keys()].join(", ") || "none"}`,
    ].join("\n"));
  } catch (thrown) {
    return fail(thrown);
  }
}

function describeStore(option: Config["repository"]["option"], isReached: boolean): string {
  return option === "memory"
    ? `memory: ${memoryHint}`
    : option + (isReached ? ", can be used" : "");
}

async function runTask(
  configPath: string | undefined,
  { taskName, assignments }: Extract<Command, { readonly name: "run" }>,
  { workerUrl, runnerCommand }: ValetParts,
): Promise<ExitCode> {
  try {
    const config = await loadConfig(configPath);
    const { tasks } = await describeTasks(workerUrl);
    const { loggingFormat: format, loggingLevel: level } = config;
    // The result alone is on stdout.
    const write = (lines: Uint8Array) => writeBytes(Deno.stderr, lines);
    configureLogging({ format, level, nodeName: config.server.nodeName, write });
    const { runOnce } = await import("./run_once.ts");
    const stop = listenToSignals();
    const outcome = await runOnce({
      ...{ config, tasks, workerUrl, runnerCommand, taskName, assignments, stop },
    });
    const { failureReason, resultJson, trace } = outcome;
    if (outcome.status === "COMPLETED") return resultJson === undefined ? 0 : print(resultJson);
    const fields = { task: taskName, reason: failureReason, stack: trace };
    getLogger("valet").error("the task failed", fields);
    return 1;
  } catch (thrown) {
    return fail(thrown);
  } finally {
    await flushLogs();
  }
}

async function backUp(
  configPath: string | undefined,
  filePath: string,
  { drivers }: ValetParts,
): Promise<ExitCode> {
  try {
    const { repository } = await loadConfig(configPath);
    const { option } = repository;
    const { jobCount, bytes } = await drivers.backUpRepository(
      option,
      repository[option],
      filePath,
    );
    return print(`Wrote ${filePath} (jobs: ${jobCount}, bytes: ${bytes}).`);
  } catch (thrown) {
    return fail(thrown);
  }
}

/** How long the server may take to say whether it is ready. */
const healthTimeoutMs = 2_000;

/** For a container's health check, where there is no other client. */
async function askHealth(configPath: string | undefined): Promise<ExitCode> {
  let url: string;
  try {
    const { port, server } = await loadConfig(configPath);
    url = `http://${ownHost(server.host)}:${port}/health/ready`;
  } catch (thrown) {
    return fail(thrown);
  }
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(healthTimeoutMs) });
    print(await response.text());
    return response.ok ? 0 : 1;
  } catch (thrown) {
    writeAll(Deno.stderr, `Cannot reach ${url}: ${reasonOf(thrown)}`);
    return 1;
  }
}

function reasonOf(thrown: unknown): string {
  if ((thrown as Error).name === "TimeoutError") return `no answer within ${healthTimeoutMs} ms`;
  // Some versions of Deno say what happened in the error, others in its cause.
  const reason = errorMessage((thrown as Error).cause ?? thrown);
  return /refused/i.test(reason) ? "the connection was refused; nothing listens there" : reason;
}

async function serve(
  configPath: string | undefined,
  parts: ValetParts,
  secrets: Secrets,
): Promise<ExitCode> {
  try {
    // At once: workers load the tasks while everything else is loaded.
    const describing = describeTasks(parts.workerUrl);
    // What is wrong with the configuration is told first.
    describing.catch(() => {});
    const config = await loadConfig(configPath);
    return await serveConfig(config, describing, parts, secrets);
  } catch (thrown) {
    return failToStart(thrown, readLoggingFormat(configPath));
  } finally {
    await flushLogs();
  }
}

/** Throws `invalid_config`; every other failure is in the log. */
async function serveConfig(
  config: Config,
  describing: Promise<DescribedTasks>,
  parts: ValetParts,
  secrets: Secrets,
): Promise<ExitCode> {
  const told = listenToSignals();
  const { openNode } = await import("./node.ts");
  // By now the table of tasks is read: a turn of the event loop starts the workers that describe the tasks.
  await new Promise((resolve) => setTimeout(resolve));
  const { loadListen } = await import("../http/listener.ts");
  await loadListen(config.server.listener);
  const described = await Promise.race([describing, aborted(told)]);
  if (described === undefined) return 0;
  configureLogging({
    format: config.loggingFormat,
    level: config.loggingLevel,
    nodeName: config.server.nodeName,
  });
  reportStrayErrors();
  for (const warning of warnOfUnknownVariables(Deno.env.toObject())) {
    getLogger("valet").warn(warning);
  }
  const { tasks, notice } = described;
  if (notice !== undefined) getLogger("valet").warn(notice);
  try {
    const stores = await openStores(config, parts.drivers, secrets, told);
    if (stores === null) return 0;
    return await runNode({ config, tasks, ...stores }, openNode, parts, told);
  } catch (thrown) {
    if (thrown instanceof ValetError && thrown.code === "invalid_config") throw thrown;
    getLogger("valet").fatal(
      thrown instanceof ValetError ? thrown.message : `Cannot run: ${errorMessage(thrown)}`,
    );
    return 1;
  }
}

async function runNode(
  opened: Pick<NodeParts, "config" | "tasks" | "repository" | "queue">,
  openNode: (parts: NodeParts) => Promise<Node>,
  parts: ValetParts,
  told: AbortSignal,
): Promise<ExitCode> {
  /** Resolves with why the node must end, for its supervisor to start it again. */
  const unfit = Promise.withResolvers<string>();
  let node: Node;
  try {
    node = await openNode({
      ...opened,
      build: readBuildInfo(),
      workerUrl: parts.workerUrl,
      runnerCommand: parts.runnerCommand,
      onExhausted: () =>
        unfit.resolve("too many threads burn that cannot be stopped: this node must restart"),
      onDeaf: () => unfit.resolve("the API cannot be reached any more: this node must restart"),
    });
  } catch (thrown) {
    await Promise.all([opened.queue.close(), opened.repository.close()]);
    throw thrown;
  }
  const reason = await Promise.race([aborted(told).then(() => undefined), unfit.promise]);
  if (reason !== undefined) getLogger("valet").fatal(reason);
  await node.stop();
  return reason === undefined ? 0 : 1;
}

/**
 * How soon after the first signal another one is the same: `deno task` passes on what the terminal has sent to
 * the whole process group.
 */
const sameSignalMs = 100;

/** Aborts at the first SIGTERM or SIGINT; the second one ends the process at once. */
function listenToSignals(): AbortSignal {
  const told = new AbortController();
  let toldAtMs = 0;
  async function listen(): Promise<void> {
    if (!told.signal.aborted) {
      toldAtMs = performance.now();
      told.abort();
    } else if (performance.now() - toldAtMs > sameSignalMs) {
      getLogger("valet").warn("ending at once: there was a second signal");
      await flushLogs();
      Deno.exit(1);
    }
  }
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, listen);
  return told.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** An error that nothing caught must not end the server: it is logged, and the loop it came from goes on. */
function reportStrayErrors(): void {
  const log = getLogger("valet");
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled rejection", { error: event.reason });
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    log.error("unhandled error", { error: event.error });
  });
}
