// Works with files by fs-extra.

import fs from "fs-extra";

const folder = new URL("../scratch/fs_extra", import.meta.url).pathname;

/** Needs no params. */
export default async function run() {
  await fs.emptyDir(folder);
  await fs.outputJson(`${folder}/deep/first.json`, { name: "fs-extra" });
  await fs.copy(`${folder}/deep`, `${folder}/copy`);
  const copied = await fs.readJson(`${folder}/copy/first.json`);
  await fs.move(`${folder}/copy`, `${folder}/deep/moved`);
  const moved = await fs.pathExists(`${folder}/deep/moved/first.json`);
  await fs.remove(`${folder}/deep/moved`);
  return { copied, moved, left: await fs.readdir(`${folder}/deep`) };
}
