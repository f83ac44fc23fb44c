import assert from "node:assert/strict";
import { Commits } from "../../../../drivers/repositories/sqlite/commits.ts";
import { ValetError } from "../../../../src/errors.ts";
import { flushLogs } from "../../../../src/log/log.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { eventually } from "../../../testing/eventually.ts";

/** Commits over a list: its groups, as they were committed. */
function openCommits() {
  const groups: string[][] = [];
  let group: string[] = [];
  let syncCount = 0;
  const probes: number[] = [];
  const faults: { commit?: Error; sync?: Error } = {};
  const commits = new Commits({
    transaction(work) {
      group = [];
      work();
      if (faults.commit !== undefined) throw faults.commit;
      groups.push(group);
    },
    async sync() {
      syncCount++;
      await new Promise((resolve) => setImmediate(resolve));
      if (faults.sync !== undefined) throw faults.sync;
    },
    assertRoom(bytes) {
      probes.push(bytes);
      if (faults.commit !== undefined) throw faults.commit;
    },
  });
  const write = (name: string) =>
    commits.add(() => (group.push(name), name), { countBytes: () => name.length });
  return { commits, groups, probes, faults, write, syncCount: () => syncCount };
}

Deno.test("Commits: the writes of a turn share a transaction and a sync", async () => {
  const { groups, syncCount, write } = openCommits();
  const first = ["a", "b", "c"].map(write);
  queueMicrotask(() => void write("d"));
  assert.deepEqual(await Promise.all(first), ["a", "b", "c"]);
  assert.deepEqual(groups, [["a", "b", "c", "d"]]);
  assert.equal(syncCount(), 1);
});

Deno.test("Commits: what arrives during a sync is the next group", async () => {
  const { commits, groups, write } = openCommits();
  const during: Promise<string>[] = [];
  await Promise.all([
    write("a"),
    commits.add(() => {
      queueMicrotask(() => during.push(write("b"), write("c")));
    }),
  ]);
  assert.deepEqual(await Promise.all(during), ["b", "c"]);
  assert.deepEqual(groups, [["a"], ["b", "c"]]);
});

Deno.test("Commits: who does not need the disk does not wait for it, nor makes others sync", async () => {
  const { commits, groups, syncCount, write } = openCommits();
  assert.equal(await commits.add(() => "a", { isLasting: false }), "a");
  assert.equal(syncCount(), 0);
  const told: string[] = [];
  await Promise.all([
    write("b").then((name) => told.push(name)),
    commits.add(() => "c", { isLasting: false }).then((name) => told.push(name)),
  ]);
  assert.deepEqual([told, groups, syncCount()], [["c", "b"], [[], ["b"]], 1]);
});

