import assert from "node:assert/strict";
import { loadConfig, parseConfig, readLoggingFormat } from "../../../src/config/config.ts";
import { problemsOf } from "../../testing/problems_of.ts";

async function withFile(
  content: Uint8Array,
  use: (path: string) => void | Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeFile(path, content);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("loadConfig names the file when it is missing", async () => {
  assert.deepEqual(await problemsOf(loadConfig("/nonexistent/config.yaml")), [
    "/nonexistent/config.yaml: there is no such file",
  ]);
});

Deno.test("loadConfig refuses a directory", async () => {
  const [line] = await problemsOf(loadConfig("tests"));
  assert.match(line!, /^tests: the file cannot be read: Is a directory/);
});

Deno.test("loadConfig refuses what is not UTF-8", async () => {
  await withFile(new Uint8Array([0x70, 0xff, 0x3a]), async (path) => {
    assert.deepEqual(await problemsOf(loadConfig(path)), [`${path}: the file is not UTF-8`]);
  });
});

Deno.test("loadConfig refuses a character that is cut off at the end", async () => {
  await withFile(new Uint8Array([0x23, 0xc3]), async (path) => {
    assert.deepEqual(await problemsOf(loadConfig(path)), [`${path}: the file is not UTF-8`]);
  });
});

Deno.test("loadConfig refuses a file over the limit and reads one at the limit", async () => {
  const comment = new Uint8Array(1_048_577).fill("#".charCodeAt(0));
  await withFile(comment, async (path) => {
    assert.deepEqual(await problemsOf(loadConfig(path)), [
      `${path}: the file is too large: at most 1048576 bytes are allowed`,
    ]);
  });
  await withFile(comment.subarray(1), async (path) => {
    assert.deepEqual(await loadConfig(path), await parseConfig("", "empty"));
  });
});

Deno.test("readLoggingFormat finds the format whatever else is wrong with the file", async () => {
  const formats: readonly (readonly [text: string, format: string])[] = [
    ["logging_format: json\nport: nowhere\nprot: 1", "json"],
    ["logging_format: text", "text"],
    ["logging_format: xml", "text"],
    ["port: 1", "text"],
    ["port: [\nlogging_format: json", "json"],
    ["logging_format: json]", "text"],
    ["{logging_format: json", "text"],
  ];
  for (const [text, format] of formats) {
    await withFile(new TextEncoder().encode(text), (path) => {
      assert.equal(readLoggingFormat(path), format, text);
    });
  }
  assert.equal(readLoggingFormat("/nonexistent/config.yaml"), "text");
});
