import assert from "node:assert/strict";
import { idleStatus, makeApp } from "../../testing/make_app.ts";

Deno.test("GET /status shows the report as it is", async () => {
  const { request } = await makeApp();
  for (const path of ["/status", "/api/status"]) {
    const { status, body } = await request("GET", path);
    assert.equal(status, 200);
    assert.deepEqual(body, idleStatus);
  }
});

Deno.test("GET /health/live answers 200 whatever the report says, which it does not ask for", async () => {
  const { request } = await makeApp({ status: { ...idleStatus, stopping: true } });
  const { status, body } = await request("GET", "/health/live");
  assert.equal(status, 200);
  assert.deepEqual(body, { status: "alive" });
});

Deno.test("GET /health/ready answers 200 where the node can take jobs", async () => {
  const { request } = await makeApp();
  const { status, body } = await request("GET", "/health/ready");
  assert.equal(status, 200);
  assert.deepEqual(body, { status: "ready" });
});

Deno.test("GET /health/ready answers 503 with every reason", async () => {
  const { request } = await makeApp({
    status: {
      ...idleStatus,
      stopping: true,
      repository: { driver: "mysql", healthy: false, reason: "connection refused" },
      queue: { driver: "rabbitmq", healthy: false },
    },
  });
  const { status, body } = await request("GET", "/health/ready");
  assert.equal(status, 503);
  assert.deepEqual(body, {
    error: true,
    code: 503,
    reason: "unavailable",
    message: "Not ready: the node is stopping; repository mysql: connection refused; " +
      "queue rabbitmq: not healthy",
  });
});
