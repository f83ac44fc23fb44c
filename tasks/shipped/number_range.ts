// The range and the mean of numbers as they are written, without the rounding that a double brings.

/** Digits that a double always keeps. */
const exactDigits = 15;

/** Gathers numbers. */
export class NumberRange {
  #min: string | undefined;
  #max: string | undefined;
  #count = 0;
  /** The sum is `#sum + #wholeSum`; the first part is exact as long as it is an integer. */
  #sum = 0;
  #wholeSum = 0n;

  /** Takes a number as JSON or a CSV has it; a sign may be a plus. It is no larger than a double. */
  add(text: string): void {
    const value = Number(text);
    this.#count++;
    this.#addToSum(text, value);
    if (this.#min === undefined || isLess(text, value, this.#min)) this.#min = text;
    if (this.#max === undefined || isLess(this.#max, Number(this.#max), text)) this.#max = text;
  }

  /** The least, the greatest and the mean. Numbers that a double would change are texts, as written. */
  report(): { min: number | string; max: number | string; mean?: number } {
    const range = { min: shown(this.#min ?? ""), max: shown(this.#max ?? "") };
    const mean = this.#mean();
    // The sum of numbers near the largest one is infinite, which JSON does not have.
    return Number.isFinite(mean) ? { ...range, mean } : range;
  }

  #addToSum(text: string, value: number): void {
    if (Number.isInteger(this.#sum) && isWhole(text)) {
      const sum = this.#sum + value;
      if (Number.isSafeInteger(value) && Number.isSafeInteger(sum)) {
        this.#sum = sum;
      } else {
        this.#wholeSum += BigInt(this.#sum) + BigInt(text);
        this.#sum = 0;
      }
    } else {
      this.#sum += value;
    }
  }

  #mean(): number {
    const count = BigInt(this.#count);
    const whole = Number(this.#wholeSum / count);
    const rest = Number(this.#wholeSum % count) + this.#sum;
    return whole + rest / this.#count;
  }
}

function isWhole(text: string): boolean {
  return /^[+-]?\d+$/.test(text);
}

function isLess(a: string, value: number, b: string): boolean {
  const other = Number(b);
  if (value !== other) return value < other;
  // Large integers that differ may be the same double.
  if (a === b || Number.isSafeInteger(value) || !isWhole(a) || !isWhole(b)) return false;
  return BigInt(a) < BigInt(b);
}

function shown(text: string): number | string {
  const value = Number(text);
  if (isWhole(text)) return Number.isSafeInteger(value) ? value : text;
  const digits = text.replace(/e.*$/i, "").replace(/\D/g, "").replace(/^0+/, "");
  return digits.length <= exactDigits || String(value) === text ? value : text;
}
