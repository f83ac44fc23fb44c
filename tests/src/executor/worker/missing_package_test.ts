import assert from "node:assert/strict";
import { thrownReason } from "../../../../src/executor/worker/failure_text.ts";
import { missingPackageReason } from "../../../../src/executor/worker/missing_package.ts";

Deno.test("missingPackageReason says what to do about a package that is not there", () => {
  const cases: [message: string, reason: string][] = [
    [
      'Import "@scope/x/sub" not a dependency and not in import map from "file:///tasks/a.ts"',
      'imports "@scope/x/sub", which deno.json does not name; run: deno add npm:@scope/x',
    ],
    [
      'Failed loading https://packages.example/@scope%2fx for package "@scope/x"\n' +
      '    0: npm package not found in cache: "@scope/x", --cached-only is specified.',
      "imports the package @scope/x, which is not installed; run: deno install, " +
      "or for a new package: deno add npm:@scope/x",
    ],
    [
      "Could not find a matching package for 'npm:@scope/x@1.3.0' in the node_modules directory. Ensure you have",
      "imports the package @scope/x, which is not installed; run: deno install, " +
      "or for a new package: deno add npm:@scope/x",
    ],
    [
      "JSR package manifest for '@std/fs' failed to load. Specifier not found in cache: " +
      '"https://modules.example/@std/fs/meta.json", --cached-only is specified.',
      "imports the package @std/fs, which is not installed; run: deno add jsr:@std/fs",
    ],
    [
      'Specifier not found in cache: "https://esm.sh/left-pad", --cached-only is specified.',
      "imports https://esm.sh/left-pad, which is not on this machine; " +
      "run: deno cache https://esm.sh/left-pad",
    ],
    [
      "Could not find constraint 'left-pad@1.3.0' in the list of packages.",
      "imports the package left-pad, which this executable does not contain; " +
      "run: deno add npm:left-pad, import it by this name, and compile again",
    ],
  ];
  for (const [message, reason] of cases) {
    assert.equal(missingPackageReason(message), reason);
    assert.equal(thrownReason(new TypeError(message)), reason);
  }
  assert.equal(missingPackageReason('Failed loading https://h/ for package "x"'), undefined);
});

Deno.test("missingPackageReason knows the words of this Deno", async () => {
  const specifier = "no-such-package";
  const refusal = await import(specifier).catch((error) => error as Error);
  assert.match(missingPackageReason(refusal.message)!, /run: deno add npm:no-such-package$/);
});
