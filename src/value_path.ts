// How a place within a value is written in errors: jobs[3].task_params.rows[1].n.

/** The longest key that an error repeats. */
const maxShownLength = 64;

/** The path to a place: keys of objects, which may come from a client, and indexes of arrays. */
export function valuePath(parts: Iterable<string | number>): string {
  let path = "";
  for (const part of parts) {
    if (typeof part === "number") path += `[${part}]`;
    else path += (path === "" ? "" : ".") + part.slice(0, maxShownLength);
  }
  return path;
}

/** The path to what an issue of a Standard Schema about the params of a job is about. */
export function paramPath(
  path: readonly (PropertyKey | { readonly key: PropertyKey })[] = [],
): string {
  const keys = path.map((part) => typeof part === "object" ? part.key : part);
  return valuePath([
    "task_params",
    ...keys.map((key) => typeof key === "number" ? key : String(key)),
  ]);
}
