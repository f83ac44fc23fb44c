// The command line: what each command prints, where, and how it ends.

import { strict as assert } from "node:assert";
import { freePort } from "../testing/free_port.ts";
import { runToEnd, runValetCommand } from "../testing/start_valet.ts";
import { withFolder } from "../testing/with_folder.ts";

/** Runs a command to its end. */
const run = (...args: string[]) => runToEnd(args);

/** Calls `use` with the path of a file of this content. */
const withConfig = (text: string, use: (path: string) => Promise<void>) =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/config.yaml`, text);
    await use(`${folder}/config.yaml`);
  });

Deno.test("valet --version prints version, commit and build time", async () => {
  const { code, out, err } = await run("--version");
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /^valet \d+\.\d+\.\d+ \(commit \S+, built \S+, Deno \d+\.\d+\.\d+\)$/);
});

Deno.test("valet --help names every command and option", async () => {
  const { code, out, err } = await run("--help");
  assert.deepEqual([code, err], [0, ""]);
  for (const word of ["serve", "check", "tasks", "--config", "--help", "--version"]) {
    assert.ok(out.includes(word), word);
  }
});

Deno.test("valet tasks lists the tasks with their permissions", async () => {
  const { code, out, err } = await run("tasks");
  assert.deepEqual([code, err], [0, ""]);
  const { tasks } = JSON.parse(out) as { tasks: { name: string; permissions: unknown }[] };
  const find = (name: string) => tasks.find((task) => task.name === name);
  assert.deepEqual(find("http_request")?.permissions, { net: true });
  assert.deepEqual(find("dummytask")?.permissions, {});
});

Deno.test("valet check says what would run, or every problem with its place", async () => {
  await withConfig("port: 8181\nworker_pool:\n  isolation: process\n", async (path) => {
    const { code, out, err } = await run("check", "--config", path);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /8181/);
    assert.match(out, /isolation process/);
    assert.match(out, /dummytask/);
  });
});

Deno.test("valet check shows an IPv6 address as a URL has it", async () => {
  await withConfig('server: {host: "::1"}\n', async (path) => {
    const { code, out } = await run("check", "--config", path);
    assert.equal(code, 0);
    assert.match(out, /API {9}http:\/\/\[::1\]:8080$/m);
  });
});

Deno.test({
  name: "a command that cannot write its output says so and ends with 1",
  // The reason: only Linux has /dev/full.
  ignore: Deno.build.os !== "linux",
  async fn() {
    for (const args of [["--version"], ["tasks"], ["run", "dummytask"]]) {
      const { code, err } = await runToEnd(args, { stdoutPath: "/dev/full" });
      assert.equal(code, 1);
      assert.match(err, /^Cannot write to standard output: No space left on device/);
    }
  },
});

Deno.test("valet health says what the server answers, or why it has no answer", async () => {
  const healthOf = async (port: number) => {
    let result = { code: -1, out: "", err: "" };
    await withConfig(`port: ${port}\n`, async (path) => {
      result = await run("health", "--config", path);
    });
    return result;
  };
  let answer: () => Response | Promise<Response> = () => new Response("ready");
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: freePort(), onListen() {} },
    () => answer(),
  );
  const { port } = server.addr;
  assert.deepEqual(await healthOf(port), { code: 0, out: "ready", err: "" });
  answer = () => new Response("out of order", { status: 503 });
  assert.deepEqual(await healthOf(port), { code: 1, out: "out of order", err: "" });

  const url = `http://127.0.0.1:${port}/health/ready`;
  const isOver = Promise.withResolvers<Response>();
  answer = () => isOver.promise;
  const { code, err } = await healthOf(port);
  assert.deepEqual([code, err], [1, `Cannot reach ${url}: no answer within 2000 ms\n`]);
  isOver.resolve(new Response());
  await server.shutdown();

  const absent = await healthOf(port);
  const reason = "the connection was refused; nothing listens there";
  assert.deepEqual([absent.code, absent.err], [1, `Cannot reach ${url}: ${reason}\n`]);
});

Deno.test("valet health passes on why else it cannot reach the server", async () => {
  await withConfig("server: {host: no-host.invalid}\n", async (path) => {
    const { code, err } = await run("health", "--config", path);
    assert.equal(code, 1);
    assert.match(err, /^Cannot reach http:\/\/no-host\.invalid:8080.*: .*lookup address/);
  });
});

