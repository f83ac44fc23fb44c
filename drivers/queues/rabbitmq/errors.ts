// From what amqplib and RabbitMQ say to a ValetError; called by the other files of the driver.

import { errorMessage, ValetError } from "../../../src/errors.ts";
import type { BrokerPlace, RabbitmqOptions } from "./options.ts";

/** Replies of the broker that somebody must do something about (AMQP 0-9-1, 1.4). */
const accessRefused = 403;
const notFound = 404;
const resourceLocked = 405;
const preconditionFailed = 406;

/** The settings whose argument has another name in AMQP. */
const settingNames: Readonly<Record<string, string>> = {
  auto_delete: "deleted_when_unused",
  "x-queue-type": "queue_type",
};

/** Why the driver could not connect, log in, or declare its queue. */
export function openError(
  thrown: unknown,
  options: RabbitmqOptions,
  { hostname, port }: BrokerPlace,
): ValetError {
  const { broker: { vhost }, passive, queueName } = options;
  const text = errorMessage(thrown);
  const refusal = (problem: string) =>
    new ValetError("invalid_config", `Cannot open the rabbitmq job queue: ${problem}`, {
      cause: thrown,
    });
  // It keeps to itself what the broker said.
  if (text.startsWith("Expected ConnectionOpenOk")) {
    return refusal(
      `RabbitMQ does not open the vhost ${vhost} to the user of RABBITMQ_URI; create the vhost or ` +
        `let the user in`,
    );
  }
  switch (replyCode(thrown)) {
    case accessRefused:
      return refusal(
        text.startsWith("Handshake")
          ? `RabbitMQ refuses the user or the password of RABBITMQ_URI`
          : `the user of RABBITMQ_URI may not use the queue ${queueName}; it needs the permissions ` +
            `to configure, write and read it (${brokerText(text)})`,
      );
    case notFound:
      return unavailable(
        `Cannot use the queue ${queueName}: ` +
          (passive
            ? "it is not there, and with job_queue.rabbitmq.passive: true Valet does not declare it; " +
              "declare it at the broker"
            : brokerText(text)),
        thrown,
      );
    case resourceLocked:
      return unavailable(
        `Cannot use the queue ${queueName}: it is exclusive and another connection has it`,
        thrown,
      );
    case preconditionFailed:
      return refusal(describeDifference(text, queueName));
    default:
      return unavailable(`Cannot reach RabbitMQ at ${hostname}:${port}: ${text}`, thrown);
  }
}

/** Whether the broker says that what was asked for is not there. */
export function isNotFound(thrown: unknown): boolean {
  return replyCode(thrown) === notFound;
}

/** How large a message may be, of an error with which the broker refused a larger one; undefined: it is another. */
export function messageLimitOf(error: unknown): number | undefined {
  const match = /message size \d+ is larger than (?:configured )?max size (\d+)/
    .exec(errorMessage(error));
  return match === null ? undefined : Number(match[1]);
}

/** The error of a call that needs the broker. */
export function unavailable(message: string, cause?: unknown): ValetError {
  return new ValetError("unavailable", message, { cause });
}

function replyCode(thrown: unknown): number | undefined {
  const { code } = thrown as { readonly code?: unknown };
  if (typeof code === "number") return code;
  const match = /^Handshake terminated by server: (\d{3}) /.exec(errorMessage(thrown));
  return match === null ? undefined : Number(match[1]);
}

/** Of `Channel closed by server: 403 (ACCESS-REFUSED) with message "..."` what stands in the quotes. */
function brokerText(text: string): string {
  return /with message "(.*)"/s.exec(text)?.[1] ?? text;
}

function describeDifference(text: string, queueName: string): string {
  const said = brokerText(text);
  const invalid = /invalid (?:property|arg) '([\w-]+)' for queue '.*' in vhost '.*?'(.*)/s.exec(
    said,
  );
  if (invalid !== null) {
    const [, name, why] = invalid as unknown as [string, string, string];
    return `the queue ${queueName} cannot have ${name}${why}; change or leave out ${
      settingOf(name)
    }`;
  }
  const different = /inequivalent arg '([\w-]+)' for queue .*: received (.*) but current is (.*)$/s
    .exec(said);
  if (different === null) {
    return `the queue ${queueName} exists and is another kind of queue (${said}); delete it or set ` +
      `another queue_name`;
  }
  const [, name, received, current] = different as unknown as [string, string, string, string];
  const setting = settingOf(name);
  const ours = readValue(received, name) ?? "not set";
  const theirs = readValue(current, name);
  const change = theirs === undefined ? `leave out ${setting}` : `set ${setting} to ${theirs}`;
  return `the queue ${queueName} exists with ${setting}: ${theirs ?? "not set"}, and the ` +
    `configuration says ${ours}; ${change}, or delete the queue`;
}

/** The setting of an argument of AMQP. */
function settingOf(argument: string): string {
  const name = settingNames[argument] ??
    (argument.startsWith("x-") ? `arguments.${argument}` : argument);
  return `job_queue.rabbitmq.${name}`;
}

/** Of `'true'`, `the value '7' of type 'signedint'` and `none` the value; undefined: it is not set. */
function readValue(said: string, argument: string): string | undefined {
  return /'(.*?)'/s.exec(said)?.[1] ?? (argument === "x-queue-type" ? "classic" : undefined);
}
