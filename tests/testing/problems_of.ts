// The lines that tell what is wrong with a configuration. Used by the tests of src/config*.ts.

import assert from "node:assert/strict";
import type { Config } from "../../src/config/config.ts";
import { ValetError } from "../../src/errors.ts";

/** The message of each problem for which a configuration is refused. */
export async function problemsOf(config: Promise<Config>): Promise<string[]> {
  const error = await config.then(() => assert.fail("no problem was found"), (thrown) => thrown);
  assert.ok(error instanceof ValetError, String(error));
  assert.equal(error.code, "invalid_config");
  const lines = error.details.map((detail) => detail.message);
  assert.ok(error.message.endsWith(lines.join("; ")));
  return lines;
}
