// Works with files by fs-extra.

import fs from "fs-extra";

const folder = new URL("../scratch/fs_extra", import.meta.url).pathname;

/** Needs no params. */
export default async function run() {
  await fs.emptyDir(folder);
  await fs.outputJson(`${folder}/deep/first.json`, { name: "fs-extra" });
  await fs.copy(`${folder}/deep`, `${folder}/copy`);
  const copied = await fs.readJson(`${folder}/copy/first.json`);
  await fs.move(`${folder}/copy/first.json`, `${folder}/moved.json`);
  const moved = await fs.pathExists(`${folder}/moved.json`);
  await fs.remove(`${folder}/deep`);
  await fs.remove(`${folder}/copy`);
  return { copied, moved, left: await fs.readdir(folder) };
}
