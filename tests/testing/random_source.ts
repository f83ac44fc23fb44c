// Random choices that a seed repeats, for tests that must be able to make the same choices again.

/** Makes choices. */
export interface RandomSource {
  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number;
  /** True in that share of the calls, 0 to 1. */
  chance(share: number): boolean;
  /** One of the items, which must not be empty. */
  pick<Item>(items: readonly Item[]): Item;
  /** The items in another order. */
  shuffle<Item>(items: readonly Item[]): Item[];
}

/** Makes a source; the same seed, a 32-bit integer, makes the same choices. */
export function createRandom(seed: number): RandomSource {
  let state = seed | 0;
  /** Mulberry32: from 0 to less than 1. */
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const integer = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    integer,
    chance: (share) => next() < share,
    pick: (items) => items[integer(0, items.length - 1)]!,
    shuffle(items) {
      const shuffled = [...items];
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = integer(0, i);
        [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
      }
      return shuffled;
    },
  };
}
