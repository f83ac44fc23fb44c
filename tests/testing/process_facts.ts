// What Linux tells of other processes in /proc: who their children are, what CPU time they used, which
// signals they handle, whether they run.
// Used by tests that must know what really runs.

/** Clock ticks of /proc are hundredths of a second on every Linux that Deno runs on. */
const tickMs = 10;
/** On every machine that the executable is made for. */
const pageBytes = 4_096;

/** Whether a process with this id exists and is no zombie. */
export function isAlive(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat[0] !== "Z" && stat[0] !== "X";
}

/** The CPU time that the process has used so far, in milliseconds; undefined: there is no such process. */
export function cpuMsOf(pid: number): number | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : (Number(stat[11]) + Number(stat[12])) * tickMs;
}

/** The memory that the process has now, in MiB; undefined: there is no such process. */
export function memoryMbOf(pid: number): number | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : Math.round(Number(stat[21]) * pageBytes / 2 ** 20);
}

/** How often the threads of the process have stopped to wait for something: an idle process does so no more. */
export function waitCountOf(pid: number): number {
  let count = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    const status = Deno.readTextFileSync(`/proc/${pid}/task/${name}/status`);
    count += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
  }
  return count;
}

/** Whether the process has a handler for what ends a group of processes: SIGHUP, SIGINT and SIGTERM. */
export function catchesGroupSignals(pid: number): boolean {
  const caught = Number(readStat(pid)?.[31] ?? 0);
  return [1, 2, 15].every((signal) => (caught & 1 << (signal - 1)) !== 0);
}

/** The ids of the children of a process that are alive; with `argument`, of those that were started with it. */
export function childrenOf(pid: number, argument?: string): number[] {
  const children: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(Number(name));
    if (stat === undefined || Number(stat[1]) !== pid || stat[0] === "Z") continue;
    if (argument === undefined || argumentsOf(name).includes(argument)) children.push(Number(name));
  }
  return children;
}

function argumentsOf(pid: string): string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
  } catch {
    return []; // It has just ended.
  }
}

/** Stops a process where it is. Returns when none of its threads runs any more: until then one may still answer. */
export function freezeProcess(pid: number): void {
  Deno.kill(pid, "SIGSTOP");
  const deadlineMs = performance.now() + 5_000;
  while (threadsOf(pid).some((state) => state !== "T" && state !== "Z")) {
    if (performance.now() > deadlineMs) throw new Error(`Cannot freeze process ${pid}`);
  }
}

/** The state of each thread of a process. */
function threadsOf(pid: number): (string | undefined)[] {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return threads.map(({ name }) => readStat(`${pid}/task/${name}`)?.[0] ?? "Z");
}

/** Returns when none of the processes is alive any more. Nothing tells of the end of a foreign child. */
export async function waitUntilGone(pids: readonly number[], deadlineMs = 5_000): Promise<void> {
  const deadlineAtMs = Date.now() + deadlineMs;
  while (pids.some(isAlive)) {
    if (Date.now() > deadlineAtMs) {
      throw new Error(`Waited ${deadlineMs} ms in vain for the end of ${pids.filter(isAlive)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The first of the processes that has used so much CPU time; `list` names those to look at. */
export async function waitForCpuMs(
  list: () => readonly number[],
  wantedMs: number,
  deadlineMs = 10_000,
): Promise<number> {
  const deadlineAtMs = Date.now() + deadlineMs;
  const startMs = new Map<number, number>();
  for (;;) {
    for (const pid of list()) {
      const usedMs = cpuMsOf(pid) ?? 0;
      const beforeMs = startMs.get(pid) ?? usedMs;
      startMs.set(pid, beforeMs);
      if (usedMs - beforeMs >= wantedMs) return pid;
    }
    if (Date.now() > deadlineAtMs) {
      throw new Error(`Waited ${deadlineMs} ms in vain for a process that uses CPU time`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The fields after the name of the program: state, parent, ... (proc(5) counts them from 3). */
function readStat(pid: number | string): string[] | undefined {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    // It ended, maybe between the listing of /proc and this read.
    return undefined;
  }
}
