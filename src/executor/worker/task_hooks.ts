// What the replaced globals of a worker tell the task server. Before the server sets its functions, nothing is told.

const { Map } = globalThis;

/** How a line of the log counts. `debug` comes only from a task's `log.debug`. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** What the console of one run remembers between two calls. */
export interface ConsoleState {
  /** How many groups are open. */
  groupDepth: number;
  readonly counts: Map<string, number>;
  /** When `console.time` was called, by `performance.now()`. */
  readonly startedAtMs: Map<string, number>;
}

/** The task server sets these functions once. They find the run that calls by its async context. */
export const taskHooks: {
  /** A whole line for the log. */
  log: (level: LogLevel, message: string) => void;
  /** A piece of what is written to a standard stream; a line may come in several. */
  print: (stream: "stdout" | "stderr", bytes: Uint8Array) => void;
  /** What the callback of a timer threw. */
  timerError: (thrown: unknown) => void;
  consoleState: () => ConsoleState;
  /** A task asked for something that no task can have, as `text` says. Packages hide that behind advice of their own. */
  denied: (text: string) => void;
  /** A module reads a variable of the environment without permission. True: the read gives undefined, and does not throw. */
  refusedVariable: (name: string, error: unknown) => boolean;
} = {
  log: () => {},
  print: () => {},
  timerError: () => {},
  consoleState: createConsoleState,
  denied: () => {},
  refusedVariable: () => false,
};

/** The state of a console that nobody has used. */
export function createConsoleState(): ConsoleState {
  return { groupDepth: 0, counts: new Map(), startedAtMs: new Map() };
}
