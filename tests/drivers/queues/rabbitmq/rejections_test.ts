import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { ConsumeMessage } from "amqplib";
import { RejectionLog } from "../../../../drivers/queues/rabbitmq/rejections.ts";
import { flushLogs } from "../../../../src/log/log.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";

function makeMessage(messageId: string, appId?: string): ConsumeMessage {
  return {
    content: Buffer.from("abc"),
    fields: { exchange: "orders", routingKey: "job" },
    properties: { messageId, appId },
  } as unknown as ConsumeMessage;
}

Deno.test("RejectionLog tells of the first rejection at once, and then of all that came meanwhile", async () => {
  await using logs = new CapturedLogs();
  const rejections = new RejectionLog();
  rejections.add(makeMessage("first", "shop"), "it is not JSON");
  for (let index = 0; index < 2_000; index++) {
    rejections.add(makeMessage(`later ${index}`), "it is too large");
  }
  await logs.waitFor({ count: 2_000, message_id: "later 1999", reason: "it is too large" });
  rejections.add(makeMessage("last"), "it is too large");
  rejections.close();
  await flushLogs();
  assert.equal(logs.lines.length, 3);
  const { time: _time, message: _message, ...fields } = logs.lines[0]!;
  assert.deepEqual(fields, {
    level: "error",
    component: "rabbitmq",
    count: 1,
    exchange: "orders",
    routing_key: "job",
    app_id: "shop",
    message_id: "first",
    bytes: 3,
    reason: "it is not JSON",
  });
  assert.equal("app_id" in logs.lines[1]!, false);
  assert.deepEqual([logs.lines[2]!["count"], logs.lines[2]!["message_id"]], [1, "last"]);
});
