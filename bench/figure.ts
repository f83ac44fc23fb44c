// A measured figure, and how lists of them are printed. Made by the scenarios, printed by main.ts.

/** One measured value. */
export interface Figure {
  readonly name: string;
  /** The plain figure, for people: `15,200 /s, bare 20,300 /s`. */
  readonly plain: string;
  readonly value: number;
  /** `H`: the POST/s of the bare server in the same minutes; `x`: another ratio. */
  readonly unit: "H" | "x" | "ms" | "MB" | "/s" | "workers";
  /** Whether a smaller value is the better one. Default: false. */
  readonly isLessBetter?: boolean;
}

/** What is told of as fallen: noise is smaller. */
const maxLoss = 0.1;

/** Of the figures of several rounds one of each name, that with the median value, in the order of their first round. */
export function medianFigures(rounds: readonly (readonly Figure[])[]): Figure[] {
  const byName = Map.groupBy(rounds.flat(), ({ name }) => name);
  return [...byName.values()].map((figures) =>
    figures.sort((one, other) => one.value - other.value)[(figures.length - 1) >> 1]!
  );
}

/** The figures as a Markdown table. */
export function formatTable(figures: readonly Figure[]): string {
  return formatRows([
    ["scenario", "median", "measured"],
    ...figures.map((figure) => [figure.name, formatValue(figure), figure.plain]),
  ]);
}

/** The figures of a commit and of now side by side, then what has fallen. */
export function formatComparison(
  commit: string,
  before: readonly Figure[],
  now: readonly Figure[],
): string {
  const rows: string[][] = [];
  const fallen: string[] = [];
  for (const figure of now) {
    const old = before.find(({ name }) => name === figure.name);
    const change = old === undefined ? "" : formatChange(old.value, figure.value);
    rows.push([
      figure.name,
      old ? formatValue(old) : "",
      formatValue(figure),
      change,
      figure.plain,
    ]);
    if (old !== undefined && lossOf(old, figure) > maxLoss) {
      fallen.push(`  ${figure.name}: ${formatValue(old)} -> ${formatValue(figure)} (${change})`);
    }
  }
  const table = formatRows([["scenario", commit, "now", "change", "measured now"], ...rows]);
  const verdict = fallen.length === 0
    ? "Nothing has fallen by more than 10 %."
    : `Fallen by more than 10 %:\n${fallen.join("\n")}`;
  return `${table}\n\n${verdict}`;
}

/** A rate for people: `15,200 /s`. */
export function formatRate(ratePerS: number): string {
  return `${Math.round(ratePerS / 10) * 10} /s`.replace(/\B(?=(\d{3})+ )/g, ",");
}

function lossOf(before: Figure, { value, isLessBetter = false }: Figure): number {
  return isLessBetter ? value / before.value - 1 : 1 - value / before.value;
}

function formatChange(before: number, now: number): string {
  const percent = Math.round((now / before - 1) * 100);
  return `${percent > 0 ? "+" : ""}${percent} %`;
}

function formatValue({ value, unit }: Figure): string {
  return `${value >= 20 ? Math.round(value) : Math.round(value * 100) / 100} ${unit}`;
}

function formatRows(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column]!.length))
  );
  const lines = rows.map((row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`
  );
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}
