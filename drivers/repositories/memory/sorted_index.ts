// A list that keeps itself in order: the indexes of the memory repository.
// Adding and removing at either end costs next to nothing, in between a binary search; reading starts
// anywhere. It never looks at all of its items.

/** Items a chunk holds before it is split: a splice inside it moves 4 KiB at most. */
const chunkLength = 512;

/**
 * Distinct items in ascending order. `Key` is what an order needs to know of an item, so that a
 * reader can start at a key that belongs to no item. What the order looks at must not change while
 * the item is in the index.
 */
export class SortedIndex<Item extends Key, Key = Item> {
  readonly #isBefore: (a: Key, b: Key) => boolean;
  /** Ascending and never empty, so that the first item of each tells where a key belongs. */
  readonly #chunks: Item[][] = [];
  #size = 0;

  /** An empty index in that order. */
  constructor(isBefore: (a: Key, b: Key) => boolean) {
    this.#isBefore = isBefore;
  }

  /** How many items there are. */
  get size(): number {
    return this.#size;
  }

  /** Adds an item that is not in the index. */
  add(item: Item): void {
    this.#size++;
    const last = this.#chunks.at(-1);
    // Items come nearly in order: most belong at the end.
    if (last === undefined || this.#isBefore(last[last.length - 1]!, item)) {
      if (last === undefined || last.length === chunkLength) this.#chunks.push([item]);
      else last.push(item);
      return;
    }
    const at = this.#findChunk(item);
    const chunk = this.#chunks[at]!;
    chunk.splice(this.#findPosition(chunk, item), 0, item);
    if (chunk.length > chunkLength) this.#split(at, chunk);
  }

  /** Removes an item that is in the index. */
  remove(item: Item): void {
    this.#size--;
    // What came first mostly leaves first.
    const at = this.#chunks[0]?.[0] === item ? 0 : this.#findChunk(item);
    const chunk = this.#chunks[at]!;
    if (chunk[0] === item) chunk.shift();
    else chunk.splice(this.#findPosition(chunk, item), 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** The first item. */
  first(): Item | undefined {
    return this.#chunks[0]?.[0];
  }

  /** The items from the first one, or the first after `after`, on. The index must not change meanwhile. */
  *ascending(after?: Key): Generator<Item, void> {
    let at = after === undefined ? 0 : this.#findChunk(after);
    let position = after === undefined ? 0 : this.#findPositionAfter(this.#chunks[at], after);
    for (let chunk = this.#chunks[at]; chunk !== undefined; chunk = this.#chunks[++at]) {
      while (position < chunk.length) yield chunk[position++]!;
      position = 0;
    }
  }

  /** The items from the last one, or the last before `before`, down. The index must not change meanwhile. */
  *descending(before?: Key): Generator<Item, void> {
    let at = before === undefined ? this.#chunks.length - 1 : this.#findChunk(before);
    for (let chunk = this.#chunks[at]; chunk !== undefined; chunk = this.#chunks[--at]) {
      let position = before === undefined ? chunk.length : this.#findPosition(chunk, before);
      while (position-- > 0) yield chunk[position]!;
    }
  }

  /** The last chunk that does not begin after the key; the first one if all do. */
  #findChunk(key: Key): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    // Keys come nearly in order: look at the last chunk first.
    let middle = high;
    while (low < high) {
      if (this.#isBefore(key, this.#chunks[middle]![0]!)) high = middle - 1;
      else low = middle;
      middle = (low + high + 1) >>> 1;
    }
    return low;
  }

  /** How many items of the chunk come before the key. */
  #findPosition(chunk: readonly Item[], key: Key): number {
    let low = 0;
    let high = chunk.length;
    // Likewise: look at the last item first.
    let middle = high - 1;
    while (low < high) {
      if (this.#isBefore(chunk[middle]!, key)) low = middle + 1;
      else high = middle;
      middle = (low + high) >>> 1;
    }
    return low;
  }

  #findPositionAfter(chunk: readonly Item[] = [], key: Key): number {
    const position = this.#findPosition(chunk, key);
    const isFound = position < chunk.length && !this.#isBefore(key, chunk[position]!);
    return isFound ? position + 1 : position;
  }

  #split(at: number, chunk: Item[]): void {
    this.#chunks.splice(at + 1, 0, chunk.splice(chunkLength >>> 1));
  }
}
