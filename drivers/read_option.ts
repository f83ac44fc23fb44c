// Reads what a driver was given as options; called by drivers only.

import { ValetError } from "../src/errors.ts";

/**
 * A positive integer out of a driver's options, or `fallback` where it is not set.
 *
 * @throws ValetError `invalid_config` for options that are no object and for any other value.
 */
export function readPositiveInteger(
  options: unknown,
  name: string,
  fallback: number,
  driver: string,
): number {
  if (options === undefined || options === null) return fallback;
  if (typeof options !== "object") {
    throw new ValetError(
      "invalid_config",
      `Cannot open the ${driver}: its options are ${JSON.stringify(options)}; ` +
        `an object such as { ${name}: ${fallback} } is allowed`,
    );
  }
  const value = (options as Record<string, unknown>)[name] ?? fallback;
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw new ValetError(
    "invalid_config",
    `Cannot open the ${driver}: ${name} is ${
      JSON.stringify(value)
    }; a whole number from 1 is allowed`,
  );
}
