import assert from "node:assert/strict";
import { openMemoryQueue } from "../../../drivers/queues/memory.ts";
import { openMemoryRepository } from "../../../drivers/repositories/memory/repository.ts";
import { type Config, parseConfig } from "../../../src/config/config.ts";
import { type Secrets, takeSecrets } from "../../../src/config/secrets.ts";
import { ValetError } from "../../../src/errors.ts";
import {
  connectStores,
  openStores,
  readStoreOptions,
  type StoreDrivers,
} from "../../../src/node/stores.ts";
import type { Repository } from "../../../src/jobs/repository.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";

const never = new AbortController().signal;
/** A process without secrets. */
const noSecrets: Secrets = { problems: [], read: () => undefined };
const unavailable = new ValetError("unavailable", "Cannot reach it: connection refused");

function makeConfig(settings: Record<string, unknown> = {}): Promise<Config> {
  return parseConfig(JSON.stringify(settings), "config.yaml");
}

/** Memory drivers of which the first calls fail. */
function makeDrivers(failures: { repository?: Error[]; queue?: Error[] } = {}) {
  const opened: { name: string; options: unknown }[] = [];
  const repositories: Repository[] = [];
  const drivers: StoreDrivers = {
    checkRepository: () => Promise.resolve(),
    checkQueue: () => Promise.resolve(),
    connectRepository: () => Promise.resolve(),
    connectQueue: () => Promise.resolve(),
    async openRepository(name, options) {
      opened.push({ name, options });
      const error = failures.repository?.shift();
      if (error !== undefined) throw error;
      const repository = await openMemoryRepository();
      repositories.push(repository);
      return repository;
    },
    backUpRepository: () => Promise.reject(unavailable),
    openQueue(name, options) {
      opened.push({ name, options });
      const error = failures.queue?.shift();
      return error === undefined ? openMemoryQueue() : Promise.reject(error);
    },
  };
  return { drivers, opened, repositories };
}

Deno.test("openStores opens what the configuration names, with its options", async () => {
  const { drivers, opened } = makeDrivers();
  const stores = await openStores(
    await makeConfig({ job_queue: { memory_job_queue: { capacity: 7 } } }),
    drivers,
    noSecrets,
    never,
  );
  assert.deepEqual(opened, [
    { name: "memory", options: { maxMemoryMb: 1024 } },
    { name: "memory", options: { capacity: 7 } },
  ]);
  await stores!.queue.close();
  await stores!.repository.close();
});

Deno.test("openStores waits for stores that are not there yet, and tells so once for each", async () => {
  await using logs = new CapturedLogs();
  const { drivers, opened } = makeDrivers({
    repository: [unavailable, unavailable],
    queue: [unavailable],
  });
  const stores = await openStores(await makeConfig(), drivers, noSecrets, never);
  assert.equal(opened.length, 5);
  await logs.waitFor({ level: "warn", reason: unavailable.message });
  assert.equal(logs.lines.filter(({ level }) => level === "warn").length, 2);
  await stores!.queue.close();
  await stores!.repository.close();
});

Deno.test("openStores gives up when the wait is over, and leaves nothing open", async () => {
  const { drivers, repositories } = makeDrivers({ queue: [unavailable] });
  const config = await makeConfig({ server: { startup_wait: "0s" } });
  await assert.rejects(openStores(config, drivers, noSecrets, never), {
    code: "unavailable",
    message: `${unavailable.message}; server.startup_wait is over`,
  });
  assert.equal((await repositories[0]!.health()).isHealthy, false);
});

Deno.test("openStores does not wait where waiting does not help", async () => {
  const refused = new ValetError("failed_precondition", "another process uses the file");
  const { drivers, opened } = makeDrivers({ repository: [refused] });
  await assert.rejects(openStores(await makeConfig(), drivers, noSecrets, never), refused);
  assert.equal(opened.length, 1);
});

Deno.test("openStores ends without stores when it is told to stop", async () => {
  const stop = new AbortController();
  const { drivers, repositories } = makeDrivers();
  const openQueue = () => {
    stop.abort();
    return Promise.reject(unavailable);
  };
  const stores = await openStores(
    await makeConfig(),
    { ...drivers, openQueue },
    noSecrets,
    stop.signal,
  );
  assert.equal(stores, null);
  assert.equal((await repositories[0]!.health()).isHealthy, false);
});

for (
  const [part, name, secret, variable] of [
    ["repository", "mysql", "mysql_dsn", "MYSQL_DSN"],
    ["job_queue", "rabbitmq", "rabbitmq_uri", "RABBITMQ_URI"],
  ] as const
) {
  Deno.test(`openStores says which secret ${name} needs`, async () => {
    const { drivers, opened } = makeDrivers();
    await assert.rejects(
      openStores(await makeConfig({ [part]: { option: name } }), drivers, noSecrets, never),
      {
        code: "invalid_config",
        message:
          `Cannot find the secret ${secret}: ${part}.option: ${name} needs the environment ` +
          `variable ${variable}, a file that ${variable}_FILE names, or the Docker secret ` +
          `/run/secrets/${secret}`,
      },
    );
    assert.deepEqual(opened, []);
  });
}

