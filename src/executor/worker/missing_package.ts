// What Deno says of an import of a package that is not installed, in words that say what to do. Used for what a task
// throws and for modules that cannot be loaded. Pure.

/** As it stands in an error of Deno, and what is then true of it. */
const forms: readonly (readonly [RegExp, (specifier: string, name: string) => string])[] = [
  [
    /^Import "([^"]+)" not a dependency/,
    (specifier, name) =>
      `imports "${specifier}", which deno.json does not name; run: deno add npm:${name}`,
  ],
  [
    /\bfor package "([^"]+)"[^]*--cached-only|^Could not find a matching package for 'npm:([^']+)'/,
    (_specifier, name) =>
      `imports the package ${name}, which is not installed; run: deno install, ` +
      `or for a new package: deno add npm:${name}`,
  ],
  [
    /^JSR package manifest for '([^']+)'/,
    (specifier) =>
      `imports the package ${specifier}, which is not installed; run: deno add jsr:${specifier}`,
  ],
  [
    /\bnot found in cache: "(https?:[^"]+)"/,
    (specifier) =>
      `imports ${specifier}, which is not on this machine; run: deno cache ${specifier}`,
  ],
  [
    /^Could not find constraint '([^']+)' in the list of packages/,
    (_specifier, name) =>
      `imports the package ${name}, which this executable does not contain; ` +
      `run: deno add npm:${name}, import it by this name, and compile again`,
  ],
];

/** The reason in place of Deno's message; undefined: that is about something else. */
export function missingPackageReason(message: string): string | undefined {
  for (const [pattern, reasonOf] of forms) {
    const specifier = pattern.exec(message)?.slice(1).find((part) => part !== undefined);
    if (specifier === undefined) continue;
    const name = /^(?:@[^/]+\/)?[^/@]+/.exec(specifier)?.[0] ?? specifier;
    return reasonOf(specifier, name);
  }
  return undefined;
}
