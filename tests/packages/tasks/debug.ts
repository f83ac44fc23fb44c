// Writes debug output of two namespaces, one of which is not enabled.

import createDebug from "debug";

/** Needs no params. */
export default function run() {
  createDebug.enable("corpus:*,-corpus:quiet");
  const loud = createDebug("corpus:loud");
  const quiet = createDebug("corpus:quiet");
  loud("a line of %s with %o", "debug", { n: 1 });
  quiet("nobody sees this");
  return { loud: loud.enabled, quiet: quiet.enabled };
}
