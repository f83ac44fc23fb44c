// The API stays reachable, or the node ends for its supervisor to start it again: out of descriptors, with
// both listeners.

import { strict as assert } from "node:assert";
import { RunGroups } from "../../src/executor/host/run_groups.ts";
import { eventually } from "../testing/eventually.ts";
import { describedFixtures } from "../testing/make_run.ts";
import { skipOnOldRuntime } from "../testing/old_runtime.ts";
import { type RunningValet, startValet } from "../testing/start_valet.ts";

const kinds = ["node", "deno"] as const;
const maxDescriptors = 1024;
/** The node asks itself every 5 seconds, gives up after 20 and then drains. */
const deadlineMs = 60_000;

/** Connections that send nothing, or as many of them as the server takes. */
async function openSilent(port: number, count: number): Promise<Disposable> {
  const connections: Deno.Conn[] = [];
  const closeAll = () => {
    for (const connection of connections) connection.close();
  };
  try {
    while (connections.length < count) {
      connections.push(await Deno.connect({ hostname: "127.0.0.1", port }));
    }
  } catch (error) {
    // It has none left, and its listener has just failed.
    if (
      !(error instanceof Deno.errors.ConnectionRefused ||
        error instanceof Deno.errors.ConnectionReset)
    ) throw error;
  }
  assert.ok(connections.length > maxDescriptors / 2, `${connections.length} connections`);
  return { [Symbol.dispose]: closeAll };
}

/** Whether a new connection gets an answer. */
async function isAlive({ api }: RunningValet): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(1_000);
    const response = await fetch(`${api.baseUrl}/health/live`, {
      signal,
      headers: { connection: "close" },
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    // Refused, reset or silent: the caller asks again.
    return false;
  }
}

/** A thread that is being started when the last descriptor goes is the end of the process: Deno panics. */
async function untilAllAreStarted({ api }: RunningValet): Promise<void> {
  const count = new RunGroups(describedFixtures, "worker").all().length;
  await eventually(
    "a worker for each set of permissions",
    async () => (await api.status()).workers.started >= count,
  );
}

const isDeaf = ({ message }: { message: string }) =>
  message === "the API does not answer over its own port";

for (const kind of kinds) {
  Deno.test(
    skipOnOldRuntime(
      `1,100 silent connections: ${kind} answers again`,
      "node:http has no headersTimeout",
    ),
    async () => {
      await using valet = await startValet({
        maxDescriptors,
        config: { server: { listener: kind, head_timeout: "1s" } },
      });
      using _silent = await openSilent(Number(new URL(valet.api.baseUrl).port), 1_100);
      await eventually("an answer", () => isAlive(valet), deadlineMs);
      assert.equal((await valet.api.run("dummytask")).status, "COMPLETED");
      assert.equal((await valet.process.stop()).code, 0);
    },
  );

  Deno.test(`a task that takes every descriptor: ${kind} answers again once there are some`, async () => {
    await using valet = await startValet({
      tasks: "fixtures",
      maxDescriptors,
      config: { server: { listener: kind } },
    });
    const { api, process } = valet;
    await untilAllAreStarted(valet);
    await api.submit("takes_descriptors", { holdMs: 8_000 });
    await process.waitForLog("that nothing answers", isDeaf, deadlineMs);
    await eventually("an answer", () => isAlive(valet), deadlineMs);
    await process.waitForLog("the end", ({ message }) => message === "the API answers again");
    assert.equal((await process.stop()).code, 0);
    assert.equal(process.log.at(-1)?.message, "stopped");
  });
}

Deno.test("a task that keeps every descriptor ends the node with exit code 1", async () => {
  await using valet = await startValet({
    tasks: "fixtures",
    maxDescriptors,
    config: { server: { shutdown_grace: "100ms" } },
  });
  const { api, process } = valet;
  await untilAllAreStarted(valet);
  await api.submit("takes_descriptors", { holdMs: 600_000 });
  assert.equal((await process.waitForEnd(deadlineMs)).code, 1);
  const fatal = process.log.filter(({ level }) => level === "fatal");
  assert.deepEqual(fatal.map(({ message }) => message), [
    "the API cannot be reached any more: this node must restart",
  ]);
});

Deno.test("the listener deno is warned of at the start, beyond loopback alone", async () => {
  for (const [host, count] of [["0.0.0.0", 1], ["127.0.0.1", 0]] as const) {
    await using valet = await startValet({ config: { server: { host, listener: "deno" } } });
    assert.ok(await isAlive(valet));
    await valet.process.stop();
    const warnings = valet.process.log.filter(({ message }) =>
      /^server\.listener deno/.test(message)
    );
    assert.deepEqual(warnings.map(({ level }) => level), Array(count).fill("warn"));
  }
});
