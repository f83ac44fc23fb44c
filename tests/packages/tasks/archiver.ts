// Packs a folder and a text into a ZIP file with archiver.

import { ZipArchive } from "archiver";
import { createWriteStream } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

const folder = new URL("../scratch/archiver", import.meta.url).pathname;

/** Needs no params. */
export default async function run() {
  await mkdir(`${folder}/in`, { recursive: true });
  await writeFile(`${folder}/in/long.txt`, "line\n".repeat(10_000));
  const archive = new ZipArchive({ zlib: { level: 9 } });
  const names: string[] = [];
  archive.on("entry", ({ name }: { name: string }) => names.push(name));
  const written = pipeline(archive, createWriteStream(`${folder}/out.zip`));
  archive.append("a text", { name: "text.txt" });
  archive.directory(`${folder}/in`, "folder");
  await archive.finalize();
  await written;
  const { size } = await stat(`${folder}/out.zip`);
  return { names: names.sort(), isSmall: size > 0 && size < 2_000 };
}
