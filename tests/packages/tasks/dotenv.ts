// Reads settings with dotenv: from a text, and from a file into the environment.

import dotenv from "dotenv";
import { mkdir, writeFile } from "node:fs/promises";

const folder = new URL("../scratch/dotenv", import.meta.url).pathname;

/** Needs no params. */
export default async function run() {
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/.env`, "CORPUS_KEY='two words' # comment\nCORPUS_PORT=8080\n");
  const { parsed } = dotenv.config({ path: `${folder}/.env`, quiet: true });
  return { parsed, inEnvironment: Deno.env.get("CORPUS_KEY"), inProcess: process.env.CORPUS_PORT };
}
