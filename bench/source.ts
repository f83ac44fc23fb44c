// The Valet that is measured: these sources, or those of another commit, checked out into a temporary folder. Of
// another commit only main.ts, bench/bench_server.ts and config.yaml are used; scenarios, load and bare server are
// always these, so that both are measured alike, whatever else has moved.

import { fileURLToPath } from "node:url";

/** Sources that can be started. */
export interface Source {
  /** The commit; `now` for these sources. */
  readonly name: string;
  /** Its folder, with a slash at the end. */
  readonly root: URL;
}

/** These sources, as they are. */
export const currentSource: Source = { name: "now", root: new URL("../", import.meta.url) };

/** Checks out a commit and fetches what it imports. The folder goes with it. */
export async function checkOut(commit: string): Promise<Source & AsyncDisposable> {
  const id = await run("git", ["rev-parse", "--verify", "--short", `${commit}^{commit}`]).catch(
    () => Promise.reject(new Error(`Cannot find the commit ${commit} in this repository`)),
  );
  const folder = await Deno.makeTempDir({ prefix: "valet_bench_" });
  const remove = () => Deno.remove(folder, { recursive: true });
  try {
    await run("git", ["archive", `--output=${folder}/sources.tar`, id]);
    await run("tar", ["-x", "-f", `${folder}/sources.tar`, "-C", folder]);
    const mains = ["main.ts", "bench/bench_server.ts", "bench/bench_worker.ts", "tasks/mod.ts"];
    await run(Deno.execPath(), ["cache", "--quiet", "--frozen", ...mains], folder);
  } catch (thrown) {
    await remove();
    throw new Error(`Cannot build ${commit}: ${(thrown as Error).message}`, { cause: thrown });
  }
  return { name: id, root: new URL(`file://${folder}/`), [Symbol.asyncDispose]: remove };
}

/** The output of a program, which must succeed. */
async function run(
  program: string,
  args: readonly string[],
  cwd = fileURLToPath(currentSource.root),
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], cwd })
    .output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout).trim();
  throw new Error(`${program} ${args[0]} failed: ${decoder.decode(stderr).trim()}`);
}
