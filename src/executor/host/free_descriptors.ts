// Whether this process has file descriptors left for a new thread. Without them Deno panics while it starts the thread,
// and the whole server ends. Used by worker_thread.ts.

import { ValetError } from "../../errors.ts";

const path = "/dev/null";
/** A worker opens 6, and its modules one after the other. The rest is for what other threads open meanwhile. */
const neededCount = 32;

/**
 * Opens as many file descriptors as a new worker may need, and closes them. Takes 0.2 ms.
 *
 * @throws ValetError `unavailable` where fewer are free.
 */
export function requireFreeDescriptors(): void {
  // Else Deno would ask at the terminal.
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return;
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < neededCount) files.push(Deno.openSync(path));
  } catch (thrown) {
    const { code } = thrown as { readonly code?: unknown };
    // Windows has no such file, and hardly a limit.
    if (code !== "EMFILE" && code !== "ENFILE") return;
    throw new ValetError(
      "unavailable",
      `${files.length} file descriptors are free; ${neededCount} are needed: ` +
        "raise the limit (ulimit -n), or end the task that leaves files or connections open",
    );
  } finally {
    for (const file of files) file.close();
  }
}
