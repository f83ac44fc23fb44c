// Writes the tables of docs/packages.md from what run.ts found.

import { type PackageCase, type RefusedCase, taskOf } from "./cases.ts";
import { tasks } from "./mod.ts";

/** What was wrong in each isolation; null: nothing. */
export interface Outcomes {
  readonly worker?: string | null;
  readonly process?: string | null;
}

const documentUrl = new URL("../../docs/packages.md", import.meta.url);

/** Puts the tables between the marks of the document. */
export async function writeResults(
  outcomes: ReadonlyMap<PackageCase | RefusedCase, Outcomes>,
  versions: Readonly<Record<string, string>>,
): Promise<void> {
  const all = [...outcomes].map(([one, byIsolation]) => ({ one, byIsolation }));
  const packages = table(
    ["Package", "Version", "What the task did", "Permissions", "worker", "process", "Remark"],
    all.flatMap(({ one, byIsolation }) =>
      "reason" in one ? [] : [[
        `\`${one.packageName}\``,
        versionOf(one.packageName, versions),
        one.did,
        permissionsOf(one),
        verdict(byIsolation.worker),
        verdict(byIsolation.process),
        one.remark ?? "",
      ]]
    ),
  );
  const refused = table(
    ["Package", "What the task did", "The job says", "The way round it"],
    all.flatMap(({ one }) =>
      "reason" in one ? [[`\`${one.packageName}\``, one.did, one.reason, one.remark]] : []
    ),
  );
  const text = await Deno.readTextFile(documentUrl);
  await Deno.writeTextFile(
    documentUrl,
    between(between(text, "packages", packages), "refused", refused),
  );
}

function verdict(problem: string | null | undefined): string {
  return problem === null ? "yes" : `no: ${(problem ?? "it did not run").split("\n", 1)[0]}`;
}

function versionOf(name: string, versions: Readonly<Record<string, string>>): string {
  return versions[name]?.replace(/^npm:.*@/, "") ?? "";
}

/** As they stand in the table of tasks, with paths as the reader knows them. */
function permissionsOf(one: PackageCase): string {
  const { permissions } = tasks[taskOf(one)] as { permissions?: Deno.PermissionOptionsObject };
  const parts = Object.entries(permissions ?? {}).map(([kind, value]) => {
    const folder = new URL("./scratch", import.meta.url).pathname;
    const shown = Array.isArray(value)
      ? value.map((item) => item === folder ? "its folder" : String(item)).join(", ")
      : "all";
    return `\`${kind}: ${shown}\``;
  });
  return parts.length === 0 ? "none" : parts.join(" ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]!.length), 3));
  const lines = cells.map((row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`
  );
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}

/** The text with the part between the two marks of that name replaced. */
function between(text: string, name: string, part: string): string {
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [before, rest] = text.split(start);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`docs/packages.md has no ${start} with ${end}`);
  return `${before}${start}\n\n${part}\n\n${end}${after}`;
}
