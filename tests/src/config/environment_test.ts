import assert from "node:assert/strict";
import {
  type Config,
  loadConfig,
  parseConfig,
  readLoggingFormat,
} from "../../../src/config/config.ts";
import { warnOfUnknownVariables } from "../../../src/config/environment.ts";
import { listSettings } from "../../../src/config/schema.ts";
import { problemsOf } from "../../testing/problems_of.ts";

Deno.test("every setting has a variable of its own", () => {
  const names = [...listSettings().keys()].map((key) => key.toUpperCase().replaceAll(".", "_"));
  assert.equal(new Set(names).size, names.length);
});

const accepted: readonly [
  name: string,
  text: string,
  pick: (config: Config) => unknown,
  value: unknown,
][] = [
  ["VALET_PORT", "9000", (config) => config.port, 9000],
  ["VALET_PORT", " 0\n", (config) => config.port, 0],
  ["VALET_SERVER_HOST", "0.0.0.0", (config) => config.server.host, "0.0.0.0"],
  ["VALET_SERVER_HOSTS", "a.example , ::1", (config) => config.server.hosts, ["a.example", "::1"]],
  ["VALET_SERVER_CORS_ORIGINS", "*", (config) => config.server.corsOrigins, ["*"]],
  ["VALET_SERVER_ACCESS_LOG", "false", (config) => config.server.accessLog, false],
  ["VALET_SERVER_ACCESS_LOG", "TRUE", (config) => config.server.accessLog, true],
  ["VALET_SERVER_BODY_TIMEOUT", "250ms", (config) => config.server.bodyTimeoutMs, 250],
  ["VALET_SERVER_BODY_TIMEOUT", "3", (config) => config.server.bodyTimeoutMs, 3000],
  ["VALET_WORKER_POOL_CONCURRENCY", "7", (config) => config.workerPool.backlog, 14],
  ["VALET_WORKER_POOL_ISOLATION", "process", (config) => config.workerPool.isolation, "process"],
  [
    "VALET_JOB_QUEUE_RABBITMQ_QUEUE_NAME",
    "12",
    (config) => config.jobQueue.rabbitmq.queueName,
    "12",
  ],
  [
    "VALET_JOB_QUEUE_RABBITMQ_ARGUMENTS",
    '{"x-max-length": 5}',
    (config) => config.jobQueue.rabbitmq.arguments,
    { "x-max-length": 5 },
  ],
  [
    "VALET_CONSUMER_JOB_QUEUE_POLLING_TIMEOUT",
    "3",
    (config) => config.consumer.pollingIntervalMs,
    3000,
  ],
  ["VALET_REPOSITORY_OPTION", "sqlite", (config) => config.repository.option, "sqlite"],
  ["VALET_LOGGING_FORMAT", "json", (config) => config.loggingFormat, "json"],
  // What is empty counts as absent.
  ["VALET_PORT", " ", (config) => config.port, 8080],
];

for (const [name, text, pick, value] of accepted) {
  Deno.test(`parseConfig takes ${name}=${JSON.stringify(text)}`, async () => {
    assert.deepEqual(pick(await parseConfig("", "config.yaml", { [name]: text })), value);
  });
}

Deno.test("parseConfig lets the environment win over the text, also over what is wrong there", async () => {
  const text = "port: nowhere\nserver: {body_timeout: 5, hosts: [a]}\ntimeout_unit: second";
  const config = await parseConfig(text, "config.yaml", {
    VALET_PORT: "1",
    VALET_TIMEOUT_UNIT: "millisecond",
    VALET_SERVER_HOSTS: "b,c",
  });
  assert.equal(config.port, 1);
  assert.equal(config.server.bodyTimeoutMs, 5);
  assert.deepEqual(config.server.hosts, ["b", "c"]);
});

const refused: readonly [environment: Record<string, string>, ...lines: string[]][] = [
  [{ VALET_PORT: "x" }, 'VALET_PORT is "x": an integer from 0 to 65535 is allowed'],
  [{ VALET_PORT: "-1" }, 'VALET_PORT is "-1": an integer from 0 to 65535 is allowed'],
  [
    { VALET_PORT: "tcp://10.96.0.12:8080" },
    'VALET_PORT is "tcp://10.96.0.12:8080": an integer from 0 to 65535 is allowed; Kubernetes sets it ' +
    "for a Service; enableServiceLinks: false in the pod's spec turns that off",
  ],
  [
    { VALET_WORKER_POOL_CONCURRENCY: "1.5" },
    'VALET_WORKER_POOL_CONCURRENCY is "1.5": an integer from 1 to 4096 is allowed',
  ],
  [
    { VALET_WORKER_POOL_CONCURRENCY: "0" },
    "VALET_WORKER_POOL_CONCURRENCY is 0: an integer from 1 to 4096 is allowed",
  ],
  [
    { VALET_SERVER_ACCESS_LOG: "1" },
    'VALET_SERVER_ACCESS_LOG is "1": true or false is allowed',
  ],
  [
    { VALET_REPOSITORY_OPTION: "sqllite" },
    'VALET_REPOSITORY_OPTION is "sqllite": memory, sqlite or mysql is allowed; did you mean sqlite?',
  ],
  [
    { VALET_SERVER_CORS_ORIGINS: "https://a.example,b.example," },
    'VALET_SERVER_CORS_ORIGINS[1] is "b.example": "*" or an origin such as https://example.com, without a path, is allowed',
    'VALET_SERVER_CORS_ORIGINS[2] is "": "*" or an origin such as https://example.com, without a path, is allowed',
  ],
  [
    { VALET_JOB_QUEUE_RABBITMQ_ARGUMENTS: '{"x-a": 1, "y": 1}' },
    "VALET_JOB_QUEUE_RABBITMQ_ARGUMENTS.y is 1: a mapping of names that begin with x- to texts, integers, " +
    "true or false is allowed",
  ],
  [
    { VALET_JOB_QUEUE_RABBITMQ_ARGUMENTS: "x-a=1" },
    'VALET_JOB_QUEUE_RABBITMQ_ARGUMENTS is "x-a=1": a mapping of names that begin with x- to texts, ' +
    "integers, true or false is allowed",
  ],
  [
    {
      VALET_CONSUMER_JOB_QUEUE_POLLING_TIMEOUT: "1",
      VALET_CONSUMER_JOB_QUEUE_POLLING_INTERVAL: "1",
    },
    "VALET_CONSUMER_JOB_QUEUE_POLLING_INTERVAL and VALET_CONSUMER_JOB_QUEUE_POLLING_TIMEOUT are one " +
    "setting: only one of them is allowed",
  ],
];

