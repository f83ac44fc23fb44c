import assert from "node:assert/strict";
import fc from "fast-check";
import { type Command, helpText, parseCommandLine } from "../../../src/node/command_line.ts";
import { ValetError } from "../../../src/errors.ts";

const accepted: readonly [args: string, command: Command][] = [
  ["", { name: "serve" }],
  ["serve", { name: "serve" }],
  ["--config a.yaml", { name: "serve", configPath: "a.yaml" }],
  ["--config=a.yaml", { name: "serve", configPath: "a.yaml" }],
  ["--config=-a.yaml", { name: "serve", configPath: "-a.yaml" }],
  ["-c a.yaml serve", { name: "serve", configPath: "a.yaml" }],
  ["-ca.yaml", { name: "serve", configPath: "a.yaml" }],
  ["-c a.yaml -c b.yaml", { name: "serve", configPath: "b.yaml" }],
  ["check", { name: "check", connects: false }],
  ["check --config a.yaml", { name: "check", configPath: "a.yaml", connects: false }],
  ["backup a.db", { name: "backup", filePath: "a.db" }],
  ["-c a.yaml backup -- -a.db", { name: "backup", configPath: "a.yaml", filePath: "-a.db" }],
  ["check --connect", { name: "check", connects: true }],
  ["--connect check -c a.yaml", { name: "check", configPath: "a.yaml", connects: true }],
  ["-- check", { name: "check", connects: false }],
  ["tasks", { name: "tasks" }],
  ["health -c a.yaml", { name: "health", configPath: "a.yaml" }],
  ["--config a.yaml tasks", { name: "tasks" }],
  ["run mailer", { name: "run", taskName: "mailer", assignments: [] }],
  ["-c a.yaml run mailer to=x -- -n=1", {
    name: "run",
    configPath: "a.yaml",
    taskName: "mailer",
    assignments: ["to=x", "-n=1"],
  }],
  ["--help", { name: "help" }],
  ["-h", { name: "help" }],
  ["chek --help", { name: "help" }],
  ["--version", { name: "version" }],
  ["--version --help", { name: "help" }],
];

for (const [args, command] of accepted) {
  Deno.test(`parseCommandLine reads "valet ${args}"`, () => {
    assert.deepEqual(parseCommandLine(args === "" ? [] : args.split(" ")), command);
  });
}

const refused: readonly [args: string, why: string][] = [
  ["--confg a.yaml", "--confg is no option; did you mean --config?"],
  ["--hlep", "--hlep is no option; did you mean --help?"],
  ["--no-config", "--no-config is no option; did you mean --config?"],
  ["--qqqqqq", "--qqqqqq is no option"],
  ["--toString", "--toString is no option"],
  ["-x", "-x is no option"],
  ["--config", "--config needs a file name"],
  ["--config=", "--config needs a file name"],
  ["--config --help", "--config needs a file name"],
  ["-c", "-c needs a file name"],
  ["--help=yes", "--help takes no value"],
  ["chek", '"chek" is no command; did you mean check?'],
  ["taks", '"taks" is no command; did you mean tasks?'],
  // main.ts starts a runner before the command line is parsed.
  ["runner", '"runner" is no command'],
  ["backup", "backup needs the name of the file to make"],
  ["backup a.db b.db", '"b.db" is one argument too many'],
  ["run", "run needs the name of a task"],
  ["run mailer --connect", "run takes no --connect"],
  ["check a.yaml", '"a.yaml" is one argument too many'],
];

for (const [args, why] of refused) {
  Deno.test(`parseCommandLine refuses "valet ${args}"`, () => {
    assert.throws(() => parseCommandLine(args.split(" ")), (error) => {
      assert.ok(error instanceof ValetError);
      assert.equal(error.code, "invalid_argument");
      assert.equal(
        error.message,
        `Cannot understand the command line: ${why} (valet --help shows what is allowed)`,
      );
      return true;
    });
  });
}

Deno.test("parseCommandLine gives a command or invalid_argument for any arguments", () => {
  const arg = fc.oneof(
    fc.string(),
    fc.constantFrom("--", "-", "-c", "--config", "-hc", "--help=", "serve", "--__proto__"),
  );
  fc.assert(fc.property(fc.array(arg), (args) => {
    try {
      assert.equal(typeof parseCommandLine(args).name, "string");
    } catch (error) {
      assert.ok(error instanceof ValetError && error.code === "invalid_argument", String(error));
    }
  }));
});

Deno.test("helpText names every public command, option and exit code, and not the runner", () => {
  for (
    const word of [
      "serve",
      "check",
      "health",
      "backup",
      "tasks",
      "run",
      "--config",
      "--help",
      "--version",
      "0",
      "1",
      "2",
    ]
  ) {
    assert.ok(helpText.includes(`  ${word} `) || helpText.includes(` ${word}`), word);
  }
  assert.doesNotMatch(helpText, /runner/);
  for (const line of helpText.split("\n")) assert.ok(line.length <= 84, line);
});
