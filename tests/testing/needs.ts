// What tests need of the machine beside Deno, by name. A test file that needs something declares its tests with
// testNeeding; tools/test_setup.ts installs what is missing before any test starts. A new need is one entry here.

/** Something that tests need. */
export interface Need {
  /** For people. */
  readonly title: string;
  readonly debianPackage: string;
  /** What must be there, each by its path or by its name on the PATH. */
  readonly programs: readonly string[];
  /** A test file that imports one of these files of tests/testing needs it. */
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
} as const satisfies Readonly<Record<string, Need>>;

/** One of {@link needs}. */
export type NeedName = keyof typeof needs;

/** Whether the machine has it. */
export function isInstalled(name: NeedName): boolean {
  return needs[name].programs.every(hasProgram);
}

/** Whether there is a program of that name on the PATH, or at that path. */
export function hasProgram(program: string): boolean {
  const folders = program.includes("/") ? [""] : (Deno.env.get("PATH") ?? "").split(":");
  return folders.some((folder) => {
    try {
      return Deno.statSync(folder === "" ? program : `${folder}/${program}`).isFile;
    } catch {
      return false; // Not there, or not for this user.
    }
  });
}

/** `Deno.test` for tests that need all of these; where one is missing, they are ignored, each by its name. */
export function testNeeding(...names: readonly NeedName[]): typeof Deno.test {
  if (names.every(isInstalled)) return Deno.test;
  // The reason: what they need is missing. Hooks would run all the same, and would miss it.
  const ignore = (...test: Parameters<typeof Deno.test>) => Deno.test.ignore(...test);
  return Object.assign(ignore, Deno.test, { beforeAll() {}, afterAll() {} });
}