Deno.test("readStoreOptions tells of every store whose options its driver refuses, and opens none", async () => {
  const { drivers, opened } = makeDrivers();
  const refusing: StoreDrivers = {
    ...drivers,
    checkRepository: (name) => Promise.reject(new ValetError("invalid_config", `no ${name}`)),
    checkQueue: () => Promise.reject(new ValetError("invalid_config", "no queue")),
  };
  const config = await makeConfig();
  for (
    const read of [
      readStoreOptions(config, refusing, noSecrets),
      openStores(config, refusing, noSecrets, never),
    ]
  ) {
    await assert.rejects(read, {
      code: "invalid_config",
      message: "no memory; no queue",
      details: [
        { path: "repository", message: "no memory" },
        { path: "job_queue", message: "no queue" },
      ],
    });
  }
  assert.deepEqual(opened, []);
});

Deno.test("openStores leaves it to the repository to check its options, unless it refuses them", async () => {
  const { drivers } = makeDrivers();
  let checkCount = 0;
  const counting: StoreDrivers = {
    ...drivers,
    checkRepository: () => {
      checkCount++;
      return Promise.reject(new ValetError("invalid_config", "no repository"));
    },
  };
  const stores = await openStores(await makeConfig(), counting, noSecrets, never);
  assert.ok(stores !== null);
  assert.equal(checkCount, 0);
  const refusing: StoreDrivers = {
    ...counting,
    openRepository: () => Promise.reject(new ValetError("invalid_config", "a wrong option")),
  };
  await assert.rejects(openStores(await makeConfig(), refusing, noSecrets, never), {
    details: [{ path: "repository", message: "no repository" }],
  });
});

Deno.test("readStoreOptions passes on an error that is none of the options", async () => {
  const { drivers } = makeDrivers();
  const error = new TypeError("a bug");
  const broken: StoreDrivers = { ...drivers, checkQueue: () => Promise.reject(error) };
  await assert.rejects(readStoreOptions(await makeConfig(), broken, noSecrets), error);
});

// The environment belongs to the whole process: nothing but this file may change or miss these.
Deno.test("openStores takes secrets from the environment, and a file that it names", async () => {
  const { drivers, opened } = makeDrivers();
  const caPath = await Deno.makeTempFile();
  const certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  await Deno.writeTextFile(caPath, certificate);
  const secrets = {
    MYSQL_DSN: " u:p@/db ",
    RABBITMQ_URI: "amqp://z",
    MYSQL_CA_PEM_FILE: caPath,
  };
  for (const [name, value] of Object.entries(secrets)) Deno.env.set(name, value);
  try {
    const config = await makeConfig({
      repository: { option: "mysql" },
      job_queue: { option: "rabbitmq" },
      worker_pool: { concurrency: 3, backlog: 5 },
    });
    const stores = await openStores(config, drivers, takeSecrets(), never);
    const [repository, queue] = opened.map(({ options }) => options as Record<string, unknown>);
    assert.deepEqual([repository!["dsn"], repository!["caPem"]], ["u:p@/db", certificate.trim()]);
    assert.equal(Deno.env.get("MYSQL_DSN"), undefined);
    assert.deepEqual([queue!["uri"], queue!["prefetch"]], ["amqp://z", 3 + 5 + 128]);
    await stores!.queue.close();
    await stores!.repository.close();
  } finally {
    for (const name of Object.keys(secrets)) Deno.env.delete(name);
    await Deno.remove(caPath);
  }
});

Deno.test("readStoreOptions tells what is wrong with secrets that nothing uses", async () => {
  const { drivers } = makeDrivers();
  const problem = { path: "", message: "Cannot use A and A_FILE together" };
  const secrets: Secrets = { ...noSecrets, problems: [problem] };
  const config = await makeConfig();
  for (
    const read of [
      readStoreOptions(config, drivers, secrets),
      openStores(config, drivers, secrets, never),
    ]
  ) await assert.rejects(read, { code: "invalid_config", details: [problem] });
});

Deno.test("connectStores tries both stores and tells of each one that failed", async () => {
  const { drivers, opened } = makeDrivers();
  const config = await makeConfig();
  await connectStores(config, drivers, noSecrets);
  const refused = new ValetError("invalid_config", "Cannot open it: wrong password");
  for (
    const [queue, code] of [[unavailable, "unavailable"], [refused, "invalid_config"]] as const
  ) {
    const failing: StoreDrivers = {
      ...drivers,
      connectRepository: () => Promise.reject(unavailable),
      connectQueue: () => Promise.reject(queue),
    };
    await assert.rejects(connectStores(config, failing, noSecrets), {
      code,
      details: [
        { path: "", message: unavailable.message },
        { path: "", message: queue.message },
      ],
    });
  }
  const broken: StoreDrivers = { ...drivers, checkQueue: () => Promise.reject(refused) };
  await assert.rejects(connectStores(config, broken, noSecrets), {
    details: [{ path: "job_queue", message: refused.message }],
  });
  assert.deepEqual(opened, []);
});
