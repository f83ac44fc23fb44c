// Values that are there at once or come later. Where both are frequent, an `await` would cost a reader of
// what is in memory a turn of the microtask queue on each level.

/** A value, or the promise of it. */
export type MaybePromise<Value> = Value | Promise<Value>;

/** What `use` makes of the value: at once if that is there, else later. */
export function whenReady<Value, Result>(
  value: MaybePromise<Value>,
  use: (value: Value) => MaybePromise<Result>,
): MaybePromise<Result> {
  return value instanceof Promise ? value.then(use) : use(value);
}
