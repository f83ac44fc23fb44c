// What a node does when the disk under its SQLite file is full, or the file is no longer there.

import { strict as assert } from "node:assert";
import { eventually } from "../testing/eventually.ts";
import { noSmallDisk, SmallDisk } from "../testing/small_disk.ts";
import { launchValet, type RunningValet, startValet } from "../testing/start_valet.ts";
import { withFolder } from "../testing/with_folder.ts";

/** How soon the contract wants a full disk to show, and to be forgotten. */
const notReadyWithinMs = 5_000;
const healedWithinMs = 15_000;

function configOf(path: string) {
  return {
    repository: { option: "sqlite", sqlite: { path } },
    job_queue: { memory_job_queue: { capacity: 10_000 } },
  };
}

const start = (path: string) => startValet({ config: configOf(path) });
const post = async ({ api }: RunningValet, bytes = 0) =>
  (await api.request("POST", "/jobs", {
    name: "a job",
    task_name: "dummytask",
    task_params: { text: "x".repeat(bytes) },
  })).status;
const readiness = async ({ api }: RunningValet) =>
  (await api.request("GET", "/health/ready")).status;

for (
  const [what, leftBytes, jobBytes] of [
    ["no room at all", 0, 300_000],
    ["room for small jobs only", 400_000, 700_000],
  ] as const
) {
  Deno.test({
    name: `a disk with ${what}: POST and readiness are 503 until there is room, without a restart`,
    // The reason stands in the module.
    ignore: noSmallDisk !== undefined,
    async fn() {
      await using disk = SmallDisk.mount(6_000_000);
      await using valet = await start(`${disk.path}/valet.db`);
      const accepted = await valet.api.submit("dummytask");
      disk.fill(leftBytes);
      await eventually("a refusal", async () => await post(valet, jobBytes) === 503);
      await eventually(
        "the readiness to tell",
        async () => await readiness(valet) === 503,
        notReadyWithinMs,
      );
      // As long as such jobs are refused, whatever smaller ones do, and however often it looks for room.
      for (const endMs = performance.now() + 2_500; performance.now() < endMs;) {
        assert.equal(await readiness(valet), 503);
        assert.equal(await post(valet, jobBytes), 503);
        await post(valet);
      }
      assert.equal((await valet.api.request("GET", "/health/live")).status, 200);
      disk.free();
      await eventually(
        "the readiness to heal",
        async () => await readiness(valet) === 200,
        healedWithinMs,
      );
      assert.equal(await post(valet, jobBytes), 202);
      assert.equal(await readiness(valet), 200);
      assert.equal((await valet.api.waitForJob(accepted)).status, "COMPLETED");
      assert.equal((await valet.api.run("dummytask")).status, "COMPLETED");
      const told = valet.process.log.filter(({ message }) => /SQLite database can/.test(message));
      assert.deepEqual(told.map(({ level }) => level), ["error", "info"]);
    },
  });
}

const losses: Record<string, (path: string) => void> = {
  "deleted": (path) => Deno.removeSync(path),
  "moved": (path) => Deno.renameSync(path, `${path}.old`),
  "replaced by a copy": (path) => {
    Deno.copyFileSync(path, `${path}.copy`);
    Deno.renameSync(`${path}.copy`, path);
  },
  "robbed of its log": (path) => Deno.removeSync(`${path}-wal`),
  "robbed of its lock": (path) => Deno.removeSync(`${path}-lock`),
};
for (const [what, lose] of Object.entries(losses)) {
  Deno.test(`a SQLite file that was ${what}: not ready, and no 202 until a restart`, () =>
    withFolder(async (folder) => {
      const path = `${folder}/valet.db`;
      await using valet = await start(path);
      const id = await valet.api.submit("dummytask");
      await valet.api.waitForJob(id);
      const copy = `${folder}/kept.db`;
      Deno.linkSync(path, copy);
      lose(path);
      await eventually(
        "the readiness to tell",
        async () => await readiness(valet) === 503,
        notReadyWithinMs,
      );
      const refusal = await valet.api.request("POST", "/jobs", {
        name: "a",
        task_name: "dummytask",
      });
      assert.equal(refusal.status, 503);
      assert.match(
        refusal.body.message,
        /valet\.db.* was deleted, moved or replaced .* start Valet again/,
      );
      // Back again, it is no longer the place that this node writes to for sure.
      if (what !== "robbed of its lock") {
        if (what === "replaced by a copy") Deno.removeSync(path);
        if (what !== "robbed of its log") Deno.linkSync(copy, path);
        assert.equal(await readiness(valet), 503);
        assert.equal(await post(valet), 503);
      }
      assert.equal((await valet.process.stop()).code, 0);
      // All that was answered is in the file, wherever that is.
      await using again = await start(path);
      assert.equal((await again.api.job(id)).status, "COMPLETED");
      assert.equal(await post(again), 202);
      assert.equal(await readiness(again), 200);
    }));
}

Deno.test("a second node on the same SQLite file is refused, and takes over after kill -9", () =>
  withFolder(async (folder) => {
    const path = `${folder}/valet.db`;
    await using first = await start(path);
    await using second = await launchValet({ config: configOf(path) });
    assert.equal((await second.process.waitForEnd()).code, 1);
    const { message } = second.process.log.find(({ level }) => level === "fatal")!;
    assert.match(message, /another Valet uses it/);
    const id = await first.api.submit("dummytask");
    await first.process.kill();
    await using third = await start(path);
    assert.equal((await third.api.job(id)).id, id);
  }));
