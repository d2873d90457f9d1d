import { OptionError } from "../errors.ts";

/**
 * Philox4x32-10, a counter-based random number generator: the number at an index is a function only of seed, stream and
 * index. So initial weights, batches and samples do not depend on the order in which they are drawn, nor on resuming.
 *
 * Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", SC '11.
 */
const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** The high 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff, aHigh = a >>> 16, bLow = b & 0xffff, bHigh = b >>> 16;
  const carry = ((aLow * bLow) >>> 16) + (aHigh * bLow & 0xffff) + (aLow * bHigh & 0xffff);
  return (aHigh * bHigh + Math.floor(aHigh * bLow / 0x10000) + Math.floor(aLow * bHigh / 0x10000) + (carry >>> 16)) >>>
    0;
}

/**
 * One block: ten rounds over a counter of four 32-bit words with a key of two.
 * @param counter Overwritten with the result.
 */
export function philox4x32(counter: Uint32Array, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = counter;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0), low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2), low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ key0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ key1) >>> 0;
    c3 = low0;
    key0 = (key0 + WEYL_0) >>> 0;
    key1 = (key1 + WEYL_1) >>> 0;
  }
  counter[0] = c0;
  counter[1] = c1;
  counter[2] = c2;
  counter[3] = c3;
}

/** The largest seed that may be given if others count up from it: as many again are left. */
export const LARGEST_FIRST_SEED = 2 ** 52;

/** A stream of random numbers with random access. */
export class Philox {
  readonly #key: [number, number];
  readonly #stream: number;
  readonly #block = new Uint32Array(4);

  /**
   * Nothing is drawn yet. Every number of the stream costs the same.
   *
   * @param seed A non-negative safe integer.
   * @param stream Keeps uses of one seed apart; below 2³².
   * @throws {OptionError} If the seed is out of range.
   */
  constructor(seed: number, stream: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new OptionError(`Cannot seed random numbers: got ${seed}, must be a whole number from 0 to 2^53 − 1`);
    }
    this.#key = [seed >>> 0, Math.floor(seed / 2 ** 32)];
    this.#stream = stream;
  }

  /** A number in [0, 1) with 53 random bits. */
  uniform(index: number): number {
    const [a, b] = this.#words(index, 0);
    return toUnit(a, b);
  }

  /** A number from the standard normal distribution cut off at ±`cutoff`: draws beyond it are drawn again. */
  truncatedNormal(index: number, cutoff: number): number {
    for (let attempt = 0;; attempt++) {
      const [a, b, c, d] = this.#words(index, attempt);
      // Box & Muller 1958. 1 − u lies in (0, 1], so its logarithm is finite.
      const radius = Math.sqrt(-2 * Math.log(1 - toUnit(a, b)));
      const angle = 2 * Math.PI * toUnit(c, d);
      const first = radius * Math.cos(angle);
      if (Math.abs(first) <= cutoff) return first;
      const second = radius * Math.sin(angle);
      if (Math.abs(second) <= cutoff) return second;
    }
  }

  #words(index: number, attempt: number): Uint32Array {
    const block = this.#block;
    block[0] = index >>> 0;
    block[1] = Math.floor(index / 2 ** 32);
    block[2] = this.#stream;
    block[3] = attempt;
    philox4x32(block, this.#key[0], this.#key[1]);
    return block;
  }
}

function toUnit(high: number, low: number): number {
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}
