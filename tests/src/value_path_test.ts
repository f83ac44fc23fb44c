import assert from "node:assert/strict";
import { paramPath, valuePath } from "../../src/value_path.ts";

Deno.test("valuePath joins keys with dots and puts indexes into brackets", () => {
  assert.equal(
    valuePath(["jobs", 3, "task_params", "rows", 1, "n"]),
    "jobs[3].task_params.rows[1].n",
  );
  assert.equal(valuePath([]), "");
  assert.equal(valuePath([0, 1, "a"]), "[0][1].a");
  assert.equal(valuePath(["a", "b c", '"']), 'a.b c."');
});

Deno.test("valuePath cuts long keys", () => {
  assert.equal(valuePath(["k".repeat(1000), 7]), `${"k".repeat(64)}[7]`);
});

Deno.test("paramPath takes the paths of a Standard Schema", () => {
  assert.equal(paramPath(), "task_params");
  assert.equal(
    paramPath(["rows", 1, { key: "n" }, Symbol("s")]),
    "task_params.rows[1].n.Symbol(s)",
  );
});
