// Wraps a driver so that a test can make single methods of it fail or wait.

/** The same object but for the given methods; the others go to the original. */
export function replaceMethods<Port extends object>(port: Port, methods: Partial<Port>): Port {
  return new Proxy(port, {
    get(target, name) {
      const own = methods[name as keyof Port];
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
