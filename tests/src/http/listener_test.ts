// Requests that the two listeners refuse or serve, beside those of tests/e2e/raw_requests_test.ts.

import assert from "node:assert/strict";
import { openApp } from "../../testing/open_app.ts";
import { RawConnection } from "../../testing/raw_connection.ts";

const kinds = ["node", "deno"] as const;
const host = "Host: localhost\r\n";
const job = JSON.stringify({ name: "a job", task_name: "dummytask" });

/** A request and the status of its answer; of two statuses the first is that of `node`. */
type Case = readonly [
  name: string,
  request: string,
  status: number | readonly [node: number, deno: number],
];

const refused: readonly Case[] = [
  ["an empty Host", "GET /health/live HTTP/1.1\r\nHost:\r\n\r\n", 400],
  [
    "a coding beside a length",
    `POST /jobs HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    "an unknown coding",
    `POST /jobs HTTP/1.1\r\n${host}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ["another scheme", `GET ftp://x/jobs HTTP/1.1\r\n${host}\r\n`, 400],
  ["a target with no slash", `GET jobs HTTP/1.1\r\n${host}\r\n`, 400],
  ["a backslash", `GET /x\\..\\health\\live HTTP/1.1\r\n${host}\r\n`, 400],
  ["a dot", `GET /./health/live HTTP/1.1\r\n${host}\r\n`, 400],
  ["dots at the end", `GET /health/live/.. HTTP/1.1\r\n${host}\r\n`, 400],
  ["dots in the absolute form", `GET http://a/x/../health/live HTTP/1.1\r\n${host}\r\n`, 400],
  ["a folded header", `GET /health/live HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`, 400],
];

const served: readonly Case[] = [
  ["HTTP/1.0 without Host", "GET /health/live HTTP/1.0\r\n\r\n", 200],
  ["a port in Host", "GET /health/live HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200],
  ["a long address in Host", "GET /health/live HTTP/1.1\r\nHost: [0:0:0:0:0:0:0:1]\r\n\r\n", 200],
  ["the absolute form", `GET http://x/health/live?a HTTP/1.1\r\n${host}\r\n`, 200],
  ["the absolute form without a path", `GET http://x?limit=1 HTTP/1.1\r\n${host}\r\n`, 404],
  ["OPTIONS for the server", `OPTIONS * HTTP/1.1\r\n${host}\r\n`, 404],
  ["two slashes", `GET //health/live HTTP/1.1\r\n${host}\r\n`, 404],
  ["dots in the query", `GET /health/live?x=/../y HTTP/1.1\r\n${host}\r\n`, 200],
  ["TRACE", `TRACE /health/live HTTP/1.1\r\n${host}\r\n`, 405],
  ["an unknown method", `BREW /health/live HTTP/1.1\r\n${host}\r\n`, [400, 405]],
  ["a body of GET", `GET /health/live HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\n{}`, 200],
  [
    "a chunked body",
    `POST /jobs HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${
      job.length.toString(16)
    }\r\n${job}\r\n0\r\n\r\n`,
    202,
  ],
  [
    "an offered upgrade without a body",
    `GET /health/live HTTP/1.1\r\n${host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
    200,
  ],
  [
    "an offered upgrade with a body",
    `POST /jobs HTTP/1.1\r\n${host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: ${job.length}\r\n\r\n${job}`,
    [202, 400],
  ],
  [
    "Expect",
    `POST /jobs HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: ${job.length}\r\n\r\n${job}`,
    202,
  ],
  ["another Expect", `GET /health/live HTTP/1.1\r\n${host}Expect: something\r\n\r\n`, 200],
  ["a body that nobody reads", `POST /nothing HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\n{}`, 404],
];

function expectedOf(status: Case[2], kind: typeof kinds[number]): number {
  return typeof status === "number" ? status : status[kinds.indexOf(kind)]!;
}

for (const kind of kinds) {
  for (const [table, cases] of [["refuses", refused], ["serves", served]] as const) {
    Deno.test(`the listener ${kind} ${table}`, async (test) => {
      await using app = await openApp({ kind });
      for (const [name, request, status] of cases) {
        await test.step(name, async () => {
          using connection = await RawConnection.open(app.port);
          await connection.send(request);
          const expected = expectedOf(status, kind);
          const answer = await connection.receive(
            /^(?:HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.[01] (\d{3}) [^]*?\r\n\r\n/,
            5_000,
          );
          assert.equal(Number(answer[1]), expected, connection.received);
          // What the runtime refuses by itself has no body.
          if (/"error"/.test(connection.received)) {
            assert.match(answer[0], /\r\nx-content-type-options: nosniff\r\n/i);
          }
          if (expected === 400 && (kind === "node" || /"error"/.test(connection.received))) {
            await connection.receive(
              /"error":true,"code":400,"reason":"invalid","message":"Cannot read the request: .*\}/,
            );
          }
        });
      }
      const { body } = await app.request("GET", "/jobs");
      const accepted = cases.filter(([, , status]) => expectedOf(status, kind) === 202);
      assert.equal(
        body.jobs.length,
        accepted.length,
        "a request was done that was refused, or the other way round",
      );
    });
  }
}
