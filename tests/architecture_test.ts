// Reads the sources and holds them to the rules of src/README.md: who may import whom, how long a file
// may be, what it may be called, what must be said about an export. Tasks of users and their tests are not judged.

import assert from "node:assert/strict";
import denoConfig from "../deno.json" with { type: "json" };
import { queues, repositories } from "../drivers/mod.ts";
import { needs } from "./testing/needs.ts";

/** A source file: `path` is relative to the checkout, `lines` has no line breaks. */
interface Source {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  /** Paths of the checkout (`src/jobs/job.ts`) and specifiers of packages (`hono/cors`, `node:path`). */
  readonly imports: readonly string[];
}

const checkout = new URL("../", import.meta.url);
const folders = ["bench", "drivers", "src", "tasks", "tests", "tools"];
/** What users write: of these two folders everything that did not come along. */
const ofUsers = /^(?:tasks\/(?!shipped\/|worker\.ts$)|tests\/tasks\/(?!shipped\/))/;
const maxLineCount = 400;
/**
 * Functions, classes and constants that a file exports; types are not counted, they only describe these. A
 * short file may hold a whole vocabulary of small functions.
 */
const maxExportCount = 4;
const maxExportCountOfShortFile = 10;
const shortFileLineCount = 140;
/** Folders above a file, the top one included. */
const maxDepth = 4;
const bannedNames = ["base", "common", "helpers", "index", "manager", "misc", "types", "utils"];

const sources = await readSources();
const shipped = sources.filter(({ path }) => /^(?:main\.ts|src\/|drivers\/|tasks\/)/.test(path));

async function readSources(): Promise<Source[]> {
  const paths = ["main.ts"];
  for (const folder of folders) await addPaths(folder, paths);
  return await Promise.all(
    paths.filter((path) => !ofUsers.test(path)).sort().map(async (path) => {
      const text = await Deno.readTextFile(new URL(path, checkout));
      return { path, text, lines: text.split("\n"), imports: importsOf(path, text) };
    }),
  );
}

async function addPaths(folder: string, paths: string[]): Promise<void> {
  for await (const entry of Deno.readDir(new URL(`${folder}/`, checkout))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) await addPaths(path, paths);
    else if (path.endsWith(".ts")) paths.push(path);
  }
}

