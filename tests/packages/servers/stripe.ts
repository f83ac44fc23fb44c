// A stub of Stripe's API: payment intents, and customers in pages.

import type { LocalServer } from "./mod.ts";

const key = "sk_test_stub";
const emails = ["ada@example.com", "bob@example.com", "eve@example.com"];

/** Starts it. Its params: `host`, `port` and `key`. */
export function startStripeServer(): LocalServer {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
  return {
    params: { host: "127.0.0.1", port: server.addr.port, key },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (request.headers.get("authorization") !== `Bearer ${key}`) {
    return refusal(401, "invalid_request_error", "Invalid API Key provided");
  }
  if (request.method === "POST" && pathname === "/v1/payment_intents") {
    const fields = new URLSearchParams(await request.text());
    const amount = Number(fields.get("amount"));
    if (amount === 0) return refusal(402, "card_error", "Your card was declined.");
    return Response.json({
      id: "pi_1",
      object: "payment_intent",
      amount,
      currency: fields.get("currency"),
      metadata: { order: fields.get("metadata[order]") },
      status: "succeeded",
    });
  }
  if (request.method === "GET" && pathname === "/v1/customers") {
    const customers = emails.map((email, index) => ({
      id: `cus_${index}`,
      object: "customer",
      email,
    }));
    const start = customers.findIndex(({ id }) => id === searchParams.get("starting_after")) + 1;
    const end = start + Number(searchParams.get("limit"));
    return Response.json({
      object: "list",
      url: pathname,
      has_more: end < customers.length,
      data: customers.slice(start, end),
    });
  }
  return refusal(404, "invalid_request_error", `Unrecognized request URL: ${pathname}`);
}

function refusal(status: number, type: string, message: string): Response {
  return Response.json({ error: { type, message } }, { status });
}
