import assert from "node:assert/strict";
import fc from "fast-check";
import { dump } from "js-yaml";
import { type Config, loadConfig, parseConfig } from "../../../src/config/config.ts";
import { defaultNodeName } from "../../../src/config/node_name.ts";
import { listSettings } from "../../../src/config/schema.ts";
import { readSettings } from "../../../src/config/yaml.ts";
import { ValetError } from "../../../src/errors.ts";
import { problemsOf } from "../../testing/problems_of.ts";

const cores = navigator.hardwareConcurrency;
const defaults: Config = {
  port: 8080,
  timeoutUnit: "second",
  loggingFormat: "text",
  loggingLevel: "info",
  server: {
    host: "127.0.0.1",
    listener: "node",
    maxConnections: undefined,
    headTimeoutMs: 10_000,
    idleTimeoutMs: 75_000,
    sendTimeoutMs: 30_000,
    nodeName: defaultNodeName(),
    maxBodyBytes: 1_048_576,
    bodyTimeoutMs: 10_000,
    shutdownGraceMs: 5000,
    startupWaitMs: 30_000,
    hosts: [],
    corsOrigins: [],
    accessLog: true,
  },
  jobQueue: {
    option: "memory",
    memory: { capacity: 100 },
    rabbitmq: {
      queueName: "job",
      queueType: "classic",
      arguments: {},
      passive: false,
      durable: false,
      deletedWhenUnused: false,
      exclusive: false,
      nowait: false,
    },
  },
  workerPool: {
    concurrency: cores,
    maxWorkers: undefined,
    backlog: cores * 2,
    jobsPerWorker: 1,
    isolation: "worker",
    maxResultBytes: 1_048_576,
    killGraceMs: 500,
    maxMemoryMb: 512,
    maxRunaways: cores,
    leaseMs: 30_000,
    maxCrashes: 3,
  },
  tasks: { http_request: { allow_private: false }, csv_report: { allow_private: false } },
  scheduler: { pollingIntervalMs: 60_000 },
  consumer: { pollingIntervalMs: 1000 },
  repository: {
    option: "memory",
    memory: { maxMemoryMb: 1024 },
    sqlite: { path: "valet.db", synchronous: "full" },
    mysql: { connectionMaxLifetimeMs: 3000, maxIdleConnections: 8, maxOpenConnections: 8 },
  },
};

for (const text of ["", "\n", "# nothing\n", "null", "---\n", "port:\nserver:\n", "{}", "\ufeff"]) {
  Deno.test(`parseConfig gives the defaults for ${JSON.stringify(text)}`, async () => {
    assert.deepEqual(await parseConfig(text, "config.yaml"), defaults);
  });
}

Deno.test("loadConfig accepts the configuration of the original service", async () => {
  const path = new URL("../../fixtures/original_config.yaml", import.meta.url).pathname;
  assert.deepEqual(await loadConfig(path, {}), {
    ...defaults,
    jobQueue: { ...defaults.jobQueue, option: "rabbitmq" },
    consumer: { pollingIntervalMs: 5000 },
  });
});

Deno.test("config.yaml holds every setting, each with its default, but for the repository", async () => {
  const path = new URL("../../../config.yaml", import.meta.url).pathname;
  const config = await loadConfig(path);
  // The one setting that is shipped with another value: nothing that was accepted shall be lost.
  const repository = { ...defaults.repository, option: "sqlite" };
  // A default that depends on it.
  const jobQueue = { ...defaults.jobQueue, memory: { capacity: Infinity } };
  assert.deepEqual(config, { ...defaults, repository, jobQueue });
  const keys = [...listSettings().keys()];
  const { values } = readSettings(
    await Deno.readTextFile(path),
    new Map(keys.map((key) => [key, key])),
  );
  assert.deepEqual([...values.keys()].toSorted(), keys.toSorted());
});

