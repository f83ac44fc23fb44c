import assert from "node:assert/strict";
import { csvReport } from "../../tasks/csv_report.ts";
import { runTask } from "../testing/run_task.ts";
import { serve } from "../testing/serve.ts";

Deno.test("csvReport reports rows and columns of an inline CSV", async () => {
  const csv = '\ufeffid,price,note\r\n1,2.5,"a, ""b"""\r\n\r\n2,,c\r\n3,3.5,c\r\n';
  assert.deepEqual(await runTask(csvReport, { csv }), {
    rows: 3,
    columns: [
      { name: "id", type: "integer", empty: 0, distinct: 3, min: 1, max: 3, mean: 2 },
      { name: "price", type: "number", empty: 1, distinct: 2, min: 2.5, max: 3.5, mean: 3 },
      { name: "note", type: "text", empty: 0, distinct: 2, min: 'a, "b"', max: "c" },
    ],
  });
});

Deno.test("csvReport takes another delimiter", async () => {
  const { columns } = await runTask(csvReport, { csv: "a\tb\n1\t2\n", delimiter: "\t" });
  assert.deepEqual(columns.map((column: { name: string }) => column.name), ["a", "b"]);
});

Deno.test("csvReport reports a CSV without rows", async () => {
  assert.deepEqual(await runTask(csvReport, { csv: "" }), { rows: 0, columns: [] });
  const { rows, columns } = await runTask(csvReport, { csv: "a,b" });
  assert.deepEqual([rows, columns[1]], [0, { name: "b", type: "empty", empty: 0, distinct: 0 }]);
});

Deno.test("csvReport streams a CSV from a URL", async () => {
  const rows = 20_000;
  const body = () => {
    const pieces = function* () {
      yield "id,na";
      yield "me\n";
      for (let id = 0; id < rows; id += 1000) {
        const lines = Array.from({ length: 1000 }, (_, i) => `${id + i},"name\n${i % 7}"\n`);
        yield lines.join("");
      }
    };
    return ReadableStream.from(pieces()).pipeThrough(new TextEncoderStream());
  };
  await serve(() => new Response(body()), async (url) => {
    const report = await runTask(csvReport, { url: url.replace("http:", "HTTP:") });
    assert.equal(report.rows, rows);
    const [id, name] = report.columns;
    assert.deepEqual([id.max, id.distinct_is_at_least, id.distinct], [rows - 1, 10_000, undefined]);
    assert.deepEqual([name.type, name.distinct], ["text", 7]);
  });
});

Deno.test("csvReport names the line of what is malformed", async () => {
  const cases: [csv: string, expected: RegExp][] = [
    ["a,b\n1,2\n3\n", /^Cannot read the CSV: .*expect 2, got 1 on line 3/],
    ['a,b\n"1\n1",2\n1,2,3\n', /^Cannot read the CSV: .*expect 2, got 3 on line 4/],
    ['a,b\n1,"2\n', /^Cannot read the CSV: Quote Not Closed: .* line 2/],
    ['a,b\n1,2"3\n', /^Cannot read the CSV: Invalid Opening Quote: .* at line 2/],
    ['a,b\n1,"2"3\n', /^Cannot read the CSV: Invalid Closing Quote: .* at line 2/],
    [
      `a\n"${"x".repeat(1024 * 1024 + 2)}"\n`,
      /^Cannot read the CSV: Max Record Size: .* at line 2/,
    ],
    [`a\n"${"x".repeat(2 * 1024 * 1024)}`, /^Cannot read the CSV: Max Record Size: .* at line 2/],
    [",".repeat(1000), /^Cannot read the CSV: it has 1001 columns; at most 1000 are allowed/],
  ];
  for (const [csv, message] of cases) {
    await assert.rejects(runTask(csvReport, { csv }), { message });
  }
});

Deno.test("csvReport says what a URL answered that gives no CSV", async () => {
  await serve(() => new Response("no", { status: 404 }), async (url) => {
    const message = `GET ${url}/ answered 404, expected a CSV`;
    await assert.rejects(runTask(csvReport, { url: `${url}/?token=hunter2` }), { message });
  });
});

Deno.test("csvReport ends with the signal's reason while it works", async () => {
  const reason = new DOMException("timed out after 1 second", "TimeoutError");
  const isReason = (thrown: unknown) => thrown === reason;
  await assert.rejects(
    runTask(csvReport, { csv: "a\n1\n" }, { signal: AbortSignal.abort(reason) }),
    isReason,
  );
  // An endless CSV: only the signal, which needs the event loop to run, can end it.
  const controller = new AbortController();
  const rows = new Uint8Array(64 * 1024).fill("1".charCodeAt(0));
  for (let end = 99; end < rows.length; end += 100) rows[end] = "\n".charCodeAt(0);
  let isCancelled = false;
  const body = () =>
    new ReadableStream({
      pull: (stream) => stream.enqueue(rows),
      cancel: () => void (isCancelled = true),
    });
  await serve(() => new Response(body()), async (url) => {
    const timer = setTimeout(() => controller.abort(reason), 50);
    await assert.rejects(runTask(csvReport, { url }, controller), isReason);
    clearTimeout(timer);
  });
  assert.equal(isCancelled, true);
});

Deno.test("csvReport lets the event loop run while it works on a long inline CSV", async () => {
  const controller = new AbortController();
  const reason = new Error("stop");
  // The later of two timers: the first alone might fire before the work begins.
  setTimeout(() => setTimeout(() => controller.abort(reason), 0), 0);
  const csv = "a,b,c\n" + "1,2,3\n".repeat(1_000_000);
  await assert.rejects(runTask(csvReport, { csv }, controller), reason);
});

Deno.test("csvReport refuses params that do not fit and names the field", async () => {
  const cases: [params: Record<string, unknown>, expected: RegExp][] = [
    [{}, /: exactly one of csv and url must be given/],
    [{ csv: "a", url: "http://h/" }, /: exactly one of csv and url must be given/],
    [{ url: "ftp://h/" }, /url: only http/],
    [{ csv: 1 }, /csv: /],
    [{ csv: "a", delimiter: "" }, /delimiter: /],
    [{ csv: "a", header: true }, /header: /],
  ];
  for (const [params, expected] of cases) {
    await assert.rejects(runTask(csvReport, params), expected);
  }
});
