// Where a MySQL server is and how to talk to it, read from a DSN in the form of Go's driver or from a URI.
// Called by repository.ts. A password stands in no message of an error: of a DSN only the names and values of
// parameters are quoted, once it is known where they begin.

import { ValetError } from "../../../src/errors.ts";
import {
  decodePart,
  parseParameters,
  parsePlace,
  parseServerUri,
  refuseWrapping,
  type ServerPlace,
} from "../../server_uri.ts";

/** What a DSN says. */
export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  /** A Unix socket, in place of host and port. */
  readonly socketPath: string | undefined;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /**
   * - `off`: plain text.
   * - `preferred`: encrypted where the server can, whoever it is.
   * - `unverified`: encrypted, whoever the server is.
   * - `verified`: encrypted, and the certificate must fit the host.
   */
  readonly tls: "off" | "preferred" | "unverified" | "verified";
  /** PEM text of the authorities to trust; undefined: those of the system. */
  readonly caPem: string | undefined;
  /** How long to wait for a connection. */
  readonly connectTimeoutMs: number;
  /** How long to wait for the answer to one statement. */
  readonly queryTimeoutMs: number;
  /** The largest packet to send; undefined: whatever the server takes. */
  readonly maxPacketBytes: number | undefined;
  readonly compress: boolean;
  readonly allowCleartextPasswords: boolean;
  /** What the server shows of this connection, by name. */
  readonly attributes: Readonly<Record<string, string>>;
}

type Settings = { -readonly [Name in keyof MysqlAddress]: MysqlAddress[Name] };
type ReadParameter = (value: string, settings: Settings, name: string) => void;

const defaultPort = 3306;
const example = "user:password@tcp(host:3306)/database or mysql://user:password@host:3306/database";

/** Parameters that change nothing here: the driver has its own way, or always does what they ask for. */
const ignored: ReadParameter = () => {};
/** Parameters that must not be on. */
const refused: ReadParameter = (value, _settings, name) => {
  if (readBoolean(name, value)) fail(`${name} is ${value}: Valet cannot do that; leave it out`);
};

/** Every parameter that Go's driver documents, and the system variables that people give it. */
const parameters: Readonly<Record<string, ReadParameter>> = {
  allowAllFiles: refused,
  allowCleartextPasswords: (value, settings, name) => {
    settings.allowCleartextPasswords = readBoolean(name, value);
  },
  allowFallbackToPlaintext: (value, settings, name) => {
    if (readBoolean(name, value) && settings.tls === "unverified") settings.tls = "preferred";
  },
  allowNativePasswords: ignored,
  allowOldPasswords: refused,
  autocommit: ignored,
  charset: ignored,
  checkConnLiveness: ignored,
  clientFoundRows: ignored,
  collation: ignored,
  columnsWithAlias: ignored,
  compress: (value, settings, name) => {
    settings.compress = readBoolean(name, value);
  },
  connectionAttributes: (value, settings) => {
    settings.attributes = Object.fromEntries(
      value.split(",").filter((pair) => pair !== "").map((pair) => {
        const [key = "", ...rest] = pair.split(":");
        return [key.trim(), rest.join(":").trim()];
      }),
    );
  },
  innodb_lock_wait_timeout: ignored,
  interpolateParams: ignored,
  loc: ignored,
  maxAllowedPacket: (value, settings, name) => {
    if (!/^\d{1,10}$/.test(value)) fail(`${name} is ${value}; a number of bytes is allowed`);
    // 0 asks the server, which happens anyway.
    settings.maxPacketBytes = Number(value) || undefined;
  },
  multiStatements: ignored,
  parseTime: ignored,
  readTimeout: readQueryTimeout,
  rejectReadOnly: ignored,
  serverPubKey: (_value, _settings, name) =>
    fail(`${name} names a key that only a Go program can register; use tls instead`),
  sql_mode: ignored,
  time_zone: ignored,
  timeTruncate: ignored,
  timeout: (value, settings, name) => {
    settings.connectTimeoutMs = readDuration(name, value) || settings.connectTimeoutMs;
  },
  tls: readTls,
  transaction_isolation: ignored,
  tx_isolation: ignored,
  writeTimeout: readQueryTimeout,
};

/**
 * Reads a DSN: `user:password@protocol(address)/database?parameter=value`, whose password may hold any
 * character, or `mysql://user:password@host:port/database?parameter=value`, whose parts are percent-encoded;
 * `mariadb://` is the same.
 *
 * @param caPem PEM text of the authorities to trust; turns on verified TLS where the DSN is silent about it.
 * @throws ValetError `invalid_config`
 */
