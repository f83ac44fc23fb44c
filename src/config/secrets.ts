// Reads secrets, which never stand in the configuration file. Called by src/node/stores.ts for the drivers
// that need them.
// A secret is never logged and is no part of an error.

import { errorMessage, ValetError } from "../errors.ts";

/** The secrets that Valet knows. */
export type SecretName = "mysql_dsn" | "rabbitmq_uri";

const pemCertificate = /-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----/;

/** Where secrets are looked for. */
export interface SecretOptions {
  /** Default: `/run/secrets`, where Docker puts them. */
  readonly directory?: string;
  /** Default: the environment of the process. */
  readonly environment?: Pick<Deno.Env, "get">;
}

/**
 * The secret without the white space around it; undefined if there is none. `mysql_dsn` is the
 * environment variable `MYSQL_DSN`, or else the file `mysql_dsn`, or else the file `valet-mysql-dsn`.
 * One that is empty counts as absent.
 *
 * @throws ValetError `invalid_config` if a file is there and cannot be read.
 */
export async function readSecret(
  name: SecretName,
  { directory = "/run/secrets", environment = Deno.env }: SecretOptions = {},
): Promise<string | undefined> {
  const value = environment.get(name.toUpperCase())?.trim();
  if (value) return value;
  for (const file of [name, `valet-${name.replaceAll("_", "-")}`]) {
    const content = await readIfThere(`${directory}/${file}`, name);
    if (content) return content;
  }
  return undefined;
}

/**
 * The certificates in the file that an environment variable names, as PEM text; undefined if it is not set.
 *
 * @throws ValetError `invalid_config` if the file cannot be read or holds none.
 */
export async function readCertificateFile(
  variable: "MYSQL_CA_PEM_FILE",
  environment: Pick<Deno.Env, "get"> = Deno.env,
): Promise<string | undefined> {
  const path = environment.get(variable)?.trim();
  if (!path) return undefined;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new ValetError(
      "invalid_config",
      `Cannot read the file that ${variable} names, ${path}: ${errorMessage(error)}`,
      { cause: error },
    );
  }
  if (pemCertificate.test(text)) return text;
  throw new ValetError(
    "invalid_config",
    `Cannot use the file that ${variable} names, ${path}: it holds no PEM certificate, from ` +
      "-----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
  );
}

async function readIfThere(path: string, name: SecretName): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    const allowed =
      `a readable file, or the environment variable ${name.toUpperCase()}, is allowed`;
    throw new ValetError(
      "invalid_config",
      `Cannot read the secret ${name} from ${path}: ${errorMessage(error)}; ${allowed}`,
      { cause: error },
    );
  }
}
