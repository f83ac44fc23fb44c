// Takes a payment with Stripe, reads customers page by page and checks the signature of a webhook.

import Stripe from "stripe";

/** The state of the payment, the customers, and what the webhook and a declined card say. */
export default async function takePayment({ host, port, key, amount }: {
  host: string;
  port: number;
  key: string;
  amount: number;
}) {
  const stripe = new Stripe(key, {
    host,
    port,
    protocol: "http",
    telemetry: false,
    maxNetworkRetries: 0,
  });
  const payment = await stripe.paymentIntents.create({
    amount,
    currency: "eur",
    metadata: { order: "7" },
  });
  const customers: string[] = [];
  for await (const { email } of stripe.customers.list({ limit: 2 })) customers.push(email ?? "");
  const refused = await stripe.paymentIntents.create({ amount: 0, currency: "eur" })
    .then(() => "nothing", (error: Stripe.errors.StripeError) => error.type);
  const payload = JSON.stringify({
    id: "evt_1",
    object: "event",
    type: "payment_intent.succeeded",
  });
  const secret = "whsec_test";
  const header = await stripe.webhooks.generateTestHeaderStringAsync({ payload, secret });
  const event = await stripe.webhooks.constructEventAsync(payload, header, secret);
  return {
    status: payment.status,
    order: payment.metadata["order"],
    customers,
    refused,
    event: event.type,
  };
}
