import assert from "node:assert/strict";
import { type AccessRecord, createAccessLog } from "../../../src/http/access_log.ts";
import { configureLogging, flushLogs } from "../../../src/log/log.ts";
import { formatLine } from "../../../src/log/line.ts";

const record: AccessRecord = {
  method: "POST",
  path: "/jobs/1",
  status: 200,
  timeMs: Date.UTC(2026, 10, 27),
  durationMs: 12,
  requestId: "abc-1",
};
const node = "host-a1b2c";

/** Logs one request and returns what was written. */
async function logOnce(
  format: "text" | "json",
  parts: Partial<AccessRecord> = {},
  level: "debug" | "info" | "warn" = "debug",
): Promise<string> {
  let written = "";
  configureLogging({
    format,
    level,
    nodeName: node,
    write: (lines) => void (written += new TextDecoder().decode(lines)),
  });
  createAccessLog()({ ...record, ...parts });
  await flushLogs();
  return written;
}

Deno.test("createAccessLog writes the line that formatLine makes of the same record", async () => {
  const hostile = { method: "G ET", path: '/a\n2026 "b"=c\u009b', requestId: "\u2028 x" };
  for (const parts of [{}, hostile]) {
    for (const format of ["text", "json"] as const) {
      const line = await logOnce(format, parts);
      const { method, path, status, timeMs, requestId } = { ...record, ...parts };
      const expected = formatLine(format, {
        timeMs,
        level: "info",
        component: "http",
        node,
        message: "request",
        fields: { method, path, status, duration_ms: 12, request_id: requestId },
      });
      assert.equal(line, `${expected}\n`);
    }
  }
});

Deno.test("createAccessLog cuts a long path", async () => {
  const line = JSON.parse(await logOnce("json", { path: "/" + "x".repeat(100_000) }));
  assert.equal(line.path.length, 1027);
  assert.match(line.path, /x\.\.\.$/);
});

Deno.test("createAccessLog writes reads at debug, and what may change something at info", async () => {
  for (const method of ["GET", "HEAD", "OPTIONS"]) {
    assert.equal(JSON.parse(await logOnce("json", { method })).level, "debug");
    assert.equal(await logOnce("json", { method }, "info"), "");
  }
  for (const method of ["POST", "PATCH", "DELETE", "PUT", "BREW"]) {
    assert.equal(JSON.parse(await logOnce("json", { method }, "info")).level, "info");
    assert.equal(await logOnce("json", { method }, "warn"), "");
  }
});
