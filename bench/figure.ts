// A measured figure and how a list of them is printed. Made by the scenarios, printed by main.ts.

/** One line of the table. */
export interface Figure {
  readonly name: string;
  /** The plain figure, for people: `15,200 /s (H 20,300 /s)`. */
  readonly plain: string;
  /** What is held against floor and aim. */
  readonly value: number;
  /** The unit of value, floor and aim. `H`: the POST/s of the bare server in the same minutes. */
  readonly unit: "H" | "x" | "ms" | "MB" | "/s";
  /** What is needed; default: nothing to compare with. */
  readonly floor?: number;
  /** What is hoped for. */
  readonly aim?: number;
  /** Whether a smaller value is the better one. Default: false. */
  readonly isLessBetter?: boolean;
}

/** The figures as a Markdown table. */
export function formatTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    figure.plain,
    formatValue(figure.value, figure.unit),
    formatValue(figure.floor, figure.unit),
    formatValue(figure.aim, figure.unit),
    judge(figure),
  ]);
  const table = [["scenario", "measured", "value", "floor", "aim", ""], ...rows];
  const widths = table[0]!.map((_, column) =>
    Math.max(3, ...table.map((row) => row[column]!.length))
  );
  const lines = table.map((row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`
  );
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}

/** A rate for people: `15,200 /s`. */
export function formatRate(ratePerS: number): string {
  return `${Math.round(ratePerS / 10) * 10} /s`.replace(/\B(?=(\d{3})+ )/g, ",");
}

function formatValue(value: number | undefined, unit: Figure["unit"]): string {
  if (value === undefined) return "";
  return `${value >= 20 ? Math.round(value) : Math.round(value * 100) / 100} ${unit}`;
}

function judge({ value, floor, aim, isLessBetter = false }: Figure): string {
  const reaches = (bound: number) => isLessBetter ? value <= bound : value >= bound;
  if (aim !== undefined && reaches(aim)) return "aim";
  if (floor === undefined) return "";
  return reaches(floor) ? "floor" : "BELOW";
}
