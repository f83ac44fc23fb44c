// What this executable is: its version, and, in a compiled one, the commit and time of the build; and which
// Deno may run the sources.

/** The identity of the executable. */
export interface BuildInfo {
  readonly version: string;
  /** Commit of the sources; `source` where they run uncompiled, `unknown` where nothing tells it. */
  readonly commit: string;
  /** RFC 3339; `source` and `unknown` as with the commit. */
  readonly buildTime: string;
}

/** That of deno.json, which is not part of an npm package of Valet. */
const version = "0.1.0";
/** Older ones let a task without permissions import any file. */
const oldestDeno = "2.8.3";

/** Why the sources may not run on that version of Deno; undefined: they may. */
export function denoRefusal(version: string): string | undefined {
  if (version.localeCompare(oldestDeno, "en", { numeric: true }) >= 0) return undefined;
  return `Cannot run on Deno ${version}: tasks could read any file; Deno ${oldestDeno} or later is allowed`;
}

/** Reads what `deno task compile` left beside the sources inside the executable. */
export function readBuildInfo(): BuildInfo {
  if (!Deno.build.standalone) return { version, commit: "source", buildTime: "source" };
  let text: string;
  try {
    text = Deno.readTextFileSync(new URL("../../build_info.json", import.meta.url));
  } catch {
    // The executable of a user's own repository, made by a plain `deno compile`.
    return { version, commit: "unknown", buildTime: "unknown" };
  }
  const { commit, build_time: buildTime } = JSON.parse(text) as {
    commit: string;
    build_time: string;
  };
  return { version, commit, buildTime };
}
