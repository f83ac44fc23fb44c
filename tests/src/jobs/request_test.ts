import assert from "node:assert/strict";
import fc from "fast-check";
import { ValetError } from "../../../src/errors.ts";
import { createParamsCheck } from "../../../src/jobs/params_check.ts";
import {
  createNewJobParser,
  type NewJob,
  parseJobFields,
  parseListInput,
} from "../../../src/jobs/request.ts";
import type { JsonObject } from "../../../src/jobs/request_check.ts";
import { encodeCursor } from "../../../src/jobs/request_schema.ts";
import { describeTable } from "../../testing/describe_table.ts";

const tasks = describeTable({
  dummytask: () => {},
  picky: () => {},
  greedy: () => {},
  flood: () => {},
});

const valid = { name: "a job", task_name: "dummytask" };

function parse(input: JsonObject, unitMs = 1000): Promise<NewJob> {
  // In a function, so that what it throws at once rejects as well.
  return (async () => await createNewJobParser(tasks, unitMs, createParamsCheck())(input))();
}

/** The paths of the wrong fields. */
async function wrongPathsOf(input: JsonObject): Promise<string[]> {
  return (await errorOf(() => parse(input))).details.map(({ path }) => path);
}

async function errorOf(call: () => unknown): Promise<ValetError> {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof ValetError, String(error));
    return error;
  }
  throw new Error("nothing was thrown");
}

Deno.test("parseNewJob takes a job with the least", async () => {
  assert.deepEqual(await parse(valid), {
    name: "a job",
    description: undefined,
    taskName: "dummytask",
    paramsJson: undefined,
    timeoutMs: 0,
    runAtMs: undefined,
  });
});

Deno.test("parseNewJob takes a job with everything", async () => {
  const input = {
    ...valid,
    description: "",
    task_params: { b: 1, a: [null, "\u00e9"] },
    timeout: 3,
    run_at: "2022-06-06T15:04:05.999",
  };
  const { paramsJson, timeoutMs, runAtMs, description } = await parse(input);
  assert.equal(paramsJson, '{"b":1,"a":[null,"\u00e9"]}');
  assert.equal(timeoutMs, 3000);
  assert.equal(runAtMs, Date.UTC(2022, 5, 6, 15, 4, 5, 999));
  assert.equal(description, "");
  assert.equal((await parse(input, 1)).timeoutMs, 3);
});

Deno.test("parseNewJob names a job that has no name after its task", async () => {
  const { name: _name, ...unnamed } = valid;
  assert.equal((await parse(unnamed)).name, "dummytask");
  assert.equal((await parse({ ...unnamed, name: null })).name, "dummytask");
});

Deno.test("parseNewJob takes a timeout as a duration, whatever the unit of integers is", async () => {
  for (const [timeout, timeoutMs] of [["150ms", 150], ["1.5s", 1500], ["2h", 7_200_000]] as const) {
    for (const unitMs of [1, 1000]) {
      assert.equal((await parse({ ...valid, timeout }, unitMs)).timeoutMs, timeoutMs);
    }
  }
});

Deno.test("parseNewJob refuses numbers that were changed, beside other wrong fields", async () => {
  const changed = [{ path: "task_params.rows[1].n", message: "is too large" }];
  const input = { ...valid, task_name: "picky", task_params: {}, timeout: -1 };
  const error = await errorOf(() =>
    createNewJobParser(tasks, 1, createParamsCheck())(input, changed)
  );
  assert.deepEqual(error.details.map(({ path }) => path), ["timeout", "task_params.rows[1].n"]);
  const timeout = [{ path: "timeout", message: "is 1e400" }];
  const one = await errorOf(() =>
    createNewJobParser(tasks, 1, createParamsCheck())({ ...valid, timeout: 1e400 }, timeout)
  );
  assert.deepEqual(one.details, timeout);
});

Deno.test("parseNewJob takes null for an optional field as not given", async () => {
  const nulls = {
    description: null,
    task_params: null,
    metadata: null,
    timeout: null,
    run_at: null,
  };
  assert.deepEqual(await parse({ ...valid, ...nulls }), await parse(valid));
});

