// The options of the RabbitMQ driver, checked. Called by queue.ts. No message here may show the URI:
// a password stands in it.

import { ValetError } from "../../../src/errors.ts";
import { readPositiveInteger } from "../../read_option.ts";
import { parseServerUri, refuseWrapping } from "../../server_uri.ts";

/** One broker of a cluster. */
export interface BrokerPlace {
  readonly hostname: string;
  readonly port: number;
}

/** Where the brokers are and how to log in. */
export interface BrokerAddress {
  readonly protocol: "amqp" | "amqps";
  /** At least one; a session is with one of them. */
  readonly places: readonly BrokerPlace[];
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
}

/** What the driver is told; the meaning of the flags is AMQP's. */
export interface RabbitmqOptions {
  readonly broker: BrokerAddress;
  readonly queueName: string;
  /** The queue is declared by somebody else; the driver only looks whether it is there. */
  readonly passive: boolean;
  /** What the queue is declared with beside the flags; its type, if that is not the broker's own default. */
  readonly arguments: Readonly<Record<string, string | number | boolean>>;
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
  const flags = {
    passive: readFlag(values, "passive"),
    durable: readFlag(values, "durable"),
    deletedWhenUnused: readFlag(values, "deletedWhenUnused"),
    exclusive: readFlag(values, "exclusive"),
    nowait: readFlag(values, "nowait"),
  };
  const isQuorum = readIsQuorum(values);
  if (isQuorum && !flags.durable) {
    throw refusal("a quorum queue is durable; set job_queue.rabbitmq.durable: true");
  }
  if (isQuorum && flags.exclusive) throw refusal("a quorum queue cannot be exclusive");
  if (isQuorum && flags.deletedWhenUnused) {
    throw refusal("a quorum queue cannot be deleted_when_unused");
  }
  if (flags.passive && flags.nowait) {
    throw refusal("passive asks the broker for the queue, and nowait waits for no answer");
  }
  return {
    broker: parseUri(uri),
    queueName,
    ...flags,
    arguments: {
      ...readArguments(values, flags.passive),
      ...(isQuorum && { "x-queue-type": "quorum" }),
    },
    prefetch,
  };
}

function readIsQuorum({ queueType = "classic" }: Record<string, unknown>): boolean {
  if (queueType === "classic" || queueType === "quorum") return queueType === "quorum";
  throw refusal(`queueType is ${JSON.stringify(queueType)}; "classic" or "quorum" is allowed`);
}

function readArguments(
  { arguments: given = {} }: Record<string, unknown>,
  isPassive: boolean,
): RabbitmqOptions["arguments"] {
  const isMapping = typeof given === "object" && given !== null && !Array.isArray(given);
  const entries: [string, unknown][] = isMapping ? Object.entries(given) : [["", given]];
  for (const [name, value] of entries) {
    const isValue = typeof value === "string" || typeof value === "boolean" ||
      Number.isSafeInteger(value);
    if (!name.startsWith("x-") || !isValue) {
      throw refusal(
        `arguments are ${JSON.stringify(given)}; a mapping of names that begin with x- to texts, ` +
          "integers, true or false is allowed",
      );
    }
    if (name === "x-queue-type") {
      throw refusal("arguments have x-queue-type; set queue_type, which is classic or quorum");
    }
  }
  if (isPassive && entries.length > 0) {
    throw refusal("passive declares nothing, so arguments have no effect; leave one of them out");
  }
  return given as RabbitmqOptions["arguments"];
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
const defaultPorts = { amqp: 5672, amqps: 5671 };

/** Parameters of other clients that change nothing here: the driver has its own way. */
const ignoredParameters: ReadonlySet<string> = new Set([
  "channel_max",
  "channelMax",
  "connection_timeout",
  "frame_max",
  "frameMax",
  "heartbeat",
  "locale",
]);

function parseUri(uri: unknown): BrokerAddress {
  if (typeof uri !== "string" || uri.trim() === "") {
    throw refusal(
      `its URI is missing; set RABBITMQ_URI to ${uriForm}, or give it as the Docker secret ` +
        `rabbitmq_uri`,
    );
  }
  const text = uri.trim();
  refuseWrapping(text, "RABBITMQ_URI", refuseUri);
  const { scheme, user, password, places, path, parameters } = parseServerUri(
    text,
    ["amqp", "amqps"],
    refuseUri,
  );
  if (places.some(({ host }) => host === "")) refuseUri(`names no host; write it as ${uriForm}`);
  for (const [name] of parameters) {
    if (!ignoredParameters.has(name)) {
      refuseUri(
        `has the parameter ${
          JSON.stringify(name)
        }, which Valet does not know; without effect, and ` +
          `allowed, are ${[...ignoredParameters].join(", ")}`,
      );
    }
  }
  const protocol = scheme as "amqp" | "amqps";
  const isAnonymous = user === "" && password === "";
  return {
    protocol,
    places: places.map(({ host, port }) => ({
      hostname: host,
      port: port ?? defaultPorts[protocol],
    })),
    username: isAnonymous ? "guest" : user,
    password: isAnonymous ? "guest" : password,
    vhost: path || "/",
  };
}

function refuseUri(problem: string): never {
  throw refusal(`RABBITMQ_URI ${problem}`);
}
