import assert from "node:assert/strict";
import { readSecret, type SecretName } from "../../src/secrets.ts";
import { ValetError } from "../../src/errors.ts";

function environmentOf(values: Record<string, string>): { get(name: string): string | undefined } {
  return { get: (name) => values[name] };
}

async function withDirectory(
  files: Record<string, string>,
  use: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${directory}/${name}`, text);
    }
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const cases: readonly {
  name: string;
  secret: SecretName;
  env?: Record<string, string>;
  files?: Record<string, string>;
  expected: string | undefined;
}[] = [
  { name: "finds none", secret: "mysql_dsn", expected: undefined },
  {
    name: "takes MYSQL_DSN before a file",
    secret: "mysql_dsn",
    env: { MYSQL_DSN: " from env\n" },
    files: { mysql_dsn: "from file" },
    expected: "from env",
  },
  {
    name: "takes RABBITMQ_URI",
    secret: "rabbitmq_uri",
    env: { RABBITMQ_URI: "amqp://x", MYSQL_DSN: "other" },
    expected: "amqp://x",
  },
  {
    name: "passes over an empty variable",
    secret: "mysql_dsn",
    env: { MYSQL_DSN: " " },
    files: { mysql_dsn: "from file\n" },
    expected: "from file",
  },
  {
    name: "takes mysql_dsn before valet-mysql-dsn",
    secret: "mysql_dsn",
    files: { mysql_dsn: "short", "valet-mysql-dsn": "long" },
    expected: "short",
  },
  {
    name: "takes valet-mysql-dsn",
    secret: "mysql_dsn",
    files: { "valet-mysql-dsn": "\tlong\r\n" },
    expected: "long",
  },
  {
    name: "passes over an empty file",
    secret: "mysql_dsn",
    files: { mysql_dsn: "\n", "valet-mysql-dsn": "long" },
    expected: "long",
  },
  {
    name: "takes valet-rabbitmq-uri",
    secret: "rabbitmq_uri",
    files: { "valet-rabbitmq-uri": "amqp://y", "valet-mysql-dsn": "other" },
    expected: "amqp://y",
  },
];

for (const { name, secret, env = {}, files = {}, expected } of cases) {
  Deno.test(`readSecret ${name}`, async () => {
    await withDirectory(files, async (directory) => {
      const environment = environmentOf(env);
      assert.equal(await readSecret(secret, { directory, environment }), expected);
    });
  });
}

Deno.test("readSecret finds none where there is no directory", async () => {
  const options = { directory: "/nonexistent", environment: environmentOf({}) };
  assert.equal(await readSecret("mysql_dsn", options), undefined);
});

Deno.test("readSecret fails with the path where a file cannot be read", async () => {
  await withDirectory({}, async (directory) => {
    await Deno.mkdir(`${directory}/mysql_dsn`);
    const options = { directory, environment: environmentOf({}) };
    await assert.rejects(readSecret("mysql_dsn", options), (error) => {
      assert.ok(error instanceof ValetError);
      assert.equal(error.code, "invalid_config");
      assert.match(error.message, /^Cannot read the secret mysql_dsn from .*\/mysql_dsn: /);
      assert.match(error.message, /the environment variable MYSQL_DSN, is allowed$/);
      return true;
    });
  });
});
