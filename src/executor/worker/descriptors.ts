// The descriptors 1 and 2 of `node:fs` as tasks see them: what is written to them becomes lines of the log. Loggers
// such as pino write there. In a runner, the real descriptor 1 carries the frames.

import { replaceFunction } from "./refusals.ts";
import { taskHooks } from "./task_hooks.ts";

type NodeFs = typeof import("node:fs");
type Callback = (error: null, ...answer: unknown[]) => void;

/**
 * Closes this worker's own copies of the standard streams, but for the one that carries its frames, and replaces
 * the functions of `node:fs` that work on an open descriptor.
 *
 * `nodeFs` is the object that `require` gives. A function that a module imports by its name is the one that was
 * there when the first module did so, hence nobody may have imported `node:fs` before.
 */
export function replaceDescriptors(nodeFs: NodeFs, keepsOutput: boolean): void {
  for (const descriptor of keepsOutput ? [0, 2] : [0, 1, 2]) nodeFs.closeSync(descriptor);

  /** `answer` gets the values behind the descriptor and gives what the callback gets, or the function returns. */
  function replaceBoth(name: string, answer: (stream: StreamName, values: unknown[]) => unknown[]) {
    replaceForStreams(nodeFs, `${name}Sync`, (stream, values) => answer(stream, values)[0]);
    replaceForStreams(nodeFs, name, (stream, values) => {
      const callback = values.findLast((value) => typeof value === "function");
      const answered = answer(stream, values);
      if (callback !== undefined) queueMicrotask(() => (callback as Callback)(null, ...answered));
    });
  }
  replaceBoth("write", (stream, values) => [print(stream, bytesOf(values)), values[0]]);
  replaceBoth("writev", (stream, values) => {
    const chunks = values[0] as readonly unknown[];
    return [
      chunks.reduce<number>((sum, chunk) => sum + print(stream, bytesOf([chunk])), 0),
      chunks,
    ];
  });
  for (const name of ["appendFile", "writeFile"]) {
    replaceBoth(name, (stream, [data, options]) => {
      const { encoding } = Object(options) as { encoding?: unknown };
      print(stream, bytesOf([data, undefined, encoding ?? options]));
      return [];
    });
  }
  for (const name of ["close", "fdatasync", "fsync"]) replaceBoth(name, () => []);
}

type StreamName = Parameters<typeof taskHooks.print>[0];

function replaceForStreams(
  nodeFs: NodeFs,
  name: string,
  answer: (stream: StreamName, values: unknown[]) => unknown,
): void {
  replaceFunction(nodeFs, name, (real) => (descriptor: unknown, ...values: unknown[]) => {
    if (descriptor === 1) return answer("stdout", values);
    if (descriptor === 2) return answer("stderr", values);
    return real.call(nodeFs, descriptor, ...values);
  });
}

function print(stream: StreamName, bytes: Uint8Array): number {
  taskHooks.print(stream, bytes);
  return bytes.length;
}

/** Of (text, position?, encoding?), (bytes, offset?, length?) or (bytes, { offset?, length? }). */
function bytesOf([chunk, second, third]: readonly unknown[]): Uint8Array {
  if (!ArrayBuffer.isView(chunk)) {
    // The Deno that compiles may be one that does not know the global by its type.
    const { Buffer } = globalThis as unknown as { Buffer: typeof import("node:buffer").Buffer };
    return Buffer.from(String(chunk), (typeof third === "string" ? third : "utf8") as "utf8");
  }
  const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const { offset = 0, length = bytes.length } = typeof second === "object" && second !== null
    ? second as { offset?: number; length?: number }
    : {
      ...(typeof second === "number" ? { offset: second } : {}),
      ...(typeof third === "number" ? { length: third } : {}),
    };
  return bytes.subarray(offset, offset + length);
}
