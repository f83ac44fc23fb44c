// The log of a real server, as its operators read it: which lines there are at the default level, and what
// they hold, in both formats.

import { strict as assert } from "node:assert";
import { launchValet, startValet } from "../testing/start_valet.ts";

Deno.test("a server logs each finished job and each write once, reads at debug, its node in every line", async () => {
  await using valet = await startValet({
    tasks: "fixtures",
    config: { logging_level: "info", server: { node_name: "left-1" } },
  });
  const { api, process } = valet;
  const post = async (task_name: string, requestId: string) => {
    const headers = { "x-request-id": requestId };
    const { body } = await api.request("POST", "/jobs", { name: "a job", task_name }, headers);
    return String(body.id);
  };
  const ok = await post("ok", "first");
  const failing = await post("throws_with_causes", "second");
  const logging = await post("logs", "third");
  for (const id of [ok, failing, logging]) await process.waitForJobEnd(id);
  for (const path of ["/health/live", "/health/ready", "/jobs", `/jobs/${ok}`, "/status"]) {
    assert.equal((await api.request("GET", path)).status, 200);
  }
  await api.request("DELETE", `/jobs/${ok}`, undefined, { "x-request-id": "fourth" });
  await process.waitForLog("the last request", (line) => line["request_id"] === "fourth");
  // The lines come in their order: what the others have caused is there.

  for (const line of process.log) assert.equal(line["node"], "left-1", line.message);
  const requests = process.log.filter(({ message }) => message === "request");
  assert.deepEqual(
    requests.map(({ level, method, request_id, status }) => [level, method, request_id, status]),
    [
      ["info", "POST", "first", 202],
      ["info", "POST", "second", 202],
      ["info", "POST", "third", 202],
      ["info", "DELETE", "fourth", 204],
    ],
  );
  const linesOf = (id: string) => process.log.filter((line) => line["job_id"] === id);
  const [completed, ...none] = linesOf(ok);
  assert.deepEqual(none, []);
  const { time, duration_ms, ...fields } = completed!;
  assert.deepEqual(fields, {
    level: "info",
    component: "dispatcher",
    node: "left-1",
    message: "job completed",
    job_id: ok,
    task: "ok",
    outcome: "completed",
    attempt: 1,
    request_id: "first",
  });
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
  assert.ok(Number.isInteger(duration_ms));

  const [failed, ...others] = linesOf(failing);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [failed!.level, failed!.message, failed!["outcome"], failed!["request_id"], failed!["reason"]],
    ["warn", "job failed", "failed", "second", "outer: inner: ECONNREFUSED"],
  );
  assert.match(
    String(failed!["stack"]),
    /^Error: outer\n {4}at .*faults\.ts[^]*\ncaused by: Error: inner\n[^]*\ncaused by: Error\n/,
  );
  for (const path of [`/jobs/${failing}`, `/jobs/${failing}/results`]) {
    assert.doesNotMatch(JSON.stringify((await api.request("GET", path)).body), /faults\.ts/);
  }
  const logged = linesOf(logging).map(({ level, component }) => `${component} ${level}`);
  assert.deepEqual(logged, ["task info", "task warn", "task error", "dispatcher info"]);
});

Deno.test("a server logs the same as text, with the host name and five characters as its node", async () => {
  await using valet = await launchValet({
    config: { logging_level: "info", logging_format: "text" },
  });
  const { process } = valet;
  const { message } = await process.waitForLog(
    "listening",
    ({ message }) => message.includes("listening"),
  );
  const [, node, address] = / node: listening node=(\S+) address=(\S+) /.exec(message)!;
  assert.equal(node!.slice(0, -6), Deno.hostname().replace(/[^\w.-]/g, "-"));
  assert.match(node!, /-[a-z0-9]{5}$/);
  const answer = await fetch(`${address}/jobs`, {
    method: "POST",
    headers: { "x-request-id": "my-request" },
    body: JSON.stringify({ name: "a job", task_name: "dummytask" }),
  });
  const { id } = await answer.json();
  const end = await process.waitForLog("the end", ({ message }) => message.includes("completed"));
  const expected = ` INFO  dispatcher: job completed node=${node} job_id=${id} task=dummytask ` +
    "outcome=completed attempt=1 duration_ms=D request_id=my-request";
  assert.equal(end.message.slice(24).replace(/duration_ms=\d+/, "duration_ms=D"), expected);
  process.signal("SIGTERM");
  assert.equal((await process.waitForEnd()).code, 0);
});
