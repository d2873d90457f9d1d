// Stretches of a text, in order, while it is split.
import type { SplitBehavior } from "./split_steps.ts";

/** Stretches, from one character up to another. Its memory is used again. */
export class PieceList {
  from = new Int32Array(1 << 10);
  to = new Int32Array(1 << 10);
  count = 0;
  /** The first stretch of the piece that is being split, and whether the last one is a match. */
  #first = 0;
  #afterMatch = false;

  clear(): void {
    this.count = 0;
  }

  push(from: number, to: number): void {
    if (this.count === this.from.length) {
      this.from = doubled(this.from);
      this.to = doubled(this.to);
    }
    this.from[this.count] = from;
    this.to[this.count++] = to;
  }

  /** The stretches that follow are parts of another piece than those before. */
  beginPiece(): void {
    this.#first = this.count;
    this.#afterMatch = false;
  }

  /** Adds a match, or what is between matches, as the behavior says. */
  pushSpan(from: number, to: number, isMatch: boolean, behavior: SplitBehavior): void {
    const hasBefore = this.count > this.#first, afterMatch = this.#afterMatch;
    this.#afterMatch = isMatch;
    if (behavior === "Removed") {
      if (!isMatch) this.push(from, to);
      return;
    }
    const joins = hasBefore && (
      behavior === "Contiguous"
        ? isMatch === afterMatch
        : behavior === "MergedWithPrevious"
        ? isMatch && !afterMatch
        : behavior === "MergedWithNext" && !isMatch && afterMatch
    );
    if (joins) this.to[this.count - 1] = to;
    else this.push(from, to);
  }
}

function doubled(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(numbers.length * 2);
  grown.set(numbers);
  return grown;
}
