// Logs with winston: to the console, and to a file that is read again.

import { readFile } from "node:fs/promises";
import winston from "winston";

const folder = new URL("../scratch/winston", import.meta.url).pathname;

/** Needs no params. */
export default async function run() {
  const file = new winston.transports.File({ dirname: folder, filename: "corpus.log" });
  const logger = winston.createLogger({
    level: "info",
    format: winston.format.combine(winston.format.splat(), winston.format.json()),
    defaultMeta: { service: "corpus" },
    transports: [new winston.transports.Console(), file],
  });
  logger.info("a line of %s", "winston");
  logger.debug("below the level");
  const written = new Promise((resolve) => file.once("finish", resolve));
  logger.end();
  await written;
  const lines = (await readFile(`${folder}/corpus.log`, "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}
