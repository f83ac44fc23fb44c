// What this executable is: its version, and, in a compiled one, the commit and time of the build.

import project from "../../deno.json" with { type: "json" };

/** The identity of the executable. */
export interface BuildInfo {
  readonly version: string;
  /** Commit of the sources; `source` where they run uncompiled. */
  readonly commit: string;
  /** RFC 3339; `source` where the sources run uncompiled. */
  readonly buildTime: string;
}

/** Reads what `deno task compile` left beside the sources inside the executable. */
export function readBuildInfo(): BuildInfo {
  const { version } = project;
  if (!Deno.build.standalone) return { version, commit: "source", buildTime: "source" };
  const text = Deno.readTextFileSync(new URL("../../build_info.json", import.meta.url));
  const { commit, build_time: buildTime } = JSON.parse(text) as {
    commit: string;
    build_time: string;
  };
  return { version, commit, buildTime };
}
