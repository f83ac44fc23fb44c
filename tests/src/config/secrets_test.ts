import assert from "node:assert/strict";
import { readCertificateFile, readSecret, type SecretName } from "../../../src/config/secrets.ts";
import { ValetError } from "../../../src/errors.ts";

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

Deno.test("readCertificateFile reads the file that the variable names", async () => {
  const certificate = "-----BEGIN CERTIFICATE-----\r\nAA+/==\r\n-----END CERTIFICATE-----";
  await withDirectory({ "ca.pem": `of our authority\n${certificate}\n` }, async (directory) => {
    const environment = environmentOf({ MYSQL_CA_PEM_FILE: ` ${directory}/ca.pem\n` });
    const text = await readCertificateFile("MYSQL_CA_PEM_FILE", environment);
    assert.ok(text!.includes(certificate));
  });
  assert.equal(await readCertificateFile("MYSQL_CA_PEM_FILE", environmentOf({})), undefined);
});

Deno.test("readCertificateFile says what is wrong with a file, by its path", async () => {
  const files = {
    "key.pem": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "cut.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n",
    "empty.pem": "",
  };
  await withDirectory(files, async (directory) => {
    for (const name of [...Object.keys(files), "missing.pem"]) {
      const path = `${directory}/${name}`;
      const environment = environmentOf({ MYSQL_CA_PEM_FILE: path });
      const message = name === "missing.pem"
        ? `Cannot read the file that MYSQL_CA_PEM_FILE names, ${path}: `
        : `Cannot use the file that MYSQL_CA_PEM_FILE names, ${path}: it holds no PEM certificate, `;
      await assert.rejects(readCertificateFile("MYSQL_CA_PEM_FILE", environment), (error) => {
        assert.ok(error instanceof ValetError);
        assert.equal(error.code, "invalid_config");
        assert.ok(error.message.startsWith(message), error.message);
        return true;
      });
    }
  });
});