const accepted: readonly [text: string, pick: (config: Config) => unknown, expected: unknown][] = [
  ["port: '9000'", (config) => config.port, 9000],
  ["port: 0", (config) => config.port, 0],
  ["port: 65535", (config) => config.port, 65_535],
  ["worker_pool: {concurrency: 7}", (config) => config.workerPool.backlog, 14],
  ["worker_pool: {concurrency: 7}", (config) => config.workerPool.maxRunaways, 7],
  ["worker_pool: {backlog: 1, max_runaways: 3}", (config) => config.workerPool.backlog, 1],
  ["worker_pool.concurrency: 7", (config) => config.workerPool.concurrency, 7],
  ["server: {body_timeout: 3}", (config) => config.server.bodyTimeoutMs, 3000],
  ["server: {body_timeout: 250ms}", (config) => config.server.bodyTimeoutMs, 250],
  ["server: {body_timeout: 5 s}", (config) => config.server.bodyTimeoutMs, 5000],
  ["server: {body_timeout: 2m}", (config) => config.server.bodyTimeoutMs, 120_000],
  ["server: {body_timeout: 1h}", (config) => config.server.bodyTimeoutMs, 3_600_000],
  ["server: {shutdown_grace: 0}", (config) => config.server.shutdownGraceMs, 0],
  ["server: {cors_origins: []}", (config) => config.server.corsOrigins, []],
  [
    "server: {cors_origins: ['*', 'HTTPS://A.example:443', 'http://b:080', 'App://Local']}",
    (config) => config.server.corsOrigins,
    ["*", "https://a.example", "http://b", "app://local"],
  ],
  ["server: {hosts: [a.example, '::1']}", (config) => config.server.hosts, ["a.example", "::1"]],
  ["server: {node_name: left-1.a_B}", (config) => config.server.nodeName, "left-1.a_B"],
  ["server: {host: '::'}", (config) => config.server.host, "::"],
  [
    "server: {cors_origins: ['https://a.example:8443']}",
    (config) => config.server.corsOrigins,
    ["https://a.example:8443"],
  ],
  [
    "timeout_unit: millisecond\nscheduler: {repository_polling_interval: 60}",
    (config) => config.scheduler.pollingIntervalMs,
    60,
  ],
  ["timeout_unit: millisecond", (config) => config.scheduler.pollingIntervalMs, 60_000],
  ["timeout_unit: millisecond", (config) => config.consumer.pollingIntervalMs, 1000],
  [
    "timeout_unit: millisecond\nrepository: {mysql: {connection_max_lifetime: 2000}}",
    (config) => config.repository.mysql.connectionMaxLifetimeMs,
    2000,
  ],
  [
    "repository: {mysql: {connection_max_lifetime: 2000}}",
    (config) => config.repository.mysql.connectionMaxLifetimeMs,
    2000,
  ],
  [
    "consumer: {job_queue_polling_timeout: 3}",
    (config) => config.consumer.pollingIntervalMs,
    3000,
  ],
  [
    "job_queue: {rabbitmq: {arguments: {x-max-length: 5, x-overflow: drop-head, x-y: true}}}",
    (config) => config.jobQueue.rabbitmq.arguments,
    { "x-max-length": 5, "x-overflow": "drop-head", "x-y": true },
  ],
  [
    "worker_pool: {concurrency: &n 6, backlog: *n}",
    (config) => config.workerPool.backlog,
    6,
  ],
];

for (const [text, pick, expected] of accepted) {
  Deno.test(`parseConfig accepts ${JSON.stringify(text)} as ${pick}`, async () => {
    assert.deepEqual(pick(await parseConfig(text, "config.yaml")), expected);
  });
}

const root =
  "consumer, job_queue, logging_format, logging_level, port, repository, scheduler, server, tasks, timeout_unit, worker_pool";
