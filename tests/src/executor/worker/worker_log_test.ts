import assert from "node:assert/strict";
import { WorkerLog } from "../../../../src/executor/worker/worker_log.ts";

Deno.test("WorkerLog bounds the lines that belong to no run, and counts the others", () => {
  const messages: string[] = [];
  const log = new WorkerLog({
    sink: {
      write: (_kind, _number, _startedAtMs, _durationMs, text) => {
        messages.push(JSON.parse(text).message);
        return true;
      },
      notify: () => {},
    },
    callingRun: () => undefined,
    isRunning: () => false,
    onWritten: () => {},
  });
  for (let i = 0; i < 3_000; i++) log.log("info", "x".repeat(1_000));
  const written = messages.length;
  assert.ok(written > 1_000 && written < 2_000, `${written} lines`);
  log.flush();
  assert.deepEqual(messages.slice(written), [
    `${3_000 - written} log lines were dropped: they came too fast`,
  ]);
});