export function parseMysqlDsn(dsn: string, caPem?: string): MysqlAddress {
  const text = dsn.trim();
  refuseWrapping(text, "MYSQL_DSN", refuse);
  const isUri = uriSchemes.some((scheme) => text.toLowerCase().startsWith(`${scheme}://`));
  const parts = isUri ? splitUri(text) : splitGoDsn(text);
  if (parts.user === "") fail(`it names no user; write it as ${example}`);
  if (parts.database === "") fail(`it names no database; write it as ${example}`);
  const { parameters: given, ...where } = parts;
  const settings: Settings = {
    ...where,
    tls: caPem === undefined ? "off" : "verified",
    caPem,
    connectTimeoutMs: 3_000,
    queryTimeoutMs: 15_000,
    maxPacketBytes: undefined,
    compress: false,
    allowCleartextPasswords: false,
    attributes: {},
  };
  for (const [name, value] of given) {
    const read = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (read === undefined) {
      fail(
        `${JSON.stringify(name)} is not a parameter; known: ${Object.keys(parameters).join(", ")}`,
      );
    }
    read(value, settings, name);
  }
  return settings;
}

type Parts =
  & Pick<Settings, "host" | "port" | "socketPath" | "user" | "password" | "database">
  & { readonly parameters: readonly (readonly [string, string])[] };

const uriSchemes = ["mysql", "mariadb"];

/** The way of Go's driver: the last slash, the last @ before it, the first colon before that. */
function splitGoDsn(dsn: string): Parts {
  // A slash in a parameter must be encoded; the address and the password may have one.
  const slash = dsn.lastIndexOf("/");
  if (slash === -1) fail(`it has no slash before the name of the database; write it as ${example}`);
  const end = dsn.slice(slash + 1);
  // Then the slash is one of the password, and none comes after it.
  if (end.includes("@")) {
    fail(`it has an @ after its last slash; write it as ${example}, an @ of a parameter as %40`);
  }
  const at = dsn.lastIndexOf("@", slash);
  const [user, password] = splitOnce(dsn.slice(0, Math.max(0, at)), ":");
  const [database, query] = splitOnce(end, "?");
  const address = /^(|tcp[46]?|unix)(?:\((.*)\))?$/.exec(dsn.slice(at + 1, slash));
  if (address === null) {
    // Not before, because it may be a user whose password begins with slashes.
    if (/^(?:jdbc:)?[a-z][a-z0-9+.-]*:\/\//i.test(dsn)) {
      fail(`it begins with a scheme other than mysql:// and mariadb://; write it as ${example}`);
    }
    fail(
      "what stands between the last @ and the last / is no address; tcp(host:3306) or " +
        "unix(/a/socket) is allowed, and a / in a parameter is written %2F",
    );
  }
  const [, protocol = "", place = ""] = address;
  return {
    user,
    password,
    database: decodePart(database, refuse),
    parameters: parseParameters(query, refuse),
    ...(protocol === "unix"
      ? { ...addressOf({ host: "", port: undefined }), socketPath: place || "/tmp/mysql.sock" }
      : addressOf(parsePlace(place, refuse))),
  };
}

function splitUri(text: string): Parts {
  const { user, password, places, path, parameters } = parseServerUri(text, uriSchemes, refuse);
  const [place, ...others] = places;
  if (others.length > 0) fail("it names several hosts; one is allowed");
  return { user, password, database: path, parameters, ...addressOf(place!) };
}

function addressOf({ host, port }: ServerPlace): Pick<Parts, "host" | "port" | "socketPath"> {
  return { host: host || "127.0.0.1", port: port ?? defaultPort, socketPath: undefined };
}

function readTls(value: string, settings: Settings): void {
  if (value === "skip-verify") settings.tls = "unverified";
  else if (value === "preferred") settings.tls = "preferred";
  else if (/^(?:true|TRUE|True|1)$/.test(value)) settings.tls = "verified";
  else if (/^(?:false|FALSE|False|0)$/.test(value)) {
    if (settings.caPem !== undefined) {
      fail(`tls is ${value}, but MYSQL_CA_PEM_FILE turns TLS on; leave one of them out`);
    }
    settings.tls = "off";
  } else if (settings.caPem === undefined) {
    // Go programs register a set of certificates under a name of their own.
    fail(
      `tls is ${value}; true, false, skip-verify and preferred are allowed, and another name only ` +
        "where MYSQL_CA_PEM_FILE gives the certificates",
    );
  }
}

function readQueryTimeout(value: string, settings: Settings, name: string): void {
  // Without an end a server that hangs would hang Valet.
  settings.queryTimeoutMs = readDuration(name, value) || settings.queryTimeoutMs;
}

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a duration as Go writes it. */
function readDuration(name: string, value: string): number {
  if (value === "0") return 0;
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== value) {
    fail(`${name} is ${value}; a duration such as 500ms, 30s or 1m30s is allowed`);
  }
  return Math.ceil(
    parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitsMs[unit!]!, 0),
  );
}

function readBoolean(name: string, value: string): boolean {
  if (/^(?:true|TRUE|True|1)$/.test(value)) return true;
  if (/^(?:false|FALSE|False|0)$/.test(value)) return false;
  fail(`${name} is ${value}; true or false is allowed`);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function refuse(problem: string): never {
  return fail(`it ${problem}`);
}

function fail(problem: string): never {
  throw new ValetError("invalid_config", `Cannot read MYSQL_DSN: ${problem}`);
}