const refused: readonly [text: string, ...lines: string[]][] = [
  [
    "worker_pool:\n  concurency: 3",
    "2:3: worker_pool.concurency is not a known key; did you mean concurrency?",
  ],
  [
    "concurrency: 3",
    "1:1: concurrency is not a known key; did you mean worker_pool.concurrency?",
  ],
  ["qqq: 3", `1:1: qqq is not a known key: ${root} are allowed`],
  ["__proto__: 3", `1:1: __proto__ is not a known key: ${root} are allowed`],
  ["toString: 3", `1:1: toString is not a known key: ${root} are allowed`],
  ["'a\\n b': 3", `1:1: "a\\\\n b" is not a known key: ${root} are allowed`],
  [
    "repository:\n  mysql:\n    dsn: user:secret@tcp(host)/db",
    "3:5: repository.mysql.dsn is not a known key: " +
    "connection_max_lifetime, max_idle_connections, max_open_connections are allowed",
  ],
  [`${"x".repeat(99)}: 1`, `1:1: "${"x".repeat(80)}" is not a known key: ${root} are allowed`],
  ["<<: {port: 1}", `1:1: << is not a known key: ${root} are allowed`.replace("<<", '"<<"')],
  ["port: 65536", "1:7: port is 65536: an integer from 0 to 65535 is allowed"],
  ["port: -1", "1:7: port is -1: an integer from 0 to 65535 is allowed"],
  ["port: 80.5", "1:7: port is 80.5: an integer from 0 to 65535 is allowed"],
  ["port: .nan", "1:7: port is NaN: an integer from 0 to 65535 is allowed"],
  ["port: [80]", "1:7: port is a list: an integer from 0 to 65535 is allowed"],
  ["port: {a: 1}", "1:7: port is a mapping: an integer from 0 to 65535 is allowed"],
  ["port: true", "1:7: port is true: an integer from 0 to 65535 is allowed"],
  ["port: ''", '1:7: port is "": an integer from 0 to 65535 is allowed'],
  [
    `port: ${"9".repeat(70)}x`,
    `1:7: port is "${"9".repeat(60)}"...: an integer from 0 to 65535 is allowed`,
  ],
  [
    "job_queue: {option: rabbit}",
    '1:21: job_queue.option is "rabbit": memory or rabbitmq is allowed; did you mean rabbitmq?',
  ],
  [
    "repository: {option: redis}",
    '1:22: repository.option is "redis": memory, sqlite or mysql is allowed',
  ],
  [
    "logging_level: warning",
    '1:16: logging_level is "warning": debug, info, warn or error is allowed; did you mean warn?',
  ],
  ["logging_format: 1", "1:17: logging_format is 1: text or json is allowed"],
  [
    "server: {access_log: yes}",
    '1:22: server.access_log is "yes": true or false is allowed',
  ],
  [
    "server: {host: 'a b'}",
    '1:16: server.host is "a b": a host name or an IP address is allowed',
  ],
  [
    "job_queue: {rabbitmq: {queue_name: amq.x}}",
    '1:36: job_queue.rabbitmq.queue_name is "amq.x": ' +
    "a name of 1 to 255 ASCII characters other than amq.* is allowed",
  ],
  ...wrongArguments("{x-a: {}}", "36", ".x-a is a mapping"),
  ...wrongArguments("{a: 1, x-b: 2}", "36", ".a is 1"),
  ...wrongArguments("{x-a: 1, x-b: [3]}", "44", ".x-b is a list"),
  ...wrongArguments("[x-a]", "36", '[0] is "x-a"'),
  ...wrongArguments("{~: 1}", "35", ".null is 1"),
  [
    "server:\n  cors_origins: ['*', example.com, 3]",
    '2:23: server.cors_origins[1] is "example.com": ' +
    '"*" or an origin such as https://example.com, without a path, is allowed',
    "2:36: server.cors_origins[2] is 3: " +
    '"*" or an origin such as https://example.com, without a path, is allowed',
  ],
  [
    "server:\n  cors_origins:\n    -\n    - '*'",
    "3:5: server.cors_origins[0] is null: " +
    '"*" or an origin such as https://example.com, without a path, is allowed',
  ],
  [
    "server: {cors_origins: ['https://*.example.com', 'https://me@a', 'https://a/', 'http://a:b']}",
    ...[25, 50, 66, 80].map((column, index) =>
      `1:${column}: server.cors_origins[${index}] is ` +
      `"${["https://*.example.com", "https://me@a", "https://a/", "http://a:b"][index]}": ` +
      '"*" or an origin such as https://example.com, without a path, is allowed'
    ),
  ],
  [
    "server: {hosts: ['a.example:8080', 'http://a', '']}",
    ...["a.example:8080", "http://a", ""].map((host, index) =>
      `1:${[18, 36, 48][index]}: server.hosts[${index}] is "${host}": ` +
      "a host name or an IP address, without a port, is allowed"
    ),
  ],
  [
    "server: {cors_origins: '*'}",
    '1:24: server.cors_origins is "*": ' +
    'a list of "*" or origins such as https://example.com is allowed',
  ],
  [
    "server: {body_timeout: soon}",
    '1:24: server.body_timeout is "soon": a duration from 1ms to 1h is allowed, ' +
    "such as 500ms, 5s, 2h, 7d or an integer in timeout_unit",
  ],
  [
    "server: {body_timeout: 2h}",
    '1:24: server.body_timeout is "2h": a duration from 1ms to 1h is allowed, ' +
    "such as 500ms, 5s, 2h, 7d or an integer in timeout_unit",
  ],
  [
    "worker_pool: {kill_grace: 0.5}\ntimeout_unit: millisecond",
    "1:27: worker_pool.kill_grace is 0.5: a duration from 0s to 10m is allowed, " +
    "such as 500ms, 5s, 2h, 7d or an integer in timeout_unit",
  ],
  [
    "repository: {mysql: {connection_max_lifetime: -3}}",
    "1:47: repository.mysql.connection_max_lifetime is -3: a duration from 1ms to 24h is allowed, " +
    "such as 500ms, 5s, 2h, 7d or an integer in milliseconds",
  ],
  [
    "worker_pool: {max_memory_mb: 1}",
    "1:30: worker_pool.max_memory_mb is 1: an integer from 64 to 1048576 (MiB) is allowed",
  ],
  [
    "server: {host: '0.0.0.0:9000'}",
    '1:16: server.host is "0.0.0.0:9000": a host name or an IP address is allowed',
  ],
  [
    "server: {host: 999.1.1.1}",
    '1:16: server.host is "999.1.1.1": a host name or an IP address is allowed',
  ],
];

