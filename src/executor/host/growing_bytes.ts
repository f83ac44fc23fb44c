// Joins bytes that arrive in pieces. Used by a slot for a frame that is larger than one read.

/** A buffer that doubles when it is full, so that many pieces cost no more than their bytes. */
export class GrowingBytes {
  #buffer = new Uint8Array(0);
  #length = 0;

  /** Adds a piece at the end. Returns all that is held; the view is good until the next call. */
  append(piece: Uint8Array): Uint8Array {
    const length = this.#length + piece.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = length;
    return this.#buffer.subarray(0, length);
  }

  /** Forgets everything but what follows the first `count` bytes. */
  keepFrom(count: number): void {
    this.#buffer = this.#buffer.slice(count, this.#length);
    this.#length = this.#buffer.length;
  }
}
