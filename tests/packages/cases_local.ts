// The packages that need no server, or one of a few lines. See cases.ts.

import { strict as assert } from "node:assert";
import type { PackageCase } from "./cases.ts";

const readsEnvironment = "reads these variables when it is loaded";
const page = `<title>Shop</title><a href="/a">A</a><ul><li>one</li><li>two</li></ul>
<button>+</button><p>0</p><script>
  let count = 0;
  document.querySelector("button").addEventListener("click", () => {
    document.querySelector("p").textContent = String(++count);
  });
</script>`;

/** By package. */
export const localCases: readonly PackageCase[] = [
  {
    packageName: "ajv",
    did: "compiles a schema, checks and converts values",
    params: { values: [{ id: "7" }, { id: 0, x: 1 }] },
    expected: [
      { id: 7 },
      "data must NOT have additional properties, data/id must be >= 1",
    ],
  },
  {
    packageName: "archiver",
    did: "packs a folder and a text into a ZIP file",
    expected: { names: ["folder/long.txt", "text.txt"], isSmall: true },
    remark: readsEnvironment,
  },
  {
    packageName: "axios",
    did: "posts JSON, follows a redirect, reads a 404",
    server: "http",
    expected: {
      echoed: { name: "axios", sum: 3 },
      redirected: { hello: "world" },
      missing: 404,
    },
    remark: "with `proxy: false` it reads only DEBUG; for https it reads https_proxy, too",
  },
  {
    packageName: "cheerio",
    did: "reads and changes a web page",
    params: { html: page },
    expected: {
      title: "Shop",
      links: ["/a"],
      list: '<li class="first">changed</li><li>two</li>',
    },
  },
  {
    packageName: "csv-parse",
    did: "parses CSV at once and as a stream",
    params: { csv: "id;name\n1; tea\n2;nut\n" },
    expected: { records: [{ id: 1, name: "tea" }, { id: 2, name: "nut" }], streamed: 2 },
  },
  {
    packageName: "date-fns",
    did: "adds months, lists days, formats in German",
    params: { date: "2026-01-31" },
    expected: { end: "Samstag, 28. Februar 2026", days: 29, distance: "in 28 days" },
  },
  {
    packageName: "debug",
    did: "writes the lines of an enabled namespace",
    expected: { loud: true, quiet: false },
    logged: /corpus:loud a line of debug with \{ n: 1 \}/,
    remark: "its lines are in the log of the job",
  },
  {
    packageName: "dotenv",
    did: "reads a .env file into the environment",
    expected: {
      parsed: { CORPUS_KEY: "two words", CORPUS_PORT: "8080" },
      inEnvironment: "two words",
      inProcess: "8080",
    },
    remark: "`parse` alone needs no permission; `config` reads its own options from DOTENV_*",
  },
  {
    packageName: "exceljs",
    did: "writes spreadsheets, to a file and as a stream, and reads them",
    params: { rows: [{ name: "tea", price: 3 }, { name: "nut", price: 4 }] },
    expected: { names: ["tea", "nut"], price: 4, sum: 42, streamed: 3 },
    remark: `${readsEnvironment}; files need sys, the stream does not`,
  },
  {
    packageName: "express",
    did: "serves an app on a free port and asks it",
    expected: { status: 201, answer: { id: "7", body: { n: 1 } }, missing: 404 },
    remark: "close the server before the task returns",
  },
  {
    packageName: "fs-extra",
    did: "writes, copies, moves and removes files",
    expected: { copied: { name: "fs-extra" }, moved: true, left: ["first.json"] },
    remark: `${readsEnvironment}; to copy or move out of a folder it looks at all folders above: ` +
      "`read` them, too",
  },
  {
    packageName: "got",
    did: "tries again after 503, posts JSON with a header",
    server: "http",
    params: { key: "got" },
    expected: { retried: { answeredAt: 3 }, token: "Bearer corpus" },
  },
  {
    packageName: "handlebars",
    did: "renders a template with a partial and a helper",
    params: { orders: [{ name: "<tea>", cents: 1250 }] },
    expected: { text: "&lt;tea&gt;: 12.50 EUR;", empty: "none" },
  },
  {
    packageName: "jimp",
    did: "resizes an image, writes and reads PNG and JPEG",
    expected: {
      formats: [
        { type: "image/png", width: 32, height: 24 },
        { type: "image/jpeg", width: 32, height: 24 },
      ],
      grey: "363636ff",
    },
    remark: "the way round sharp; fails with Deno 2.8",
  },
  {
    packageName: "jsdom",
    did: "loads a page, runs its script, clicks",
    params: { html: page },
    expected: { texts: ["2"], host: "corpus.test" },
    remark: readsEnvironment,
  },
  {
    packageName: "jsonwebtoken",
    did: "signs and checks tokens, by secret and key pair",
    expected: {
      user: "ada",
      iss: "corpus",
      n: 1,
      wrong: "invalid signature",
      old: "jwt expired",
    },
  },
  {
    packageName: "lodash",
    did: "groups, sums, merges, renders, debounces",
    expected: {
      totals: { ada: 42, bob: 5 },
      tags: ["a", "b", "c"],
      merged: { a: { b: 1, c: [2] } },
      rendered: "lodash!",
      calls: 1,
    },
  },
  {
    packageName: "luxon",
    did: "calculates over a change of summer time",
    params: { time: "2026-03-28T12:00:00Z" },
    expected: {
      local: "Samstag, 28. M\u00e4rz 2026 13:00 +01:00",
      tokyo: "2026-03-28T21:00:00.000+09:00",
      hours: 23,
    },
  },
  {
    packageName: "nanoid",
    did: "makes ids",
    params: { many: 1_000 },
    expected: ({ digits, ...rest }: { digits: string }) => {
      assert.deepEqual(rest, { different: 1_000, lengths: [21, 8] });
      assert.match(digits, /^\d{12}$/);
    },
  },
  {
    packageName: "p-retry",
    did: "tries again until it works, gives up on what is hopeless",
    expected: { answer: "worked", failures: ["attempt 1", "attempt 2"], hopeless: "hopeless" },
  },
  {
    packageName: "papaparse",
    did: "parses CSV at once and as a stream, writes CSV",
    params: { csv: "id,name\n1,tea\n2,nut" },
    expected: {
      data: [{ id: 1, name: "tea" }, { id: 2, name: "nut" }],
      delimiter: ",",
      streamed: 2,
      written: "id,name\r\n1,tea\r\n2,nut",
    },
  },
  {
    packageName: "pdf-lib",
    did: "makes a PDF, opens it, adds a page",
    params: { title: "Corpus" },
    expected: { start: "%PDF-", title: "Corpus", pages: 2 },
  },
  {
    packageName: "pdfkit",
    did: "makes a PDF of two pages in two fonts",
    params: { title: "Corpus" },
    expected: { start: "%PDF-", pages: 2, fonts: ["Helvetica", "Times-Roman"] },
  },
  {
    packageName: "pino",
    did: "logs with a child logger, removes a secret",
    expected: { bindings: { module: "corpus" }, isDebug: false },
    logged: /"password":"\[Redacted\]","msg":"a line of pino"/,
    remark: "asks for the host name when it is loaded; its lines are in the log of the job",
  },
  {
    packageName: "undici",
    did: "sends requests through an Agent, as a stream, by its fetch",
    server: "http",
    expected: {
      statusCode: 200,
      answer: { hello: "undici" },
      fetched: { hello: "world" },
      streamedBytes: 17,
    },
    remark: readsEnvironment,
  },
  {
    packageName: "uuid",
    did: "makes UUIDs of versions 4, 5 and 7",
    expected: {
      versions: [4, 7],
      areValid: true,
      ofName: "957a420f-2232-5df9-af2a-c3f07595cb8a",
      bytes: 16,
    },
  },
  {
    packageName: "winston",
    did: "logs JSON to the console and to a file",
    expected: [{ level: "info", message: "a line of winston", service: "corpus" }],
    logged: /"message":"a line of winston"/,
    remark: `${readsEnvironment}; its lines are in the log of the job`,
  },
  {
    packageName: "zod",
    did: "checks and converts the params of the task",
    params: { email: "ada@example.com", amount: "12.5" },
    expected: {
      order: { email: "ada@example.com", cents: 1250, currency: "EUR" },
      wrong: ["email", "amount"],
    },
  },
];
