import assert from "node:assert/strict";
import { SlicedWork } from "../../../src/jobs/sliced_work.ts";

/** Keeps the event loop busy. */
function spin(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

Deno.test("SlicedWork is long after 5 ms, and on again after a pause", async () => {
  const work = new SlicedWork();
  await work.pause();
  // A busy machine may hold this process up as well.
  while (work.state !== "on") await work.pause();
  spin(6);
  assert.equal(work.state, "long");
  assert.equal(new SlicedWork().state, "long", "another work began in the same turn");
  while (work.state !== "on") await work.pause();
});

Deno.test("SlicedWork is over when its time is used up, pauses included", async () => {
  assert.equal(new SlicedWork(0).state, "over");
  const work = new SlicedWork(10);
  await new Promise((resolve) => setTimeout(resolve, 11));
  assert.equal(work.state, "over");
});

Deno.test("SlicedWork of many gets a turn each, one after the other", async () => {
  const works = Array.from({ length: 4 }, () => new SlicedWork());
  const order: number[] = [];
  let turnCount = 0;
  const count = () => {
    turnCount += 1;
    timer = setTimeout(count);
  };
  let timer = setTimeout(count);
  await Promise.all(works.map(async (work, i) => {
    for (let round = 0; round < 3; round++) {
      await work.pause();
      order.push(i);
      spin(5);
      assert.notEqual(work.state, "on");
    }
  }));
  clearTimeout(timer);
  assert.deepEqual(order, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
  assert.ok(turnCount >= 8, `${turnCount} turns of others`);
});
