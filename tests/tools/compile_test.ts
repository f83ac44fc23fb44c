import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const tool = fileURLToPath(import.meta.resolve("../../tools/compile.ts"));

Deno.test("deno task compile refuses a wrong SOURCE_DATE_EPOCH in one line", async () => {
  for (const epoch of ["xx", "-1", "1.5", "9".repeat(13)]) {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--allow-env", "--allow-read", tool],
      env: { SOURCE_DATE_EPOCH: epoch },
    });
    const { code, stderr } = await command.output();
    assert.equal(code, 1);
    assert.equal(
      new TextDecoder().decode(stderr),
      `Cannot compile: SOURCE_DATE_EPOCH is "${epoch}": seconds since 1970 are allowed\n`,
    );
  }
});
