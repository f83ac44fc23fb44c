// Writes the reference of the configuration for docs/configuration.md from the schema.
// Called by tools/update_config_reference.ts, and by the test that keeps the page true.

import { listSettings } from "./schema.ts";
import { ValetError } from "../errors.ts";

const beginMarker = "<!-- config reference -->";
const endMarker = "<!-- /config reference -->";

/** The Markdown table of all settings: key, what is allowed, default, meaning. */
export function renderConfigReference(): string {
  const rows = [["Key", "Allowed", "Default", "Meaning"]];
  for (const [key, { allowed, defaultText, description, alias }] of listSettings()) {
    const meaning = alias === undefined ? description : `${description} Also \`${alias}\`.`;
    rows.push([`\`${key}\``, allowed, defaultText, meaning].map(escapeCell));
  }
  // The formatter pads cells like this; without it the page would change back and forth.
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const [head, ...body] = rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column]!))
  );
  const rule = widths.map((width) => "-".repeat(width));
  return [head!, rule, ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/**
 * The text of docs/configuration.md with an up-to-date table between its two markers.
 *
 * @throws ValetError `failed_precondition` if the text has not both markers, in their order.
 */
export function replaceConfigReference(page: string): string {
  const begin = page.indexOf(beginMarker);
  const end = page.indexOf(endMarker, begin);
  if (begin === -1 || end === -1) {
    throw new ValetError(
      "failed_precondition",
      `Cannot update the configuration reference: a line ${beginMarker} and a later line ${endMarker} are needed`,
    );
  }
  const before = page.slice(0, begin + beginMarker.length);
  return `${before}\n\n${renderConfigReference()}\n\n${page.slice(end)}`;
}

/** An asterisk or a bar in a cell would be Markdown. */
function escapeCell(cell: string): string {
  return cell.replace(/[*|]/g, "\\$&");
}
