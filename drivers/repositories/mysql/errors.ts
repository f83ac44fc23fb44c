// Tells what an error of mysql2 or of the server means. Called by server.ts, which sees every one.
// No message holds a secret: what the server and the network say names users and addresses only.

import { errorMessage, ValetError } from "../../../src/errors.ts";

/**
 * What to do about an error:
 *
 * - `lost`: the connection is of no more use; what became of the statement is unknown.
 * - `conflict`: the server has undone the statement in favour of another one; it can be repeated.
 * - `duplicate`: the id is taken.
 * - `too_large`: the statement is larger than a packet may be, or a value larger than a row or column.
 * - `unfit`: the tables cannot hold a value.
 * - `refused`: the server does not want this user or this way to connect, or lacks the database or its tables.
 * - `full`: there is no room to write, or the server is read-only.
 * - `other`: a fault of the driver or of the schema.
 */
export type MysqlFailure =
  | "lost"
  | "conflict"
  | "duplicate"
  | "too_large"
  | "unfit"
  | "refused"
  | "full"
  | "other";

/** The server's error numbers, which MySQL and MariaDB share, by what they mean. */
const failuresByNumber: ReadonlyMap<number, MysqlFailure> = new Map([
  // Too many connections, of all or of this user; shutdown; aborted, killed or idle for too long; offline.
  ...[1040, 1053, 1077, 1079, 1152, 1184, 1203, 1226, 1927, 3032, 4031]
    .map((number) => [number, "lost"] as const),
  // What the server could not read from or write to the network.
  ...[1042, 1043, 1081, 1156, 1157, 1158, 1159, 1160, 1161].map((number) =>
    [number, "lost"] as const
  ),
  // Lock wait timeout, deadlock, and a record that changed since it was read.
  ...[1020, 1205, 1213].map((number) => [number, "conflict"] as const),
  [1062, "duplicate"],
  // Packet, row or part of the redo log, result of a function, column.
  ...[1118, 1153, 1301, 1406].map((number) => [number, "too_large"] as const),
  // Out of range, cut, of a wrong type, characters that the column does not have, JSON.
  ...[1264, 1265, 1292, 1300, 1366, 3140, 3988, 4038].map((number) => [number, "unfit"] as const),
  // Rights, user, database, table, host, and ways to authenticate.
  ...[
    1044,
    1045,
    1049,
    1129,
    1130,
    1131,
    1142,
    1146,
    1227,
    1251,
    1524,
    1698,
    1820,
    1862,
    3118,
    3159,
    4151,
  ]
    .map((number) => [number, "refused"] as const),
  // Disk or table full, read-only, quota.
  ...[1021, 1030, 1114, 1290, 1792, 1836].map((number) => [number, "full"] as const),
]);

/** What mysql2 calls the ways in which client and server do not fit. */
const refusals = new Set([
  "AUTH_SWITCH_PLUGIN_ERROR",
  "HANDSHAKE_NO_SSL_SUPPORT",
  "HANDSHAKE_SSL_ERROR",
  "HANDSHAKE_UNKNOWN_ERROR",
]);

interface ForeignError {
  readonly errno?: unknown;
  readonly code?: unknown;
  readonly fatal?: unknown;
  readonly errors?: readonly unknown[];
}

/** What the error means. */
export function classifyError(error: unknown): MysqlFailure {
  const { code, errno, fatal, errors } = error as ForeignError;
  // What the engine itself says: 139 is a row that is too large, others are of the disk.
  if (Number(errno) === 1030 && /\berror 139\b/.test(errorMessage(error))) return "too_large";
  const failure = failuresByNumber.get(Number(errno));
  if (failure !== undefined) return failure;
  if (refusals.has(String(code))) return "refused";
  // Errors of the network have a code of the system, and one for each address if a name has several.
  const isOfNetwork = /^(?:E[A-Z_]+|PROTOCOL_[A-Z_]+)$/.test(String(code)) && !(Number(errno) > 0);
  return isOfNetwork || fatal === true || errors !== undefined ? "lost" : "other";
}

/** Why a server cannot be used, for people. */
export function reasonOf(error: unknown): string {
  const { code, errors } = error as ForeignError;
  if (code === "HANDSHAKE_NO_SSL_SUPPORT") {
    return "the server has no TLS; turn it on there, or leave out tls of MYSQL_DSN and MYSQL_CA_PEM_FILE";
  }
  if (code === "HANDSHAKE_SSL_ERROR") {
    return "the certificate of the server must be valid, name the host of MYSQL_DSN, and be signed by the " +
      "authority in MYSQL_CA_PEM_FILE or, without that, by one of the system: " +
      errorMessage(error);
  }
  const reasons = errors?.map(errorMessage).join(", ");
  return reasons || (error instanceof Error && error.message) || String(code ?? error);
}

/** The error as callers of the repository get it. `isOpening`: what is refused is then a matter of the config. */
export function toValetError(error: unknown, isOpening = false): ValetError {
  if (error instanceof ValetError) return error;
  const failure = classifyError(error);
  const reason = reasonOf(error);
  const options = { cause: error };
  switch (failure) {
    case "too_large":
      return new ValetError("too_large", `Cannot store in MySQL: ${reason}`, options);
    case "unfit":
      return new ValetError("invalid_argument", `Cannot store in MySQL: ${reason}`, options);
    case "duplicate":
      return new ValetError("already_exists", "Cannot store in MySQL: the id is taken", options);
    case "other":
      return new ValetError("internal", `Cannot use MySQL: ${reason}`, options);
    case "refused":
      if (isOpening) {
        return new ValetError("invalid_config", `Cannot open MySQL: ${reason}`, options);
      }
      return new ValetError("unavailable", `Cannot use MySQL: ${reason}`, options);
    case "conflict":
    case "full":
    case "lost":
      return new ValetError("unavailable", `Cannot use MySQL: ${reason}`, options);
  }
}

/** For what would not fit in a packet: names the limit. */
export function tooLargeError(what: string, bytes: number, maxPacketBytes: number): ValetError {
  return new ValetError(
    "too_large",
    `Cannot store ${what}: it takes ${bytes} bytes; max_allowed_packet of MySQL allows ` +
      maxPacketBytes,
  );
}