Deno.test("parseNewJob takes metadata as the older name of task_params", async () => {
  const metadata = { url: "www.some-url.com" };
  assert.equal((await parse({ ...valid, metadata })).paramsJson, JSON.stringify(metadata));
  assert.equal(
    (await parse({ ...valid, metadata, task_params: { ...metadata } })).paramsJson,
    JSON.stringify(metadata),
  );
  assert.deepEqual(await wrongPathsOf({ ...valid, metadata, task_params: {} }), ["task_params"]);
});

Deno.test("parseNewJob refuses each wrong field", async () => {
  const wrong: readonly (readonly [string, readonly unknown[]])[] = [
    ["name", [7, "", "a".repeat(256), "a".repeat(600), ["a"], {}]],
    ["task_name", [undefined, null, 7, "", "unknown", "constructor", "__proto__", "toString", {}]],
    ["description", [7, true, [], {}, "a".repeat(65_536), "\u20ac".repeat(21_846)]],
    ["task_params", [7, "a", true, [], [{}]]],
    ["metadata", [7, "a", true, []]],
    ["id", [null, 7, "", "order-17", {}]],
    ["timeout", [
      "1",
      "-1s",
      "366d",
      "0.5ms",
      "1h30m",
      1.5,
      -1,
      NaN,
      Infinity,
      1e300,
      true,
      [],
      {},
      31_536_001,
    ]],
    ["run_at", [7, "", "tomorrow", "2023-02-29T00:00:00Z", true, [], {}, "1".repeat(100_000)]],
  ];
  for (const [path, values] of wrong) {
    for (const value of values) {
      const paths = await wrongPathsOf({ ...valid, [path]: value });
      assert.deepEqual(paths, [path], `${path}: ${JSON.stringify(value)?.slice(0, 50)}`);
    }
  }
});

Deno.test("parseNewJob takes each field at its bound", async () => {
  const fields: readonly JsonObject[] = [
    { name: "a" },
    { name: "a".repeat(255) },
    { name: "\u{1f600}".repeat(255) },
    { description: "a".repeat(65_535) },
    { description: "\u20ac".repeat(21_845) },
    { timeout: 0 },
    { timeout: 31_536_000 },
    { timeout: "365d" },
    { run_at: "9999-12-31T23:59:59.999Z" },
  ];
  for (const field of fields) await parse({ ...valid, ...field });
  assert.ok(Object.is((await parse({ ...valid, timeout: -0 })).timeoutMs, 0));
});

Deno.test("parseNewJob names every wrong field at once, each with what is allowed", async () => {
  const error = await errorOf(() =>
    parse({ name: 7, description: [], task_params: "a", timeout: -1, run_at: 0 })
  );
  assert.equal(error.code, "invalid_argument");
  assert.deepEqual(Object.fromEntries(error.details.map(({ path, message }) => [path, message])), {
    name: "is 7; a text of 1 to 255 characters is allowed",
    description: "is an array; a text of at most 65535 bytes is allowed",
    task_name: 'is missing; the registered tasks are "dummytask", "picky", "greedy", "flood"',
    task_params: 'is "a"; an object is allowed',
    timeout:
      "is -1; an integer of 0 to 31536000 seconds or a duration such as 500ms, 5s, 2h or 7d is allowed",
    run_at: "is 0; a text such as 2022-06-06T15:04:05.999Z is allowed",
  });
  assert.match(error.message, /^Cannot create the job: name is 7; .*; and 1 more$/);
});

Deno.test("parseNewJob says which part of run_at is wrong", async () => {
  const error = await errorOf(() => parse({ ...valid, run_at: "2030-06-06T15:04:05+2" }));
  assert.deepEqual(error.details, [{
    path: "run_at",
    message: 'is "2030-06-06T15:04:05+2": the time is followed by "+2" instead of Z or an offset ' +
      "such as +02:00; an RFC 3339 time such as 2022-06-06T15:04:05.999Z is allowed",
  }]);
});

Deno.test("parseNewJob guesses which task was meant", async () => {
  const error = await errorOf(() => parse({ ...valid, task_name: "dumytask" }));
  assert.match(error.message, /task_name is "dumytask"; .*"flood"; did you mean dummytask\?$/);
});

