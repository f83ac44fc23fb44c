import assert from "node:assert/strict";
import { readCertificateFile, type SecretName, takeSecrets } from "../../../src/config/secrets.ts";
import { ValetError } from "../../../src/errors.ts";

function environmentOf(values: Record<string, string>) {
  const variables = new Map(Object.entries(values));
  return {
    get: (name: string) => variables.get(name),
    delete: (name: string) => void variables.delete(name),
    names: () => [...variables.keys()],
  };
}

async function withDirectory(
  files: Record<string, string>,
  use: (directory: string) => Promise<void> | void,
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
  {
    name: "takes valet-postgres-dsn",
    secret: "postgres_dsn",
    files: { "valet-postgres-dsn": "postgres://y" },
    expected: "postgres://y",
  },
  {
    name: "takes valet_tokens",
    secret: "valet_tokens",
    files: { valet_tokens: "a\nb\n", "valet-tokens": "other" },
    expected: "a\nb",
  },
  {
    name: "takes valet-tokens",
    secret: "valet_tokens",
    files: { "valet-tokens": "a", "valet-valet-tokens": "other" },
    expected: "a",
  },
];

for (const { name, secret, env = {}, files = {}, expected } of cases) {
  Deno.test(`takeSecrets ${name}`, async () => {
    await withDirectory(files, (directory) => {
      const { problems, read } = takeSecrets(environmentOf(env), directory);
      assert.deepEqual(problems, []);
      assert.equal(read(secret), expected);
      assert.equal(read(secret), expected);
      return Promise.resolve();
    });
  });
}

Deno.test("takeSecrets takes every secret out of the environment, and nothing else", () => {
  const secrets = ["MYSQL_DSN", "POSTGRES_DSN", "RABBITMQ_URI", "VALET_TOKENS"];
  const others = ["PATH", "MYSQL_CA_PEM_FILE", "MYSQL_DSN_FILE", "VALET_TOKEN"];
  const names = [...secrets, ...others];
  const environment = environmentOf(Object.fromEntries(names.map((name) => [name, ""])));
  takeSecrets(environment, "/nonexistent");
  assert.deepEqual(environment.names(), others);
});

Deno.test("takeSecrets reads the file that NAME_FILE names", async () => {
  await withDirectory({ named: "\u00e9 \n", rabbitmq_uri: "docker" }, (directory) => {
    const environment = environmentOf({
      RABBITMQ_URI_FILE: ` ${directory}/named`,
      RABBITMQ_URI: "",
    });
    assert.equal(takeSecrets(environment, directory).read("rabbitmq_uri"), "\u00e9");
    return Promise.resolve();
  });
});

Deno.test("takeSecrets refuses a name and its file together, whether it is used or not", () => {
  const environment = environmentOf({
    POSTGRES_DSN: "tell-nobody",
    POSTGRES_DSN_FILE: "/a",
    VALET_TOKENS: "tell-nobody",
    VALET_TOKENS_FILE: "/b",
    MYSQL_DSN: "",
    MYSQL_DSN_FILE: "/c",
  });
  assert.deepEqual(
    takeSecrets(environment, "/nonexistent").problems.map(({ message }) => message),
    [
      "Cannot use POSTGRES_DSN and POSTGRES_DSN_FILE together: only one of the two is allowed",
      "Cannot use VALET_TOKENS and VALET_TOKENS_FILE together: only one of the two is allowed",
    ],
  );
});

Deno.test("takeSecrets says what is wrong with a named file, by its path", async () => {
  await withDirectory({ empty: " \n" }, async (directory) => {
    await Deno.writeFile(`${directory}/latin`, new Uint8Array([0xe9]));
    const reasons = {
      missing: "Cannot read .*: there is no such file",
      "": "Cannot read .*: the file cannot be read: Is a directory",
      latin: "Cannot read .*: the file is not UTF-8",
      empty: "Cannot use .*: it is empty",
    };
    for (const [file, reason] of Object.entries(reasons)) {
      const environment = environmentOf({ MYSQL_DSN_FILE: `${directory}/${file}` });
      const { read } = takeSecrets(environment, "/nonexistent");
      assert.throws(() => read("mysql_dsn"), {
        code: "invalid_config",
        message: new RegExp(
          `^${reason.replace(".*", `the file that MYSQL_DSN_FILE names, ${directory}/${file}`)}`,
        ),
      });
    }
  });
  const endless = takeSecrets(environmentOf({ MYSQL_DSN_FILE: "/dev/zero" }), "/nonexistent");
  assert.throws(() => endless.read("mysql_dsn"), { message: /too large: at most 1048576 bytes/ });
});

Deno.test("takeSecrets finds none where there is no directory", () => {
  assert.equal(takeSecrets(environmentOf({}), "/nonexistent").read("mysql_dsn"), undefined);
});

Deno.test("takeSecrets fails with the path where a Docker secret cannot be read", async () => {
  await withDirectory({}, async (directory) => {
    await Deno.mkdir(`${directory}/mysql_dsn`);
    assert.throws(() => takeSecrets(environmentOf({}), directory).read("mysql_dsn"), (error) => {
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
  await withDirectory({ "ca.pem": `of our authority\n${certificate}\n` }, (directory) => {
    const environment = environmentOf({ MYSQL_CA_PEM_FILE: ` ${directory}/ca.pem\n` });
    const text = readCertificateFile("MYSQL_CA_PEM_FILE", environment);
    assert.ok(text!.includes(certificate));
  });
  assert.equal(readCertificateFile("MYSQL_CA_PEM_FILE", environmentOf({})), undefined);
});

Deno.test("readCertificateFile says what is wrong with a file, by its path", async () => {
  const files = {
    "key.pem": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "cut.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n",
    "empty.pem": "",
  };
  await withDirectory(files, (directory) => {
    for (const name of [...Object.keys(files), "missing.pem"]) {
      const path = `${directory}/${name}`;
      const environment = environmentOf({ MYSQL_CA_PEM_FILE: path });
      const reasons: Record<string, string> = {
        "missing.pem": "there is no such file",
        "empty.pem": "it is empty",
      };
      const message =
        `Cannot ${
          name === "missing.pem" ? "read" : "use"
        } the file that MYSQL_CA_PEM_FILE names, ` +
        `${path}: ${reasons[name] ?? "it holds no PEM certificate, "}`;
      assert.throws(() => readCertificateFile("MYSQL_CA_PEM_FILE", environment), (error) => {
        assert.ok(error instanceof ValetError);
        assert.equal(error.code, "invalid_config");
        assert.ok(error.message.startsWith(message), error.message);
        return true;
      });
    }
  });
});
