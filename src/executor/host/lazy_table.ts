// Tells from its text whether the table of tasks has lazy entries alone. Loading such a table runs no code that could
// reach Node's modules, so the worker that reads it need not lock these down first: 25 ms of the start.

/** The call in the module of the workers that names the table. */
const servesTable = /\bserveTasks\(\s*\(\)\s*=>\s*import\(\s*["']([^"']+)["']\s*\)/;
const comments = /^\s*\/\/.*$|\/\*[\s\S]*?\*\//gm;
const typeImports = /^\s*import type [^;"']*["'][^"']*["']/gm;
const lazyImports = /=>\s*import\(/g;
/** What could run other code while the table is loaded, or reach Node's modules. */
const runsCode = /\b(?:await|eval|from|Function|globalThis|import|process|require|self)\b/;

/** Whether that is certain; `workerUrl` is the module of the workers. An executable cannot read its own sources. */
export function isLazyTable(workerUrl: URL): boolean {
  try {
    const table = servesTable.exec(Deno.readTextFileSync(workerUrl))?.[1];
    return table !== undefined && hasLazyEntriesAlone(
      Deno.readTextFileSync(new URL(table, workerUrl)),
    );
  } catch {
    return false;
  }
}

/** The same of the text of a table. */
export function hasLazyEntriesAlone(text: string): boolean {
  const rest = text.replace(comments, "").replace(typeImports, "").replace(lazyImports, "");
  return !runsCode.test(rest);
}
