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
