// The routes for operators and their machines: status and health.

import { reasonsNotReady, type StatusReport } from "../node/status.ts";
import type { Answer, Route } from "./answer.ts";
import { errorAnswer } from "./error_response.ts";

const alive: Answer = { status: 200, json: '{"status":"alive"}' };
const ready: Answer = { status: 200, json: '{"status":"ready"}' };

/** The routes `/status`, `/health/live` and `/health/ready`. */
export function statusRoutes(status: () => Promise<StatusReport>): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/status",
      handle: async () => ({ status: 200, json: JSON.stringify(await status()) }),
    },
    // To be alive is to answer: it asks nothing, so that a slow store never gets the node restarted.
    { method: "GET", path: "/health/live", query: "ignored", handle: () => alive },
    {
      method: "GET",
      path: "/health/ready",
      query: "ignored", // load balancers add what they like
      handle: async () => {
        const reasons = reasonsNotReady(await status());
        if (reasons.length === 0) return ready;
        return errorAnswer("unavailable", `Not ready: ${reasons.join("; ")}`);
      },
    },
  ];
}
