// Prints what a test measured, so that a slow machine can be told from a slow Valet.

/** Writes one line to the output of the test run. */
export function reportMeasurement(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`measured: ${text}\n`));
}
