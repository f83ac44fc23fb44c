// The options of the RabbitMQ driver, checked. Called by queue.ts. No message here may show the URI:
// a password stands in it.

import { ValetError } from "../../../src/errors.ts";
import { readPositiveInteger } from "../../read_option.ts";

/** Where the broker is and how to log in. */
export interface BrokerAddress {
  readonly protocol: "amqp" | "amqps";
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
}

/** What the driver is told; the meaning of the flags is AMQP's. */
export interface RabbitmqOptions {
  readonly broker: BrokerAddress;
  readonly queueName: string;
  /** The queue outlives a restart of the broker, and so do its messages. */
  readonly durable: boolean;
  /** The broker removes the queue once its last consumer has gone. */
  readonly deletedWhenUnused: boolean;
  /** The queue belongs to the connection that declares it and ends with that. */
  readonly exclusive: boolean;
  /** The queue is declared without waiting for an answer. */
  readonly nowait: boolean;
  /** How many messages the broker may send ahead of their ack, 1 to 65535. */
  readonly prefetch: number;
}

const driver = "rabbitmq job queue";
const maxPrefetch = 65_535;

/**
 * The options of `openRabbitmqQueue`; all but `uri` have defaults.
 *
 * @throws ValetError `invalid_config`
 */
export function parseRabbitmqOptions(options: unknown): RabbitmqOptions {
  // Refuses what is no object, too.
  const prefetch = readPositiveInteger(options, "prefetch", 64, driver);
  if (prefetch > maxPrefetch) {
    throw refusal(`prefetch is ${prefetch}; at most ${maxPrefetch} is allowed`);
  }
  const values = (options ?? {}) as Record<string, unknown>;
  const { uri, queueName = "job" } = values;
  if (typeof queueName !== "string" || !/^[\x20-\x7e]{1,255}$/.test(queueName)) {
    throw refusal(
      `queueName is ${JSON.stringify(queueName)}; 1 to 255 ASCII characters are allowed`,
    );
  }
  return {
    broker: parseUri(uri),
    queueName,
    durable: readFlag(values, "durable"),
    deletedWhenUnused: readFlag(values, "deletedWhenUnused"),
    exclusive: readFlag(values, "exclusive"),
    nowait: readFlag(values, "nowait"),
    prefetch,
  };
}

function refusal(problem: string): ValetError {
  return new ValetError("invalid_config", `Cannot open the ${driver}: ${problem}`);
}

function readFlag(values: Record<string, unknown>, name: string): boolean {
  const value = values[name] ?? false;
  if (typeof value === "boolean") return value;
  throw refusal(`${name} is ${JSON.stringify(value)}; true or false is allowed`);
}

const uriForm = "amqp://user:password@host:5672/vhost";

function parseUri(uri: unknown): BrokerAddress {
  if (uri === undefined || uri === null || uri === "") {
    throw refusal(
      `its URI is missing; set RABBITMQ_URI to ${uriForm}, or give it as the Docker secret ` +
        `rabbitmq_uri`,
    );
  }
  const url = typeof uri === "string" ? URL.parse(uri) : null;
  if (url === null || url.hostname === "") {
    throw refusal(
      `RABBITMQ_URI is no URI with a host; ${uriForm} is allowed, with special characters of the ` +
        `password percent-encoded`,
    );
  }
  const protocol = url.protocol.slice(0, -1);
  if (protocol !== "amqp" && protocol !== "amqps") {
    throw refusal(`RABBITMQ_URI begins with ${protocol}; amqp and amqps are allowed`);
  }
  const isAnonymous = url.username === "" && url.password === "";
  return {
    protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port) || (protocol === "amqp" ? 5672 : 5671),
    username: isAnonymous ? "guest" : decodePart(url.username),
    password: isAnonymous ? "guest" : decodePart(url.password),
    vhost: decodePart(url.pathname.slice(1)) || "/",
  };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // The error is not kept as the cause: it would say no more.
    throw refusal(`RABBITMQ_URI holds a % that encodes nothing; write %25 for a percent sign`);
  }
}
