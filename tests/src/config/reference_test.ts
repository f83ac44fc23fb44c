import assert from "node:assert/strict";
import { renderConfigReference, replaceConfigReference } from "../../../src/config/reference.ts";
import { listSettings } from "../../../src/config/schema.ts";

const pageUrl = new URL("../../../docs/configuration.md", import.meta.url);

Deno.test("renderConfigReference has one row of four cells for every setting", () => {
  const [head, rule, ...rows] = renderConfigReference().split("\n");
  assert.match(head!, /^\| Key +\| Allowed +\| Default +\| Meaning +\|$/);
  assert.match(rule!, /^(\| -+ ){4}\|$/);
  assert.deepEqual(
    rows.map((row) => /^\| `([^`]+)` .*\|$/.exec(row)?.[1]),
    [...listSettings().keys()],
  );
  for (const row of rows) assert.equal(row.split(/(?<!\\)\|/).length, 6, row);
});

Deno.test("renderConfigReference tells units, defaults in words and other names", () => {
  const table = renderConfigReference();
  assert.match(
    table,
    /`worker_pool.max_memory_mb` +\| an integer from 64 to 1048576 \(MiB\) +\| 512/,
  );
  assert.match(
    table,
    /`worker_pool.concurrency` +\| an integer from 1 to 4096 +\| number of cores/,
  );
  assert.match(
    table,
    /`consumer.job_queue_polling_interval`.*`consumer.job_queue_polling_timeout`/,
  );
});

Deno.test("replaceConfigReference changes only what is between the markers, and is idempotent", () => {
  const page = "# Head\n\n<!-- config reference -->\nold\n<!-- /config reference -->\n\ntail\n";
  const once = replaceConfigReference(page);
  assert.equal(
    once,
    "# Head\n\n<!-- config reference -->\n\n" + renderConfigReference() +
      "\n\n<!-- /config reference -->\n\ntail\n",
  );
  assert.equal(replaceConfigReference(once), once);
});

for (const page of ["", "<!-- config reference -->", "<!-- /config reference -->"]) {
  Deno.test(`replaceConfigReference refuses "${page}"`, () => {
    assert.throws(() => replaceConfigReference(page), {
      code: "failed_precondition",
      message: /^Cannot update the configuration reference: /,
    });
  });
}

Deno.test("docs/configuration.md holds the configuration reference as the schema has it", async () => {
  const page = await Deno.readTextFile(pageUrl);
  assert.equal(replaceConfigReference(page), page, "run tools/update_config_reference.ts");
});
