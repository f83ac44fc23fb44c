// Starts a program, which no task may: what puppeteer, fluent-ffmpeg and the like do.

import { spawn } from "node:child_process";

/** Needs no params. */
export default function run() {
  return new Promise((resolve, reject) => {
    const child = spawn("ffmpeg", ["-version"]);
    child.on("error", reject);
    child.on("exit", resolve);
  });
}