for (const [environment, ...lines] of refused) {
  Deno.test(`parseConfig refuses ${JSON.stringify(environment)}`, async () => {
    assert.deepEqual(await problemsOf(parseConfig("", "config.yaml", environment)), lines);
  });
}

Deno.test("parseConfig tells of the text and of variables at once", async () => {
  const problems = await problemsOf(
    parseConfig("prot: 1\nlogging_level: loud", "config.yaml", { VALET_PORT: "x" }),
  );
  assert.deepEqual(problems.map((line) => line.split(" ")[0]), [
    "config.yaml:1:1:",
    "config.yaml:2:16:",
    "VALET_PORT",
  ]);
});

Deno.test("loadConfig without a file takes the environment and the defaults", async () => {
  assert.deepEqual(await loadConfig(undefined, {}), await parseConfig("", "empty"));
  assert.equal((await loadConfig(undefined, { VALET_PORT: "1" })).port, 1);
  assert.deepEqual(await problemsOf(loadConfig(undefined, { VALET_PORT: "x" })), [
    'VALET_PORT is "x": an integer from 0 to 65535 is allowed',
  ]);
});

Deno.test("readLoggingFormat takes the environment before the file", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "logging_format: json");
    assert.equal(readLoggingFormat(path, {}), "json");
    assert.equal(readLoggingFormat(path, { VALET_LOGGING_FORMAT: "text" }), "text");
    assert.equal(readLoggingFormat(path, { VALET_LOGGING_FORMAT: "xml" }), "text");
    assert.equal(readLoggingFormat(undefined, { VALET_LOGGING_FORMAT: "json" }), "json");
    assert.equal(readLoggingFormat(undefined, {}), "text");
  } finally {
    await Deno.remove(path);
  }
});

const hints: readonly [name: string, hint: string][] = [
  ["VALET_PROT", "; did you mean VALET_PORT?"],
  ["VALET_CONCURRENCY", "; did you mean VALET_WORKER_POOL_CONCURRENCY?"],
  ["VALET_HOST", "; did you mean VALET_SERVER_HOST?"],
  ["VALET_TOKNES", "; did you mean VALET_TOKENS?"],
  ["VALET_worker_pool_backlog", "; did you mean VALET_WORKER_POOL_BACKLOG?"],
  ["VALET_XYZZY_PLUGH_FROTZ_GNUSTO_REZROV_BLORB", ""],
  ...["VALET_SERVICE_HOST", "VALET_SERVICE_PORT_HTTP", "VALET_PORT_8080_TCP_ADDR", "VALET_WEB_PORT"]
    .map((name): [string, string] => [
      name,
      "; Kubernetes sets it for a Service; enableServiceLinks: false in the pod's spec turns that off",
    ]),
];

for (const [name, hint] of hints) {
  Deno.test(`warnOfUnknownVariables tells of ${name}, not of its value`, () => {
    assert.deepEqual(warnOfUnknownVariables({ [name]: "tell-nobody", PATH: "/" }), [
      `the environment variable ${name} is not known and has no effect${hint}`,
    ]);
  });
}

Deno.test("warnOfUnknownVariables knows settings, secrets and what commands take", () => {
  const settings = [...listSettings()].flatMap(([key, { alias }]) => [key, alias ?? key]);
  const names = [
    ...settings.map((key) => `VALET_${key.toUpperCase().replaceAll(".", "_")}`),
    ...["VALET_TOKENS", "VALET_TOKENS_FILE", "VALET_SERVER", "VALET_TOKEN", "VALET_COMMIT"],
    ...["VALET_COMPILE_ANYWAY", "VALET_BINARY", "VALET_FAULTS_SEED", "VALET", "XVALET_A"],
  ];
  assert.deepEqual(
    warnOfUnknownVariables(Object.fromEntries(names.map((name) => [name, "x"]))),
    [],
  );
});