Deno.test("Commits: a ValetError is its caller's alone", async () => {
  const { commits, groups, write } = openCommits();
  const refusal = new ValetError("already_exists", "Cannot do it");
  const settled = await Promise.allSettled([
    write("a"),
    commits.add(() => {
      throw refusal;
    }),
    write("b"),
  ]);
  assert.deepEqual(settled.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.equal((settled[1] as PromiseRejectedResult).reason, refusal);
  assert.deepEqual(groups, [["a", "b"]]);
});

Deno.test("Commits: a failed commit fails its group, is logged once, and the next one heals", async () => {
  await using logs = new CapturedLogs();
  const { commits, faults, write } = openCommits();
  faults.commit = new Error("database or disk is full");
  for (let i = 0; i < 3; i++) {
    for (const { status, ...rest } of await Promise.allSettled([write("a"), write("b")])) {
      assert.equal(status, "rejected");
      const { code, message, cause } = (rest as PromiseRejectedResult).reason;
      assert.equal(code, "unavailable");
      assert.equal(message, "Cannot write the SQLite database: database or disk is full");
      assert.equal(cause, faults.commit);
    }
  }
  assert.equal(commits.failure?.code, "unavailable");
  delete faults.commit;
  assert.deepEqual(await Promise.all([write("c"), write("d")]), ["c", "d"]);
  assert.equal(commits.failure, undefined);
  await logs.waitFor({ level: "info", message: "the SQLite database can be written again" });
  assert.deepEqual(logs.lines.map(({ level }) => level), ["error", "info"]);
  await commits.close();
});

const full = new Error("database or disk is full");

Deno.test("Commits: a failure ends with a write as large as the one that failed, and no smaller one", async () => {
  await using logs = new CapturedLogs();
  const { commits, faults, write } = openCommits();
  faults.commit = full;
  await assert.rejects(write("a large one"), { code: "unavailable" });
  delete faults.commit;
  assert.equal(await write("small"), "small");
  assert.equal(commits.failure?.code, "unavailable");
  assert.equal(await write("another one"), "another one");
  assert.equal(commits.failure, undefined);
  await logs.waitFor({ level: "info", message: "the SQLite database can be written again" });
  assert.deepEqual(logs.lines.map(({ level }) => level), ["error", "info"]);
  await commits.close();
});

Deno.test("Commits: a failure ends by itself once there is room for what failed", async () => {
  await using logs = new CapturedLogs();
  const { commits, faults, probes, write } = openCommits();
  faults.commit = full;
  await assert.rejects(write("x".repeat(100)), { code: "unavailable" });
  await assert.rejects(write("y"), { code: "unavailable" });
  await eventually("a probe in vain", () => probes.length > 0);
  assert.equal(commits.failure?.code, "unavailable");
  delete faults.commit;
  await logs.waitFor({ level: "info", message: "the SQLite database can be written again" });
  assert.equal(commits.failure, undefined);
  assert.ok(probes.every((bytes) => bytes > 64 * 1024 && bytes === probes[0]), String(probes));
  assert.deepEqual(logs.lines.map(({ level }) => level), ["error", "info"]);
  await commits.close();
});

Deno.test("Commits: close ends the probing", async () => {
  await using _logs = new CapturedLogs();
  const { commits, faults, write } = openCommits();
  faults.commit = full;
  await assert.rejects(write("a"), { code: "unavailable" });
  await commits.close();
});

Deno.test("Commits: a ValetError of the transaction itself ends writing for good", async () => {
  await using logs = new CapturedLogs();
  const { commits, faults, groups, write } = openCommits();
  faults.commit = new ValetError("unavailable", "the file is gone; start Valet again");
  const expected = {
    code: "unavailable",
    message: "Cannot write the SQLite database: the file is gone; start Valet again",
  };
  await assert.rejects(write("a"), expected);
  delete faults.commit;
  await assert.rejects(write("b"), expected);
  assert.deepEqual(groups, []);
  await commits.close();
  await flushLogs();
  assert.deepEqual(logs.lines.map(({ level }) => level), ["error"]);
});

Deno.test("Commits: after a failed sync nothing is written any more", async () => {
  await using _logs = new CapturedLogs();
  const { commits, groups, faults, write } = openCommits();
  faults.sync = new Error("EIO");
  const expected = {
    code: "unavailable",
    message: "Cannot write the SQLite database: EIO; start Valet again",
  };
  await assert.rejects(write("a"), expected);
  delete faults.sync;
  await assert.rejects(write("b"), expected);
  await assert.rejects(write("c"), expected);
  assert.deepEqual(groups, [["a"]]);
  assert.equal(commits.failure?.code, "unavailable");
});

Deno.test("Commits: a long group is cut, in order, and others run in between", async () => {
  const { commits, groups, write } = openCommits();
  const slow = (name: string) =>
    commits.add(() => {
      for (const endMs = performance.now() + 25; performance.now() < endMs;);
      return name;
    });
  const order: string[] = [];
  const note = (name: string) => void order.push(name);
  await Promise.all([slow("a").then(note), slow("b").then(note), write("c").then(note)]);
  assert.deepEqual(order, ["a", "b", "c"]);
  assert.equal(groups.length, 3);
});