Deno.test("parseNewJob bounds its message whatever a client sends or however many tasks there are", async () => {
  const many = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [`${index}`.padStart(200, "t"), () => {}]),
  );
  const error = await errorOf(() =>
    createNewJobParser(describeTable(many), 1, createParamsCheck())({
      name: "a".repeat(100_000),
      task_name: "b".repeat(100_000),
      ...Object.fromEntries(
        Array.from({ length: 1000 }, (_, index) => ["k".repeat(900) + index, 1]),
      ),
    })
  );
  assert.ok(error.message.length < 5_000, `${error.message.length} characters`);
  assert.match(error.message, /\(100000 characters\)/);
  assert.match(error.message, /and 480 more/);
  assert.equal(error.details.length, 102);
});

Deno.test("parseNewJob and parseJobFields refuse half a surrogate pair, which a store would change", async () => {
  const message = "has half of a surrogate pair, which is no character";
  for (const key of ["name", "description"]) {
    const input = { [key]: "a\ud800" };
    assert.deepEqual((await errorOf(() => parse({ ...valid, ...input }))).details, [{
      path: key,
      message,
    }]);
    assert.deepEqual((await errorOf(() => parseJobFields(input))).details, [{
      path: key,
      message,
    }]);
  }
});

Deno.test("parseNewJob gives a job or names wrong fields for any JSON object", async () => {
  const json = fc.dictionary(
    fc.oneof(
      fc.constantFrom(...Object.keys(await parse(valid)), "task_name", "run_at"),
      fc.string(),
    ),
    fc.jsonValue(),
  );
  await fc.assert(fc.asyncProperty(json, async (input) => {
    try {
      assert.equal((await parse({ ...valid, ...input })).taskName, "dummytask");
    } catch (error) {
      assert.ok(error instanceof ValetError, String(error));
      assert.ok(error.details.length > 0);
    }
  }));
});

Deno.test("parseJobFields takes name and description, each or none, and null for no description", () => {
  assert.deepEqual(parseJobFields({}), { name: undefined, description: undefined });
  assert.deepEqual(parseJobFields({ name: "b", description: "" }), { name: "b", description: "" });
  assert.equal(parseJobFields({ description: null }).description, null);
});

Deno.test("parseJobFields refuses wrong fields, and null for the name", async () => {
  for (const name of [null, "", 7, "a".repeat(256)]) {
    for (const description of [7, [], "a".repeat(65_536)]) {
      const error = await errorOf(() => parseJobFields({ name, description }));
      assert.deepEqual(error.details.map(({ path }) => path), ["name", "description"]);
      assert.match(error.message, /^Cannot change the job: name is /);
    }
  }
});

Deno.test("parseListInput has defaults", () => {
  const query = {
    status: undefined,
    taskName: undefined,
    text: undefined,
    limit: 100,
    beforeId: undefined,
  };
  assert.deepEqual(parseListInput({}), query);
  assert.deepEqual(parseListInput({ status: undefined, limit: undefined, q: undefined }), query);
});

Deno.test("parseListInput takes every filter and the cursor of the page before", () => {
  const beforeId = "0189dcd5-5311-7d40-8db0-9496a2eef37b";
  const input = { status: "FAILED", task_name: "t", q: "%", limit: "1000" };
  assert.deepEqual(parseListInput({ ...input, cursor: encodeCursor(beforeId) }), {
    status: "FAILED",
    taskName: "t",
    text: "%",
    limit: 1000,
    beforeId,
  });
});

Deno.test("parseListInput refuses an unknown status, a bad limit and a bad cursor", async () => {
  for (const status of ["failed", "CANCELLED", "__proto__"]) {
    for (const limit of ["0", "-1", "1001", "1.5", "1e2", " 1", "a", "9".repeat(400)]) {
      for (const cursor of ["a", "=", btoa("{}"), btoa("x".repeat(36)), "\u00e9"]) {
        const error = await errorOf(() => parseListInput({ status, limit, cursor }));
        assert.deepEqual(error.details.map(({ path }) => path), ["status", "limit", "cursor"]);
      }
    }
  }
  const { message } = await errorOf(() => parseListInput({ status: "failed" }));
  assert.match(message, /PENDING, SCHEDULED, IN_PROGRESS, COMPLETED, FAILED are allowed/);
});
