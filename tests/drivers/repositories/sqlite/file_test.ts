// The file of a SQLite repository as others see it, beside its content.

import assert from "node:assert/strict";
import {
  checkSqliteRepository,
  openSqliteRepository,
} from "../../../../drivers/repositories/sqlite/repository.ts";
import { makeJob } from "../../../testing/make_job.ts";

Deno.test({
  name:
    "openSqliteRepository: makes files that only their owner can read, and leaves the mode of others",
  // The reason: it has no such modes.
  ignore: Deno.build.os === "windows",
  async fn() {
    const modeOf = (path: string) => Deno.statSync(path).mode! & 0o777;
    const folder = Deno.makeTempDirSync({ prefix: "valet_sqlite_" });
    const path = `${folder}/valet.db`;
    const open = () => openSqliteRepository({ path });
    const umask = Deno.umask(0o022);
    try {
      const repository = await open();
      await repository.insert([makeJob()]);
      assert.deepEqual([path, `${path}-wal`].map(modeOf), [0o600, 0o600]);
      await repository.close();
      Deno.chmodSync(path, 0o640);
      await (await open()).close();
      assert.equal(modeOf(path), 0o640);
    } finally {
      Deno.umask(umask);
      Deno.removeSync(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "openSqliteRepository: follows a symbolic link, also to a file that is not there yet",
  // The reason: making one takes a privilege there.
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = Deno.makeTempDirSync({ prefix: "valet_sqlite_" });
    try {
      Deno.symlinkSync(`${folder}/valet.db`, `${folder}/link.db`);
      const job = makeJob();
      for (const name of ["link.db", "valet.db", "link.db/"]) {
        const repository = await openSqliteRepository({ path: `${folder}/${name}` });
        if (name === "link.db") await repository.insert([job]);
        assert.deepEqual(await repository.get(job.id), job);
        await repository.close();
      }
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "openSqliteRepository: refuses a path that Deno lets nobody use in its own words",
  permissions: { read: true, write: true },
  // The reason: there is no /proc elsewhere.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const path = "/proc/1/valet.db";
    const isRefusal = (error: Error) => {
      assert.match(error.message, /^Cannot open the SQLite database \/proc\/1\/valet.db: /);
      assert.doesNotMatch(error.message, /allow-all/);
      return true;
    };
    await assert.rejects(openSqliteRepository({ path }), isRefusal);
    await assert.rejects(checkSqliteRepository({ path }), isRefusal);
  },
});
