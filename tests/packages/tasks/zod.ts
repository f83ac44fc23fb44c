// A task whose params are checked by a schema of zod, which also changes them.

import { z } from "zod";
import { defineTask } from "../../../src/tasks/task.ts";

const params = z.object({
  email: z.email(),
  amount: z.coerce.number().positive().transform((amount) => Math.round(amount * 100)),
  currency: z.enum(["EUR", "USD"]).default("EUR"),
});

/** Params: as the schema has them. */
export default defineTask({
  params,
  run({ email, amount, currency }) {
    const wrong = params.safeParse({ email: "nobody", amount: -1 });
    return {
      order: { email, cents: amount, currency },
      wrong: wrong.error?.issues.map(({ path }) => path.join(".")),
    };
  },
});
