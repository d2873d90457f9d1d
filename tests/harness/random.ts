/** Reproducible random arrays for tests; a generator of its own, so that tests do not lean on the code they test. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The next number in [0, 1): the mulberry32 generator. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `min` up to but not including `max`. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min));
  }

  /** A draw from the standard normal distribution (Box & Muller 1958). */
  gaussian(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** Normal float32s: exact on every backend, in float64 too. */
  normal(count: number, scale = 1): Float32Array<ArrayBuffer> {
    return Float32Array.from({ length: count }, () => scale * this.gaussian());
  }

  /** Whole numbers below `max`. */
  integers(count: number, max: number): Uint32Array<ArrayBuffer> {
    return Uint32Array.from({ length: count }, () => this.integer(0, max));
  }
}
