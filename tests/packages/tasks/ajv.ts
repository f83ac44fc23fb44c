// Compiles a JSON Schema with ajv and checks values by it.

import { Ajv2020 } from "ajv/dist/2020.js";

/** Params: the `values` to check. */
export default function run({ values }: { values: readonly unknown[] }) {
  const ajv = new Ajv2020({ allErrors: true, coerceTypes: true });
  const validate = ajv.compile({
    type: "object",
    properties: { id: { type: "integer", minimum: 1 }, tags: { type: "array", maxItems: 2 } },
    required: ["id"],
    additionalProperties: false,
  });
  return values.map((value) => validate(value) ? value : ajv.errorsText(validate.errors));
}