/** Static, re-exporting and dynamic imports, of types too. An import in a comment or a text may count. */
function importsOf(path: string, text: string): string[] {
  const forms =
    /^(?:import|export)\b[^;"']*?\bfrom "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm;
  return [...text.matchAll(forms)].map(([, from, bare, dynamic]) => {
    const specifier = (from ?? bare ?? dynamic) as string;
    if (!specifier.startsWith(".")) return specifier;
    return new URL(specifier, new URL(path, checkout)).href.slice(checkout.href.length);
  });
}

/** Fails with every violation, each on its line. */
function assertNone(violations: readonly string[]): void {
  assert.equal(violations.length, 0, `\n${violations.join("\n")}`);
}

/** The imports that the rule does not allow, as `a.ts imports b.ts`. */
function forbiddenImports(isAllowed: (path: string, imported: string) => boolean): string[] {
  return shipped.flatMap(({ imports, path }) =>
    imports.filter((imported) => !isAllowed(path, imported))
      .map((imported) => `${path} imports ${imported}`)
  );
}

Deno.test("architecture: drivers import only the ports and what belongs to them", () => {
  const allowed = /^(?:drivers\/|src\/(?:jobs\/|log\/|(?:errors|clock)\.ts$))/;
  assertNone(
    forbiddenImports((path, imported) =>
      !path.startsWith("drivers/") || allowed.test(imported) || !isOurs(imported)
    ),
  );
});

Deno.test("architecture: src imports neither drivers nor tasks", () => {
  assertNone(
    forbiddenImports((path, imported) =>
      // Nor deno.json, which an npm package made by `deno pack` does not have.
      !path.startsWith("src/") || !isOurs(imported) || imported.startsWith("src/")
    ),
  );
});

Deno.test("architecture: only the module of the workers imports the tasks", () => {
  assertNone(
    forbiddenImports((path, imported) =>
      path.startsWith("tasks/")
        ? imported !== "tasks/mod.ts" || path === "tasks/worker.ts"
        : !imported.startsWith("tasks/")
    ),
  );
});

Deno.test("architecture: the worker's module imports the tasks and what runs them", () => {
  const allowed = /^(?:tasks\/mod\.ts$|src\/executor\/worker\/)/;
  assertNone(
    forbiddenImports((path, imported) => path !== "tasks/worker.ts" || allowed.test(imported)),
  );
});

Deno.test("architecture: what runs beside task code imports nothing of the server's side", () => {
  assertNone(
    forbiddenImports((path, imported) =>
      !/^src\/executor\/(?:worker|wire)\//.test(path) ||
      !imported.startsWith("src/executor/host/")
    ),
  );
});

Deno.test("architecture: tasks import nothing of Valet but src/tasks/task.ts", () => {
  assertNone(
    forbiddenImports((path, imported) =>
      !path.startsWith("tasks/") || path === "tasks/worker.ts" || !isOurs(imported) ||
      imported.startsWith("tasks/") || imported === "src/tasks/task.ts"
    ),
  );
});

Deno.test("architecture: nothing that ships imports tests, tools or benchmarks", () => {
  assertNone(forbiddenImports((_path, imported) => !/^(?:bench|tests|tools)\//.test(imported)));
});

Deno.test("architecture: a package is imported only where it belongs", () => {
  const places: Record<string, string> = {
    "@hono": "src/http/",
    amqplib: "drivers/queues/rabbitmq/",
    hono: "src/http/",
    mysql2: "drivers/repositories/mysql/",
  };
  assertNone(forbiddenImports((path, imported) => {
    const place = places[imported.split("/")[0] as string];
    return place === undefined || path.startsWith(place);
  }));
});

Deno.test("architecture: every package is named in deno.json, with its exact version", () => {
  const named: Record<string, string> = denoConfig.imports;
  assertNone(sources.flatMap(({ imports, path }) => {
    // These have a deno.json of their own.
    if (path.startsWith("tests/packages/")) return [];
    return imports.flatMap((imported) => {
      if (isOurs(imported) || imported.startsWith("node:")) return [];
      const name = Object.keys(named).find((name) => `${imported}/`.startsWith(`${name}/`));
      if (name === undefined) return [`${path} imports ${imported}, which deno.json does not name`];
      const target = named[name]!;
      return /^npm:(?:@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+$/.test(target)
        ? []
        : [`deno.json maps ${name} to ${target}, which is no exact version`];
    });
  }));
});

Deno.test("architecture: the lock of tests/packages knows the packages of deno.json", async () => {
  const lock = JSON.parse(await Deno.readTextFile(new URL("tests/packages/deno.lock", checkout)));
  const [linked] = Object.values<{ dependencies: string[] }>(lock.workspace.links);
  const locked = new Set(linked!.dependencies);
  const named: Record<string, string> = denoConfig.imports;
  const imported = new Set(
    sources.filter(({ path }) => !path.startsWith("tests/packages/"))
      .flatMap(({ imports }) => imports),
  );
  // Not those that tasks of users import.
  const own = Object.keys(named).filter((name) => imported.has(name)).map((name) => named[name]!);
  const stale = [...locked.difference(new Set(Object.values(named)))];
  const absent = own.filter((target) => !locked.has(target));
  assert.deepEqual([stale, absent], [[], []], "they differ: run `deno install` in tests/packages");
});

Deno.test("architecture: no import of what ships goes in a circle", () => {
  const importsByPath = new Map(shipped.map(({ imports, path }) => [path, imports]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      return;
    }
    if (done.has(path)) return;
    for (const next of importsByPath.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of importsByPath.keys()) visit(path, []);
  assertNone(circles);
});

Deno.test("architecture: a file is short", () => {
  assertNone(
    sources.filter(({ lines }) => lines.length - 1 > maxLineCount)
      .map(({ lines, path }) => `${path} has ${lines.length - 1} lines, at most ${maxLineCount}`),
  );
});

Deno.test("architecture: a shipped file exports few things and re-exports nothing", () => {
  assertNone(shipped.flatMap(({ lines, path, text }) => {
    const count = lines.filter((line) =>
      /^export (?:default |abstract |async )*(?:function|class|const|let)\b/.test(line)
    ).length;
    const isShort = lines.length - 1 <= shortFileLineCount;
    const maxCount = isShort ? maxExportCountOfShortFile : maxExportCount;
    // The front of the package is the one place that gathers what users import.
    const reExports = path === "main.ts"
      ? []
      : text.match(/^export (?:type )?[*{][^;]*? from "/gm) ?? [];
    return [
      ...(count > maxCount ? [`${path} exports ${count} things, at most ${maxCount}`] : []),
      ...reExports.map((line) =>
        `${path} re-exports: ${line}`
      ),
    ];
  }));
});

Deno.test("architecture: files and folders have telling names and lie at most four folders deep", () => {
  assertNone(sources.flatMap(({ path }) => {
    const parts = path.replace(/\.ts$/, "").split("/");
    const badParts = parts.filter((part) =>
      !/^[a-z][a-z0-9_]*$/.test(part) || bannedNames.includes(part.replace(/_test$/, ""))
    );
    return [
      ...badParts.map((part) => `${path}: ${part} is no name for a file or folder`),
      ...(parts.length - 1 > maxDepth ? [`${path} lies too deep`] : []),
    ];
  }));
});

Deno.test("architecture: a shipped file opens with one to four lines that say what it is for", () => {
  assertNone(
    shipped.filter(({ lines }) => {
      const length = lines.findIndex((line) => !line.startsWith("// "));
      return length < 1 || length > 4;
    }).map(({ path }) => `${path} does not open with a comment of one to four lines`),
  );
});

Deno.test("architecture: every export has a doc comment", () => {
  assertNone(shipped.flatMap(({ lines, path }) =>
    lines.flatMap((line, index) => {
      if (!/^export (?!\{|\*|type \{)/.test(line)) return [];
      const above = lines.slice(0, index).findLast((line) => !line.startsWith("// deno-lint-"));
      return above?.endsWith("*/") ? [] : [`${path}:${index + 1} has no doc comment: ${line}`];
    })
  ));
});

Deno.test("architecture: a number that is a time or a size says its unit in its name", () => {
  // A word for a time or a size at the very end of the name: no unit follows.
  const bare =
    /\b(\w*(?:[aA]ge|[bB]ackoff|[dD]eadline|[dD]elay|[dD]uration|[gG]race|[iI]nterval|[lL]atency|[mM]emory|[sS]ize|[tT]imeout|[tT]ime))\??: number\b/;
  const namesOfTheApi = ["uptime"];
  assertNone(shipped.flatMap(({ lines, path }) =>
    lines.flatMap((line, index) => {
      const name = bare.exec(line)?.[1];
      const isFine = name === undefined || namesOfTheApi.includes(name);
      return isFine ? [] : [`${path}:${index + 1} ${name}: number`];
    })
  ));
});

Deno.test("architecture: every driver of the registry runs its conformance suite", () => {
  const conformanceOf = (name: string, port: string) =>
    sources.some(({ path, text }) =>
      new RegExp(`^tests/drivers/[a-z]+/${name}(?:/${port})?_test\\.ts$`).test(path) &&
      new RegExp(`^ *${port}Conformance\\(\\{ *\\n? *name: "${name}"`, "m").test(text)
    );
  assertNone([
    ...Object.keys(repositories).filter((name) => !conformanceOf(name, "repository")),
    ...Object.keys(queues).filter((name) => !conformanceOf(name, "queue")),
  ].map((name) => `no test file of the driver ${name} runs its conformance suite`));
});

Deno.test("architecture: no test runs alone, and every skip states its reason", () => {
  const tests = sources.filter(({ path }) => path.startsWith("tests/"));
  assertNone(tests.flatMap(({ lines, path }) =>
    lines.flatMap((line, index) => {
      if (/\.only\(|\bonly: /.test(line)) {
        return [`${path}:${index + 1} runs alone: ${line.trim()}`];
      }
      if (!/\.ignore\(|^\s*ignore\b/.test(line)) return [];
      const hasReason = /\/\/ |[rR]eason/.test(`${lines[index - 1]}${line}${lines[index + 1]}`);
      return hasReason ? [] : [`${path}:${index + 1} skips without a reason: ${line.trim()}`];
    })
  ));
});

Deno.test("architecture: a test file that starts a server says what its tests need", () => {
  const servers = Object.values(needs).flatMap(({ importedAs }) => importedAs);
  assertNone(
    sources.filter(({ path, imports, text }) =>
      path.endsWith("_test.ts") && !/testNeeding\(|testOn\(/.test(text) &&
      servers.some((file) => imports.includes(`tests/testing/${file}`))
    ).map(({ path }) => `${path} declares no test with testNeeding`),
  );
});

/** Whether the import is a file of this checkout, not a package. */
function isOurs(imported: string): boolean {
  return imported === "main.ts" || imported === "deno.json" ||
    folders.includes(imported.split("/")[0] as string);
}
