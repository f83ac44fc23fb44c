// `valet backup`: a copy while the node runs, and a node that runs on the copy.

import { strict as assert } from "node:assert";
import { runToEnd, startValet } from "../testing/start_valet.ts";

Deno.test("valet backup copies the database of a running node, for another one to start from", async () => {
  const folder = await Deno.makeTempDir({ prefix: "valet_e2e_" });
  try {
    const configOf = (name: string) => ({
      repository: { option: "sqlite", sqlite: { path: `${folder}/${name}` } },
    });
    const configPath = `${folder}/config.yaml`;
    await Deno.writeTextFile(configPath, JSON.stringify(configOf("valet.db")));
    const run = (...args: string[]) => runToEnd(args);
    await using valet = await startValet({ config: configOf("valet.db") });
    const done = await valet.api.run("csv_report", { csv: "a\n1\n" });
    const later = await valet.api.submit("dummytask", {}, {
      run_at: new Date(Date.now() + 3_600_000).toISOString(),
    });
    const copy = `${folder}/copy.db`;
    const first = await run("backup", copy, "--config", configPath);
    assert.deepEqual([first.code, first.err], [0, ""]);
    assert.equal(first.out, `Wrote ${copy} (jobs: 2, bytes: ${(await Deno.stat(copy)).size}).`);
    const second = await run("backup", copy, "--config", configPath);
    assert.deepEqual(second, {
      code: 2,
      out: "",
      err: `Cannot back up to ${copy}: it exists; the name of a new file is allowed\n`,
    });
    await using other = await startValet({ config: configOf("copy.db") });
    assert.deepEqual(await other.api.resultOf(done.id), await valet.api.resultOf(done.id));
    assert.deepEqual(await other.api.job(later), await valet.api.job(later));
    await Deno.writeTextFile(configPath, "repository: {option: mysql}\n");
    const refused = await run("backup", `${folder}/mysql.db`, "--config", configPath);
    assert.equal(refused.code, 2);
    assert.match(refused.err, /^Cannot back up the mysql repository: .*mysqldump/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
