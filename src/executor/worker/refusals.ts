// How the globals of a worker are replaced, and what a task is told where it asks for something that no task can have.

/** A function that throws, also as a constructor. `wayOut`: what to do in its place. */
export function refuse(name: string, wayOut = ""): () => never {
  return function () {
    throw new Error(`${name}() is not available to a task${wayOut && `: ${wayOut}`}`);
  };
}

/**
 * Puts a value in the place of a global's own property. Tasks can assign to it again, since libraries do: Valet's
 * code has captured what it uses.
 */
export function replace(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}

/** The same for several functions, all refused. `owner`: how a task names the target. */
export function refuseAll(target: object, owner: string, names: readonly string[]): void {
  for (const name of names) replace(target, name, refuse(`${owner}.${name}`));
}

/** Replaces a function by one that calls it. The new one has its properties, such as `util.promisify.custom`. */
export function replaceFunction(
  target: object,
  name: string,
  // deno-lint-ignore no-explicit-any -- whatever the function takes and gives
  replacement: (real: any) => (...values: any[]) => unknown,
): void {
  const real = Reflect.get(target, name) as (...values: never[]) => unknown;
  const properties = Object.getOwnPropertyDescriptors(real);
  replace(target, name, Object.defineProperties(replacement(real), properties));
}
