// What Valet is compared with: a bare Hono server that parses and checks the same body, makes an id,
// keeps the job in a Map and answers the same JSON, and as many bytes. No queue, no log, nothing runs. Its
// POST/s are H.

import { Hono } from "hono";

interface BareJob {
  readonly id: string;
  readonly name: string;
  readonly task_name: string;
  readonly task_params: unknown;
  readonly status: "PENDING";
  readonly created_at: string;
  /** What Valet tells in the headers `Location` and `X-Request-Id`. */
  readonly padding: string;
}

const padding = "x".repeat(66);
const jobs = new Map<string, BareJob>();
const app = new Hono();

app.post("/jobs", async (context) => {
  const body: unknown = await context.req.json();
  if (!isRequest(body)) return context.json({ error: true, code: 400 }, 400);
  const job: BareJob = {
    id: crypto.randomUUID(),
    name: body.name,
    task_name: body.task_name,
    task_params: body.task_params,
    status: "PENDING",
    created_at: new Date().toISOString(),
    padding,
  };
  jobs.set(job.id, job);
  return context.json(job, 202);
});

app.get("/jobs/:id", (context) => {
  const job = jobs.get(context.req.param("id"));
  return job === undefined ? context.json({ error: true, code: 404 }, 404) : context.json(job);
});

Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0]), onListen() {} }, app.fetch);

function isRequest(
  body: unknown,
): body is { name: string; task_name: string; task_params?: object } {
  if (typeof body !== "object" || body === null) return false;
  const { name, task_name: taskName, task_params: params } = body as Record<string, unknown>;
  return typeof name === "string" && name !== "" && name.length <= 255 &&
    typeof taskName === "string" && taskName !== "" &&
    (params === undefined || (typeof params === "object" && params !== null));
}
