// How programs are found that tests need.

import assert from "node:assert/strict";
import { findProgram } from "./needs.ts";
import { withFolder } from "./with_folder.ts";

Deno.test("findProgram finds a program by its path, and in whichever folder stands for *", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/14/share`, { recursive: true });
    await Deno.mkdir(`${folder}/15/bin`, { recursive: true });
    await Deno.writeTextFile(`${folder}/15/bin/initdb`, "");
    assert.equal(findProgram(`${folder}/15/bin/initdb`), `${folder}/15/bin/initdb`);
    assert.equal(findProgram(`${folder}/*/bin/initdb`), `${folder}/15/bin/initdb`);
    assert.equal(findProgram(`${folder}/*/bin/postgres`), null);
    assert.equal(findProgram(`${folder}/none/*/bin/initdb`), null);
    assert.equal(findProgram(`${folder}/15/bin`), null);
  });
});

Deno.test("findProgram finds a program on the PATH by its name", () => {
  assert.match(findProgram("sh") ?? "", /\/sh$/);
  assert.equal(findProgram("no-such-program"), null);
});
