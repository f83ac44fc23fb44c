import assert from "node:assert/strict";
import { whenReady } from "../../src/maybe_promise.ts";

const double = (value: number) => value * 2;

Deno.test("whenReady uses a value at once and a promised one later", async () => {
  assert.equal(whenReady(3, double), 6);
  const later = whenReady(Promise.resolve(3), double);
  assert.ok(later instanceof Promise);
  assert.equal(await later, 6);
});

Deno.test("whenReady hands on what fails, at once or later", async () => {
  const fail = () => {
    throw new Error("in use");
  };
  assert.throws(() => whenReady(3, fail), /in use/);
  await assert.rejects(async () => await whenReady(Promise.resolve(3), fail), /in use/);
  const rejected = Promise.reject<number>(new Error("in value"));
  await assert.rejects(async () => await whenReady(rejected, double), /in value/);
});
