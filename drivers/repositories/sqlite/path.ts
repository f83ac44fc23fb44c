// Why a path cannot be that of a SQLite repository, told in one clear error. Loaded by repository.ts and
// file.ts only to check or when opening has failed: Node's modules cost a process 45 ms and 10 MB.

import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type ErrorCode, errorMessage, ValetError } from "../../../src/errors.ts";

/**
 * Sees whether a database can be there, and leaves everything as it is.
 *
 * @throws ValetError `invalid_config` for a path without a folder, of a folder, or that Valet may not use.
 */
export function assertUsablePath(path: string): void {
  const fullPath = resolve(path);
  let reason: string | undefined;
  try {
    reason = problemOfPath(fullPath);
  } catch (thrown) {
    throw toValetError(thrown, fullPath);
  }
  if (reason !== undefined) throw cannotOpen("invalid_config", fullPath, reason);
}

/** What opening the path threw, as a ValetError; the path itself is the first suspect. */
export function openError(thrown: unknown, path: string): ValetError {
  if (thrown instanceof ValetError) return thrown;
  try {
    assertUsablePath(path);
  } catch (problem) {
    return problem as ValetError;
  }
  return toValetError(thrown, resolve(path));
}

function problemOfPath(path: string): string | undefined {
  const folder = dirname(path);
  if (!isFolder(folder)) return `there is no folder ${folder}; make it first`;
  if (isFolder(path)) return "it is a folder; the path of a file is allowed";
  if (!isWritable(folder) || (isThere(path) && !isWritable(path))) return readOnlyReason;
  return undefined;
}

const readOnlyReason = "the file or its folder is read-only; Valet must be able to write both";

const knownProblems: readonly {
  readonly part: string;
  readonly code: ErrorCode;
  readonly reason: string;
}[] = [
  {
    part: "database is locked",
    code: "failed_precondition",
    reason: "another process has locked it; end that process, or what it does with the file",
  },
  {
    part: "file is not a database",
    code: "invalid_config",
    reason: "the file is no SQLite database; a new file or one of Valet is allowed",
  },
  {
    part: "disk is full",
    code: "failed_precondition",
    reason: "the disk is full; make room and start again",
  },
  { part: "readonly database", code: "invalid_config", reason: readOnlyReason },
  {
    part: "not capable",
    code: "invalid_config",
    reason:
      "Valet may not use that path; a folder on a disk is allowed, and not /dev, /proc or /sys",
  },
];

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function toValetError(thrown: unknown, path: string): ValetError {
  const text = thrown instanceof Deno.errors.NotCapable ? "not capable" : errorMessage(thrown);
  const { code, reason } = knownProblems.find(({ part }) => text.includes(part)) ??
    { code: "failed_precondition", reason: text };
  return cannotOpen(code, path, reason, thrown);
}

function cannotOpen(code: ErrorCode, path: string, reason: string, cause?: unknown): ValetError {
  return new ValetError(code, `Cannot open the SQLite database ${path}: ${reason}`, { cause });
}
