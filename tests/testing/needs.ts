// What tests need of the machine beside Deno, by name. A test file that needs something declares its tests with
// testNeeding; tools/test_setup.ts installs what is missing before any test starts. A new need is one entry here.

/** Something that tests need. */
export interface Need {
  /** For people. */
  readonly title: string;
  readonly debianPackage: string;
  /** What must be there, each by its path, in which one folder may be `*`, or by its name on the PATH. */
  readonly programs: readonly string[];
  /** A test file that imports one of these files of tests/testing needs it; none: only tests/packages does. */
  readonly importedAs: readonly string[];
}

/** Everything that tests can need. */
export const needs = {
  mariadb: {
    title: "MariaDB",
    debianPackage: "mariadb-server",
    programs: ["mariadbd", "mariadb-install-db"],
    importedAs: ["mariadb_server.ts", "store_servers.ts"],
  },
  rabbitmq: {
    title: "RabbitMQ",
    debianPackage: "rabbitmq-server",
    // The server itself: the wrapper on the PATH would run it as another user.
    programs: ["/usr/lib/rabbitmq/bin/rabbitmq-server", "epmd"],
    importedAs: ["rabbitmq_server.ts", "store_servers.ts"],
  },
  postgresql: {
    title: "PostgreSQL",
    debianPackage: "postgresql",
    // A folder for each version; none of them is on the PATH.
    programs: ["/usr/lib/postgresql/*/bin/initdb"],
    importedAs: [],
  },
  redis: {
    title: "Redis",
    debianPackage: "redis-server",
    programs: ["redis-server"],
    importedAs: [],
  },
} as const satisfies Readonly<Record<string, Need>>;

/** One of {@link needs}. */
export type NeedName = keyof typeof needs;

/** Whether the machine has it. */
export function isInstalled(name: NeedName): boolean {
  return needs[name].programs.every(hasProgram);
}

/** Whether there is such a program; see {@link findProgram}. */
export function hasProgram(program: string): boolean {
  return findProgram(program) !== null;
}

/** The path of a program of that name on the PATH, or at that path, in which one folder may be `*`; else null. */
export function findProgram(program: string): string | null {
  for (const path of pathsOf(program)) {
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch {
      // Not there, or not for this user.
    }
  }
  return null;
}

function pathsOf(program: string): string[] {
  if (!program.includes("/")) {
    return (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/${program}`);
  }
  const [before, after] = program.split("*");
  if (before === undefined || after === undefined) return [program];
  try {
    return Array.from(Deno.readDirSync(before), ({ name }) => `${before}${name}${after}`);
  } catch {
    return []; // There is no such folder.
  }
}

/** `Deno.test` for tests that need all of these; where one is missing, they are ignored, each by its name. */
export function testNeeding(...names: readonly NeedName[]): typeof Deno.test {
  if (names.every(isInstalled)) return Deno.test;
  // The reason: what they need is missing. Hooks would run all the same, and would miss it.
  const ignore = (...test: Parameters<typeof Deno.test>) => Deno.test.ignore(...test);
  return Object.assign(ignore, Deno.test, { beforeAll() {}, afterAll() {} });
}
