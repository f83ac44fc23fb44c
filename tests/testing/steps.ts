// Runs several checks against one server, which costs more to start than most checks take.

/** One check, by its name. */
export type Steps = Readonly<Record<string, () => void | Promise<void>>>;

/**
 * Runs the steps one after the other. What belongs to the whole test (the pipes of a server) changes
 * during a step: only the test itself is checked for leaks.
 */
export async function runSteps(test: Deno.TestContext, steps: Steps): Promise<void> {
  for (const [name, fn] of Object.entries(steps)) {
    await test.step({
      name,
      async fn() {
        await fn();
      },
      sanitizeOps: false,
      sanitizeResources: false,
      sanitizeExit: false,
    });
  }
}
