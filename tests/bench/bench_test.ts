import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Figure, formatComparison, formatTable, medianFigures } from "../../bench/figure.ts";
import { checkOut } from "../../bench/source.ts";

const post = { name: "POST", plain: "9,000 /s, bare 10,000 /s", unit: "H" } as const;
const start: Figure = { name: "start", plain: "", value: 50, unit: "ms", isLessBetter: true };

Deno.test("medianFigures takes the median round of each figure, with its plain text", () => {
  const rounds = [3, 1, 2].map((value): Figure[] => [
    { ...post, value, plain: `round of ${value}` },
    start,
  ]);
  assert.deepEqual(medianFigures(rounds), [{ ...post, value: 2, plain: "round of 2" }, start]);
  assert.deepEqual(medianFigures([]), []);
});

Deno.test("formatTable prints medians beside what was measured", () => {
  assert.equal(
    formatTable([{ ...post, value: 0.9 }]),
    [
      "| scenario | median | measured                 |",
      "| -------- | ------ | ------------------------ |",
      "| POST     | 0.9 H  | 9,000 /s, bare 10,000 /s |",
    ].join("\n"),
  );
});

Deno.test("formatComparison names what has fallen by more than 10 %, and nothing else", () => {
  const compare = (before: Figure[], now: Figure[]) => formatComparison("abc", before, now);
  const text = compare(
    [{ ...post, value: 1 }, start],
    [{ ...post, value: 0.8 }, { ...start, value: 56 }, { ...post, name: "new", value: 1 }],
  );
  assert.match(text, /^\| scenario \| abc {3}\| now {3}\| change \|/);
  assert.match(text, /^\| POST {5}\| 1 H {3}\| 0\.8 H \| -20 %/m);
  assert.match(text, /^\| new {6}\| {7}\| 1 H {3}\| {8}\|/m);
  assert.ok(text.endsWith(
    "Fallen by more than 10 %:\n" +
      "  POST: 1 H -> 0.8 H (-20 %)\n" +
      "  start: 50 ms -> 56 ms (+12 %)",
  ));
  const better = [{ ...post, value: 1.5 }, { ...start, value: 20 }];
  const slightlyWorse = [{ ...post, value: 0.91 }, { ...start, value: 54 }];
  for (const now of [better, slightlyWorse]) {
    assert.match(compare([{ ...post, value: 1 }, start], now), /\nNothing has fallen/);
  }
});

Deno.test("deno task bench refuses what it cannot measure, in one line", async () => {
  const main = fileURLToPath(import.meta.resolve("../../bench/main.ts"));
  const refusals: [string[], RegExp][] = [
    [["post", "nope"], /^Cannot measure: nope is not known; allowed: disk, post, /],
    [["--against", "no-such"], /^Cannot find the commit no-such in this repository\n$/],
    [["--agin", "HEAD"], /^Cannot measure: Unknown option '--agin'/],
  ];
  for (const [args, message] of refusals) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--no-prompt", "--allow-all", main, ...args],
      env: { NO_COLOR: "1" },
    }).output();
    assert.match(new TextDecoder().decode(stderr), message);
    assert.equal(code, 2);
  }
});

Deno.test({
  name: "checkOut builds a commit in a folder of its own, which goes with it",
  // The reason: sources that were not cloned have no commits.
  ignore: !await isRepository(),
  async fn() {
    const source = await checkOut("HEAD");
    assert.match(source.name, /^[0-9a-f]{7,}$/);
    assert.ok((await Deno.stat(new URL("bench/bench_server.ts", source.root))).isFile);
    await source[Symbol.asyncDispose]();
    await assert.rejects(Deno.stat(source.root), Deno.errors.NotFound);
  },
});

async function isRepository(): Promise<boolean> {
  const root = fileURLToPath(import.meta.resolve("../../"));
  const git = new Deno.Command("git", { args: ["-C", root, "rev-parse", "HEAD"] });
  return await git.output().then(({ success }) => success, () => false);
}
