// A server of Debian's as a child process on a free port of loopback, with a folder of its own that goes with it.
// Called by the files beside this one, each for one server.

import { freePort } from "../../testing/free_port.ts";
import { within } from "../../testing/within.ts";

/** A server that answers. `await using` ends it. */
export interface ServerProcess extends AsyncDisposable {
  readonly port: number;
}

/** How to start a server. */
export interface ProcessOptions {
  /** For people. */
  readonly title: string;
  /** The path of the program, or its name on the PATH. */
  readonly program: string;
  args(folder: string, port: number): readonly string[];
  /** Fills the folder before the server starts. */
  prepare?(folder: string): Promise<void>;
  /** What the server writes once it answers. */
  readonly readyText: string;
  /** The user that the server runs as; default: the user of this process. */
  readonly user?: User | undefined;
}

/** A user of this machine, by number. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Both end at once with this and take along what they have outside of their folder: child processes, shared memory. */
const endSignal = "SIGINT";
const running = new Map<Deno.ChildProcess, string>();
// A run that is interrupted must not leave servers behind.
addEventListener("unload", () => {
  for (const child of running.keys()) child.kill(endSignal);
  for (const folder of running.values()) Deno.removeSync(folder, { recursive: true });
});

/** Starts the server and returns once it answers. */
export async function startProcess(options: ProcessOptions): Promise<ServerProcess> {
  const { title, program, args, prepare, readyText, user } = options;
  const folder = await Deno.makeTempDir({ prefix: "valet_packages_" });
  try {
    if (user !== undefined) await Deno.chown(folder, user.uid, user.gid);
    await prepare?.(folder);
    const port = freePort();
    const child = new Deno.Command(program, {
      args: [...args(folder, port)],
      cwd: folder,
      ...user,
      env: { LC_ALL: "C" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    running.set(child, folder);
    const end = async () => {
      child.kill(endSignal);
      await within(child.status, `the end of ${title}`);
      running.delete(child);
    };
    try {
      await within(waitForText(child, readyText), `the start of ${title}`);
    } catch (error) {
      await end();
      throw error;
    }
    return {
      port,
      async [Symbol.asyncDispose]() {
        await end();
        await Deno.remove(folder, { recursive: true });
      },
    };
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    throw error;
  }
}

/** Returns when the child has written the text, and goes on to read: a full pipe would stop the server. */
function waitForText(child: Deno.ChildProcess, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let output = "";
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      output = (output + part).slice(-10_000);
      if (output.includes(text)) resolve();
    }
  };
  void Promise.all([read(child.stdout), read(child.stderr)])
    .then(() => reject(new Error(`The server ended before it answered:\n${output}`)));
  return promise;
}
