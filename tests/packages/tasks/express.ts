// Serves an app of express on a free port, and asks it.

import express from "express";
import type { AddressInfo } from "node:net";

/** Needs no params. */
export default async function run() {
  const app = express();
  app.use(express.json());
  // deno-lint-ignore no-explicit-any -- express has no types of its own
  app.post("/orders/:id", (request: any, response: any) => {
    response.status(201).json({ id: request.params.id, body: request.body });
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const headers = { "content-type": "application/json" };
    const created = await fetch(`${url}/orders/7`, { method: "POST", headers, body: '{"n":1}' });
    const missing = await fetch(`${url}/missing`);
    await missing.body?.cancel();
    return { status: created.status, answer: await created.json(), missing: missing.status };
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
