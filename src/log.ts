// Logger set-up, and the only place that writes log lines. (stub to be replaced)
import { getLogger as getLogTapeLogger, type Logger } from "@logtape/logtape";

export type { Logger };

/** The logger of one component (`http`, `scheduler`, ...). */
export function getLogger(component: string): Logger {
  return getLogTapeLogger(["valet", component]);
}
