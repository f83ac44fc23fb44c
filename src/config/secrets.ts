// Secrets never stand in the configuration file: they come from the environment, from files that it names, or
// from Docker. Taken out of the environment by src/node/commands.ts before anything else starts.
// A secret is never logged and is no part of an error.

import { type ErrorDetail, errorMessage, ValetError } from "../errors.ts";
import { readFileText } from "./file_text.ts";

const secretNames = ["mysql_dsn", "postgres_dsn", "rabbitmq_uri", "valet_tokens"] as const;

/** The secrets that Valet knows. */
export type SecretName = typeof secretNames[number];

/** The secrets of a process. */
export interface Secrets {
  /** What is wrong with where they come from, whether they are used or not. */
  readonly problems: readonly ErrorDetail[];
  /**
   * The secret without the white space around it; undefined if there is none. `mysql_dsn` is the environment
   * variable `MYSQL_DSN`, else the file that `MYSQL_DSN_FILE` names, else the Docker secret `mysql_dsn` or
   * `valet-mysql-dsn`. A variable or Docker secret that is empty counts as absent.
   *
   * @throws ValetError `invalid_config` if a file is named, or there, and cannot be read.
   */
  read(name: SecretName): string | undefined;
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----/;

/**
 * Takes every secret out of the environment of the process, so that neither tasks nor child processes find one there.
 * The names of files stay.
 *
 * @param directory where Docker puts secrets.
 */
export function takeSecrets(
  environment: Pick<Deno.Env, "get" | "delete"> = Deno.env,
  directory = "/run/secrets",
): Secrets {
  const valueOf = (variable: string) => environment.get(variable)?.trim() || undefined;
  const problems: ErrorDetail[] = [];
  const taken = new Map(secretNames.map((name) => {
    const variable = variableOf(name);
    const value = valueOf(variable);
    environment.delete(variable);
    const path = valueOf(fileVariableOf(name));
    if (value !== undefined && path !== undefined) {
      const message = `Cannot use ${variable} and ${fileVariableOf(name)} together: only one of ` +
        "the two is allowed";
      problems.push({ path: "", message });
    }
    return [name, { value, path }];
  }));
  return {
    problems,
    read(name) {
      const { value, path } = taken.get(name)!;
      if (value !== undefined) return value;
      if (path !== undefined) return readNamedFile(fileVariableOf(name), path);
      for (const file of dockerSecretsOf(name)) {
        const content = readIfThere(`${directory}/${file}`, name);
        if (content) return content;
      }
      return undefined;
    },
  };
}

/** Where a secret may come from, for an error: `the environment variable MYSQL_DSN, ...`. */
export function describeSecretSources(name: SecretName): string {
  return `the environment variable ${variableOf(name)}, a file that ${
    fileVariableOf(name)
  } names, ` +
    `or the Docker secret /run/secrets/${name}`;
}

/**
 * The certificates in the file that an environment variable names, as PEM text; undefined if it is not set.
 *
 * @throws ValetError `invalid_config` if the file cannot be read or holds none.
 */
export function readCertificateFile(
  variable: "MYSQL_CA_PEM_FILE",
  environment: Pick<Deno.Env, "get"> = Deno.env,
): string | undefined {
  const path = environment.get(variable)?.trim();
  if (!path) return undefined;
  const text = readNamedFile(variable, path);
  if (pemCertificate.test(text)) return text;
  throw new ValetError(
    "invalid_config",
    `Cannot use the file that ${variable} names, ${path}: it holds no PEM certificate, from ` +
      "-----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
  );
}

function variableOf(name: SecretName): string {
  return name.toUpperCase();
}

function fileVariableOf(name: SecretName): string {
  return `${variableOf(name)}_FILE`;
}

function dockerSecretsOf(name: SecretName): string[] {
  return [name, `valet-${name.replace(/^valet_/, "").replaceAll("_", "-")}`];
}

function readNamedFile(variable: string, path: string): string {
  const named = `the file that ${variable} names, ${path}`;
  let text: string;
  try {
    text = readFileText(path).trim();
  } catch (cause) {
    const reason = cause instanceof Deno.errors.NotFound
      ? "there is no such file"
      : errorMessage(cause);
    throw new ValetError("invalid_config", `Cannot read ${named}: ${reason}`, { cause });
  }
  if (text !== "") return text;
  throw new ValetError("invalid_config", `Cannot use ${named}: it is empty`);
}

function readIfThere(path: string, name: SecretName): string | undefined {
  try {
    return readFileText(path).trim();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    const allowed = `a readable file, or the environment variable ${variableOf(name)}, is allowed`;
    const message = `Cannot read the secret ${name} from ${path}: ${
      errorMessage(cause)
    }; ${allowed}`;
    throw new ValetError("invalid_config", message, { cause });
  }
}
