// The one RabbitMQ of all fault tests: it takes ten seconds to start.

import { RabbitmqServer } from "../testing/rabbitmq_server.ts";

let started: Promise<RabbitmqServer> | undefined;
let queueCount = 0;

/** The broker; the first caller starts it. */
export function sharedBroker(): Promise<RabbitmqServer> {
  return started ??= RabbitmqServer.start();
}

/** The configuration of a queue that no other test uses. */
export function brokerQueue({ durable }: { durable: boolean }): Record<string, unknown> {
  const rabbitmq = { queue_name: `faults_${++queueCount}`, durable };
  return { option: "rabbitmq", rabbitmq };
}

Deno.test.afterAll(async () => {
  await (await started)?.[Symbol.asyncDispose]();
});
