// How a job travels through RabbitMQ: the whole job as JSON. Anyone may publish to a queue, so what
// comes back is checked as if a stranger had written it. Called by the publisher and the consumer.

import { Buffer } from "node:buffer";
import type { Message } from "amqplib";
import { ValetError } from "../../../src/errors.ts";
import { isWaiting, type Job } from "../../../src/jobs/job.ts";

/** The name and version of the format; the AMQP property `type` of a message holds it. */
export const messageType = "valet.job.v1";

/** The largest message that is sent or accepted; also what RabbitMQ allows unless told otherwise. */
export const maxMessageBytes = 128 * 1024 * 1024;

/** The content of the message for a job. Throws `too_large`. */
export function encodeJob(job: Job, maxBytes: number): Buffer {
  const content = Buffer.from(JSON.stringify(job));
  if (content.length <= maxBytes) return content;
  throw new ValetError(
    "too_large",
    `Cannot publish the job ${job.id}: its message has ${content.length} bytes; max_message_size of ` +
      `RabbitMQ allows ${maxBytes}`,
  );
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The job of a message. The params are read only where the message is foreign: they stay text.
 *
 * @throws ValetError `invalid_argument` that says what is wrong, without any of the content.
 */
export function decodeJob({ content, properties }: Message, isForeign: boolean): Job {
  if (properties.type !== messageType) {
    const type = properties.type === undefined ? "no type" : `the type ${properties.type}`;
    throw refusal(`it has ${type}, not ${messageType}`);
  }
  if (content.length > maxMessageBytes) throw refusal("it is too large");
  const fields = parseObject(decodeText(content));
  const job: Record<string, unknown> = {};
  for (const [name, isValid] of checks) {
    const value = fields[name];
    if (!isValid(value)) throw refusal(`its field ${name} is missing or wrong`);
    job[name] = value;
  }
  // An adopted job of any other status would stay as it is for ever.
  if (!isWaiting(job as unknown as Job)) throw refusal("its job does not wait");
  if (isForeign && job.paramsJson !== undefined) parseObject(job.paramsJson as string);
  return job as unknown as Job;
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isInteger: Check = (value) => Number.isSafeInteger(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isOptional = (check: Check): Check => (value) => value === undefined || check(value);

const idForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const checksByField: Readonly<Record<keyof Job, Check>> = {
  id: (value) => typeof value === "string" && idForm.test(value),
  name: isText,
  description: isOptional(isText),
  taskName: isText,
  paramsJson: isOptional(isText),
  timeoutMs: isCount,
  runAtMs: isOptional(isInteger),
  status: isText,
  failureReason: isOptional(isText),
  createdAtMs: isInteger,
  scheduledAtMs: isOptional(isInteger),
  startedAtMs: isOptional(isInteger),
  completedAtMs: isOptional(isInteger),
  durationMs: isOptional(isCount),
  attempt: isCount,
  fence: isCount,
  crashes: isCount,
};
const checks = Object.entries(checksByField);

function decodeText(content: Uint8Array): string {
  try {
    return decoder.decode(content);
  } catch (error) {
    throw refusal("it is not UTF-8", error);
  }
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The error is not kept as the cause: it quotes the text, which may hold a secret of a client.
    throw refusal("it is not JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw refusal("it is not a JSON object");
}

function refusal(problem: string, cause?: unknown): ValetError {
  return new ValetError("invalid_argument", `Cannot read the message: ${problem}`, { cause });
}
