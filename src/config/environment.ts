// Settings from environment variables: VALET_ and the dotted key in capitals, with _ for each dot. Which there are
// follows from the schema. Called by src/config/config.ts, and by src/node/commands.ts for what is misspelt. Pure.

import { didYouMean } from "../did_you_mean.ts";
import { listSettings } from "./schema.ts";

/** Environment variables by their names. */
export type Environment = Readonly<Record<string, string>>;

/** The settings that the environment holds, and what is wrong with it. */
export interface EnvironmentReading {
  /** Dotted key to value, as the file would have it. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Dotted key to the variable that it came from. */
  readonly variables: ReadonlyMap<string, string>;
  readonly problems: readonly { readonly path: string; readonly message: string }[];
}

const prefix = "VALET_";
/** Those that are no settings: secrets, what commands and the compiler take. */
const otherVariables = [
  "VALET_TOKENS",
  "VALET_TOKENS_FILE",
  "VALET_SERVER",
  "VALET_TOKEN",
  "VALET_COMMIT",
  "VALET_COMPILE_ANYWAY",
];
/** Those of Valet's own tests and benchmarks. */
const ofTests = /^VALET_(BINARY$|TEST_|FAULTS_|BENCH_)/;
/** What Kubernetes sets for a Service whose name begins with valet. */
const ofKubernetes = /^VALET_(\w+_)?(SERVICE_(HOST|PORT)|PORT)(_|$)/;
const kubernetesHint =
  "Kubernetes sets it for a Service; enableServiceLinks: false in the pod's spec turns that off";

/** Reads the settings. A variable that is empty counts as absent. */
export function readEnvironment(environment: Environment): EnvironmentReading {
  const values = new Map<string, unknown>();
  const variables = new Map<string, string>();
  const problems: { path: string; message: string }[] = [];
  for (const [key, { alias, fromText }] of listSettings()) {
    for (const variable of [key, alias ?? key].map(variableOf)) {
      const text = environment[variable]?.trim();
      const first = variables.get(key);
      if (!text || first === variable) continue;
      if (first !== undefined) {
        const message = `${first} and ${variable} are one setting: only one of them is allowed`;
        problems.push({ path: key, message });
      }
      variables.set(key, variable);
      values.set(key, fromText === undefined ? text : fromText(text));
    }
  }
  return { values, variables, problems };
}

/** The end of an error for a value that its variable does not have by mistake; empty: it may be one. */
export function hintForVariable(value: unknown): string {
  return typeof value === "string" && /^(tcp|udp|sctp):\/\//.test(value)
    ? `; ${kubernetesHint}`
    : "";
}

/** A warning for each VALET_ variable that nothing reads. It does not show the value, which may be a secret. */
export function warnOfUnknownVariables(environment: Environment): string[] {
  const settings = listSettings();
  const aliases = [...settings.values()].flatMap(({ alias }) => alias ?? []);
  const known = [...[...settings.keys(), ...aliases].map(variableOf), ...otherVariables];
  const unknown = Object.keys(environment).filter((name) =>
    name.startsWith(prefix) && !known.includes(name) && !ofTests.test(name)
  );
  return unknown.toSorted().map((name) => {
    const hint = ofKubernetes.test(name) ? `; ${kubernetesHint}` : guessVariable(name, known);
    return `the environment variable ${name} is not known and has no effect${hint}`;
  });
}

function variableOf(key: string): string {
  return prefix + key.toUpperCase().replaceAll(".", "_");
}

/** The same word in a section, or a variable that looks alike. */
function guessVariable(name: string, known: readonly string[]): string {
  const inSection = known.find((other) => other.endsWith(name.slice(prefix.length - 1)));
  if (inSection !== undefined) return `; did you mean ${inSection}?`;
  const guess = didYouMean(name, known.map((other) => other.toLowerCase()));
  return guess.replace(/valet_\w+/, (word) => word.toUpperCase());
}
