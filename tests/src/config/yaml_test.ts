import assert from "node:assert/strict";
import { parseConfig } from "../../../src/config/config.ts";
import { problemsOf } from "../../testing/problems_of.ts";

const refused: readonly [text: string, ...lines: string[]][] = [
  ["worker_pool: 3", "1:14: worker_pool is not a mapping of keys to values"],
  ["- port", "1:1: the text is not a mapping of keys to values"],
  ["hello", "1:1: the text is not a mapping of keys to values"],
  ["port: 1\nport: 2", "2:1: port is set twice, first in line 1"],
  ["server:\nport: 1\nserver:", "3:1: server is set twice, first in line 1"],
  [
    "consumer:\n  job_queue_polling_interval: 1\n  job_queue_polling_timeout: 1",
    "3:3: consumer.job_queue_polling_timeout is set twice, first in line 2",
  ],
  [
    "port: *nope\nprot: 1\nserver: {cors_origins: [*no]}",
    "1:7: an alias without an anchor that ends before it",
    "2:1: prot is not a known key; did you mean port?",
    "3:25: an alias without an anchor that ends before it",
  ],
  ["server: *nope", "1:9: an alias without an anchor that ends before it"],
  [
    "server: &loop {server: *loop}",
    "1:16: server.server is not a known key; did you mean server?",
    "1:24: an alias without an anchor that ends before it",
  ],
  [
    "server: &a {port: x}\njob_queue: *a",
    "1:13: server.port is not a known key; did you mean port?",
    "2:12: job_queue.port is not a known key; did you mean port?",
  ],
  [
    "port: &a x\nlogging_format: *a",
    '1:10: port is "x": an integer from 0 to 65535 is allowed',
    '2:17: logging_format is "x": text or json is allowed',
  ],
  [
    "port: !!js 8080\nprot: 1",
    "1:12: unknown scalar tag !<tag:yaml.org,2002:js>",
    "2:1: prot is not a known key; did you mean port?",
  ],
  ["port: {a: 1, a: 2}", "1:14: duplicated mapping key"],
  ["port: {[a]: 1}", "1:7: a key is not a text"],
  ["port: {: 1, : 2}", "1:7: duplicated mapping key"],
  [
    "server: !!map {}\n!!str port: 1",
    "1:9: a tag is not allowed here",
    "2:7: a tag is not allowed here",
  ],
  [
    "logging_format: &p text\nport: *p\nport: 2",
    '2:7: port is "text": an integer from 0 to 65535 is allowed',
    "3:1: port is set twice, first in line 2",
  ],
  ["port: 1\n---\n# x\n", "2:1: a second YAML document begins here: one is allowed"],
  [
    "---\nport: 1\n---\nport: 2",
    "3:1: a second YAML document begins here: one is allowed",
  ],
  ["port: 1\n...\nport: 2", "3:1: a second YAML document begins here: one is allowed"],
  ["port: |-\n  x", '1:7: port is "x": an integer from 0 to 65535 is allowed'],
  [
    "port: >-\nlogging_format: xml",
    '1:7: port is "": an integer from 0 to 65535 is allowed',
    '2:17: logging_format is "xml": text or json is allowed',
  ],
  [
    "logging_format: @x",
    "1:17: bad indentation, a text that must stand in quotes, or, above, a colon without the space after it",
  ],
  [
    "port 1\nserver:",
    "2:7: no key with a value: a colon, or the space after it, is missing here or above, or the indentation is bad",
  ],
  ["port:1\n", "1:1: the text is not a mapping of keys to values"],
  ["server: {cors_origins: [*]}", "1:26: a lone * must stand in quotes"],
  [
    "server: {\n  host: x\n}",
    "3:1: bad indentation: a quote, ] or } is not closed before, or stands no further in than its key",
  ],
  ["[a]: 1", "1:1: a key is not a text"],
  ["port: 1\n---\nport: 2", "2:1: a second YAML document begins here: one is allowed"],
  ["server:\n\thost: x", "2:1: tab characters must not be used in indentation"],
  [
    // Each outermost key that is no YAML, and what is wrong with the others; not what follows from it.
    `# x
---
port: "80
server: &s
  host: "x
  cors_origins: [a
logging_format: xml
scheduler:
  polling_interval: 3
 x: 1
worker_pool:
\tconcurrency: 3
consumer 3
job_queue: *s
prot: {
  "a": 1,
}`,
    "4:1: bad indentation: a quote, ] or } is not closed before, or stands no further in than its key",
    "6:3: bad indentation: a quote, ] or } is not closed before, or stands no further in than its key",
    '7:17: logging_format is "xml": text or json is allowed',
    "10:2: bad indentation, a text that must stand in quotes, or, above, a colon without the space after it",
    "12:1: tab characters must not be used in indentation",
    "14:10: no key with a value: a colon, or the space after it, is missing here or above, or the indentation is bad",
    "17:1: bad indentation: a quote, ] or } is not closed before, or stands no further in than its key",
  ],
  [
    "port: |\n text\nabc\n",
    '1:7: port is "text\\n": an integer from 0 to 65535 is allowed',
    "4:1: no key with a value: a colon, or the space after it, is missing here or above, or the indentation is bad",
  ],
  [
    '{"port": "x",\n"logging_format": @,\n"server": }',
    "2:19: missed comma between flow collection entries",
  ],
  [
    "  port: 1\nserver: [",
    "2:1: no key with a value: a colon, or the space after it, is missing here or above, or the indentation is bad",
  ],
  [
    // The order is that of the text, whichever check found the problem.
    "port: x\r\nprot: 1\r\nlogging_format: xml\r\nport: 2\r\n",
    '1:7: port is "x": an integer from 0 to 65535 is allowed',
    "2:1: prot is not a known key; did you mean port?",
    '3:17: logging_format is "xml": text or json is allowed',
    "4:1: port is set twice, first in line 1",
  ],
];

for (const [text, ...lines] of refused) {
  Deno.test(`readSettings refuses ${JSON.stringify(text.slice(0, 60))}`, async () => {
    assert.deepEqual(
      await problemsOf(parseConfig(text, "my/config.yaml")),
      lines.map((line) => `my/config.yaml:${line}`),
    );
  });
}

Deno.test("readSettings says once that a text is nested too deeply", async () => {
  const [line, ...rest] = await problemsOf(parseConfig("[".repeat(20_000), "config.yaml"));
  assert.match(line!, /^config\.yaml:1:\d+: the text is nested too deeply$/);
  assert.deepEqual(rest, []);
});

Deno.test("readSettings does not unfold aliases of aliases", async () => {
  const levels = Array.from(
    { length: 8 },
    (_, index) => `&l${index + 1} [${`*l${index},`.repeat(10)}]`,
  );
  const text = `server:\n  cors_origins: [&l0 [x], ${levels.join(", ")}]`;
  assert.deepEqual(await problemsOf(parseConfig(text, "config.yaml")), [
    "config.yaml:2:180: far too much comes of aliases",
  ]);
});

Deno.test("readSettings tells of twenty places at which a text is no YAML, and of no more", async () => {
  const lines = await problemsOf(parseConfig("port: [\n".repeat(10_000), "config.yaml"));
  assert.equal(lines.length, 20);
});
