// Logs with pino as it is, with a child logger and a secret that it removes.

import pino from "pino";

/** Needs no params. */
export default function run() {
  const logger = pino({ level: "info", redact: ["password"], base: null });
  const child = logger.child({ module: "corpus" });
  child.info({ user: "ada", password: "secret" }, "a line of pino");
  child.debug("below the level");
  return { bindings: child.bindings(), isDebug: child.isLevelEnabled("debug") };
}
