// What the environment asks of the fault tests: tools/run_faults.ts sets it.

/** How to run. */
export interface FaultSettings {
  /** Of every random choice. */
  readonly seed: number;
  /** Jobs and kills of the largest scenario; the others have their share. */
  readonly jobCount: number;
  readonly killCount: number;
  /** Where each test keeps its configurations, logs, journals and files. */
  readonly folder: string;
}

/** The settings; defaults are those of a short run. */
export const settings: FaultSettings = {
  seed: readNumber("VALET_FAULTS_SEED", Math.floor(Math.random() * 1_000_000)),
  jobCount: readNumber("VALET_FAULTS_JOBS", 1_500),
  killCount: readNumber("VALET_FAULTS_KILLS", 6),
  folder: Deno.env.get("VALET_FAULTS_FOLDER") ?? Deno.makeTempDirSync({ prefix: "valet_faults_" }),
};

/** A folder of its own for the test; it stays until the whole run is over. */
export function makeTestFolder(name: string): string {
  const folder = `${settings.folder}/${name}`;
  Deno.mkdirSync(folder);
  return folder;
}

/** Writes lines to the output of the test run. */
export function report(...lines: readonly string[]): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${lines.join("\n")}\n`));
}

function readNumber(name: string, fallback: number): number {
  const text = Deno.env.get(name);
  if (text === undefined || text === "") return fallback;
  if (/^\d+$/.test(text)) return Number(text);
  throw new Error(`${name} is ${text}, which is no whole number`);
}
