// A temporary folder for as long as a test needs it.

/** Runs `use` with the path of a new folder, which is removed with all that is in it. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "valet_test_" });
  try {
    return await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