function wrongArguments(value: string, column: string, problem: string): [[string, string]] {
  return [[
    `job_queue: {rabbitmq: {arguments: ${value}}}`,
    `1:${column}: job_queue.rabbitmq.arguments${problem}: ` +
    "a mapping of names that begin with x- to texts, integers, true or false is allowed",
  ]];
}

for (const [text, ...lines] of refused) {
  Deno.test(`parseConfig refuses ${JSON.stringify(text.slice(0, 60))}`, async () => {
    assert.deepEqual(
      await problemsOf(parseConfig(text, "my/config.yaml")),
      lines.map((line) => `my/config.yaml:${line}`),
    );
  });
}

Deno.test("parseConfig freezes everything", async () => {
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    assert.ok(Object.isFrozen(value));
    Object.values(value).forEach(visit);
  };
  visit(await parseConfig("", "config.yaml"));
});

Deno.test("parseConfig gives a Config or invalid_config for any YAML value", async () => {
  const keys = [...listSettings().keys()];
  const words = [...new Set(keys.flatMap((key) => key.split(".")))];
  const tree = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.oneof(
        fc.jsonValue({ maxDepth: 2 }),
        fc.integer({ min: 0, max: 5000 }),
        fc.constantFrom("5s", "mysql"),
      ),
      tie("mapping"),
    ),
    mapping: fc.dictionary(fc.oneof(fc.constantFrom(...words, ...keys), fc.string()), tie("value")),
  })).mapping;
  await fc.assert(fc.asyncProperty(tree, (value) => endsWell(dump(value))));
});

Deno.test("parseConfig gives a Config or invalid_config for any text", async () => {
  const piece = fc.oneof(
    fc.constantFrom(...'\n :-[]{}&*!|>"#%@,?\t', "port", "server:\n  ", "&a ", "*a", "<<: "),
    fc.string(),
  );
  const text = fc.array(piece).map((pieces) => pieces.join(""));
  await fc.assert(fc.asyncProperty(text, endsWell), { numRuns: 500 });
});

async function endsWell(text: string): Promise<void> {
  try {
    assert.ok(Object.isFrozen(await parseConfig(text, "config.yaml")));
  } catch (error) {
    assert.ok(error instanceof ValetError && error.code === "invalid_config", String(error));
    for (const { message } of error.details) assert.match(message, /^config\.yaml:[1-9]\d*:[1-9]/);
    assert.notEqual(error.details.length, 0);
  }
}

for (const repository of ["sqlite", "mysql"]) {
  Deno.test(`parseConfig: any number of jobs may wait with the repository ${repository}`, async () => {
    const text = `repository: {option: ${repository}}`;
    assert.equal((await parseConfig(text, "config.yaml")).jobQueue.memory.capacity, Infinity);
    const bounded = `${text}\njob_queue: {memory_job_queue: {capacity: 7}}`;
    assert.equal((await parseConfig(bounded, "config.yaml")).jobQueue.memory.capacity, 7);
  });
}