Deno.test("valet check finds each store that cannot be opened as it is configured", async () => {
  const env = { MYSQL_DSN: "valet:tell-nobody-4711", RABBITMQ_URI: "http://127.0.0.1" };
  const text = "repository:\n  option: mysql\njob_queue:\n  option: rabbitmq\n";
  await withConfig(text, async (path) => {
    const { code, err, out } = await runToEnd(["check", "--config", path], { env });
    assert.deepEqual([code, out], [2, ""]);
    const lines = err.trimEnd().split("\n");
    assert.equal(lines.length, 2, err);
    assert.match(lines[0]!, /MYSQL_DSN/);
    assert.match(lines[1]!, /RABBITMQ_URI does not begin with amqp/);
    assert.ok(!err.includes("tell-nobody-4711"));
  });
  await withConfig(
    "repository: {option: sqlite, sqlite: {path: /nowhere/x.db}}\n",
    async (path) => {
      const { code, out, err } = await run("check", "--config", path);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, /there is no folder \/nowhere; make it first/);
    },
  );
});

Deno.test("a wrong configuration ends any start with code 2 and a line for each problem", async () => {
  const text = "port: 8080\nworker_pool:\n  concurency: 2\n  isolation: thread\n";
  await withConfig(text, async (path) => {
    for (const command of ["serve", "check"]) {
      const { code, out, err } = await run(command, "--config", path);
      assert.deepEqual([code, out], [2, ""]);
      const lines = err.trimEnd().split("\n");
      assert.equal(lines.length, 2, err);
      assert.match(lines[0]!, /config\.yaml:3:3: .*concurency.*did you mean concurrency\?/);
      assert.match(lines[1]!, /config\.yaml:4:14: .*isolation.*thread/);
    }
  });
});

Deno.test("with logging_format: json each problem of a start is a record of the log", async () => {
  const text = "logging_format: json\nport: nowhere\nworker_pool:\n  isolation: thread\n";
  await withConfig(text, async (path) => {
    const process = await runValetCommand(["--config", path]);
    const { code } = await process.waitForEnd();
    assert.deepEqual([code, process.stderr], [2, ""]);
    assert.deepEqual(process.log.map(({ level }) => level), ["fatal", "fatal"]);
    assert.match(process.log[0]!.message, /config\.yaml:2:7: port is "nowhere": /);
    assert.match(process.log[1]!.message, /config\.yaml:4:14: worker_pool\.isolation is "thread"/);
  });
});

Deno.test("a wrong task table ends any start with code 2 and a line for each problem", async () => {
  const lines = [
    'Cannot register the task "late": it has a timeout of 0 ms: more than 0 and at most a year is allowed',
    'Cannot register the task "runs": it declares permissions.run, which would let it leave its ' +
    "sandbox: env, net, read, sys, write are allowed",
  ];
  await withConfig("logging_format: text\n", async (path) => {
    for (const command of ["serve", "check"]) {
      const { code, err, out } = await runToEnd([command, "--config", path], { tasks: "wrong" });
      assert.deepEqual([code, out], [2, ""]);
      assert.deepEqual(err.trimEnd().split("\n"), lines);
    }
  });
  await withConfig("logging_format: json\n", async (path) => {
    const process = await runValetCommand(["--config", path], { tasks: "wrong" });
    const { code } = await process.waitForEnd();
    assert.deepEqual([code, process.stderr], [2, ""]);
    assert.deepEqual(process.log.map(({ message }) => message), lines);
  });
});

Deno.test("a missing configuration file ends the start with code 2", async () => {
  const { code, out, err } = await run("--config", "/nowhere/config.yaml");
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /\/nowhere\/config\.yaml/);
  assert.equal(err.trimEnd().split("\n").length, 1);
});

Deno.test("an unknown option or command ends with code 2 and a guess", async () => {
  const option = await run("--confg", "x.yaml");
  assert.deepEqual([option.code, option.out], [2, ""]);
  assert.match(option.err, /--confg is no option; did you mean --config\?/);
  const command = await run("chek");
  assert.deepEqual([command.code, command.out], [2, ""]);
  assert.match(command.err, /"chek" is no command; did you mean check\?/);
});
