// Runs Valet and starts it anew when a source changes: `deno task dev`. Each start is a process of its own, and the one
// before is stopped in order first, so that its running jobs are given back. `deno run --watch` drops a server in the
// middle of them: a crash of the node.

/** What belongs to a server: folders with all that is in them, and files beside deno.json. */
const watchedFolders = ["drivers", "src", "tasks"];
const watchedFiles = ["config.yaml", "deno.json", "main.ts"];
/** Beside those that begin with a dot. Tasks may import modules of every other folder; what else changes there may be data. */
const unwatchedFolders = [
  "bench",
  "coverage",
  "docs",
  "examples",
  "node_modules",
  "tests",
  "tools",
];
const isModule = /\.[cm]?[jt]sx?$/;
/** How long nothing more may change: an editor or `git` writes many files at once. */
const quietMs = 150;
/** A server that has not stopped by then is told to end at once, whatever runs. */
const maxStopMs = 10_000;

/** Editors have such files beside those that they save. */
const isTemporary = /^\.|~$|\.sw.$|\.tmp$|^4913$/;

/** Waits for changes. */
class Changes {
  #quiet: ReturnType<typeof setTimeout> | undefined;
  #waiting = Promise.withResolvers<void>();

  note(): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.#quiet = undefined;
      this.#waiting.resolve();
    }, quietMs);
  }

  /** Resolves when there was a change and no more have followed. */
  next(): Promise<void> {
    return this.#waiting.promise;
  }

  /** Forgets the changes so far, once no more follow. */
  async clear(): Promise<void> {
    if (this.#quiet !== undefined) await this.next();
    this.#waiting = Promise.withResolvers();
  }
}

const changes = new Changes();
let server: Deno.ChildProcess | undefined;
let isTold = false;

function tell(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`dev: ${text}\n`));
}

async function watch(
  paths: string[],
  recursive: boolean,
  isWatched: (name: string) => boolean,
): Promise<void> {
  if (paths.length === 0) return;
  for await (const { kind, paths: changed } of Deno.watchFs(paths, { recursive })) {
    if (kind === "access") continue;
    const names = changed.map((path) => path.split(/[/\\]/).at(-1)!);
    if (names.some((name) => !isTemporary.test(name) && isWatched(name))) changes.note();
  }
}

/** The task `start`, which also installs what a change of deno.json needs. */
function startServer(): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "start"],
    // Running jobs are not waited for: they run again with the new sources.
    env: { VALET_SERVER_SHUTDOWN_GRACE: Deno.env.get("VALET_SERVER_SHUTDOWN_GRACE") ?? "0s" },
    stdin: "null",
  }).spawn();
}

async function stopServer(child: Deno.ChildProcess): Promise<void> {
  signal(child, "SIGTERM");
  // The second one ends a server at once. SIGKILL would end `deno task` alone, and leave its server behind.
  const insisting = setTimeout(() => signal(child, "SIGTERM"), maxStopMs);
  await child.status;
  clearTimeout(insisting);
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // It has just ended.
  }
}

for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(name, () => {
    isTold = true;
    if (server === undefined) Deno.exit(0);
    signal(server, name);
  });
}
const folders = [...Deno.readDirSync(".")].map(({ name }) => name).filter((name) =>
  !name.startsWith(".") && !unwatchedFolders.includes(name) && isFolder(name)
);
watch(folders.filter((name) => watchedFolders.includes(name)), true, () => true);
watch(
  folders.filter((name) => !watchedFolders.includes(name)),
  true,
  (name) => isModule.test(name),
);
// Files are watched by their folder: many editors put another file in the place of the one that they save.
watch(["."], false, (name) => watchedFiles.includes(name));

while (true) {
  await changes.clear();
  server = startServer();
  const ended = await Promise.race([server.status, changes.next()]);
  if (isTold) Deno.exit((await server.status).code);
  if (ended === undefined) {
    tell("a source has changed, Valet starts anew");
    await stopServer(server);
    if (isTold) Deno.exit(0);
    continue;
  }
  server = undefined;
  tell(`Valet has ended with code ${ended.code}; it starts again when a source changes`);
  await changes.next();
}

/** Follows links. */
function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false; // A link that leads nowhere.
    throw error;
  }
}
