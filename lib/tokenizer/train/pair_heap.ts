// A max-heap of byte pairs by count; the comparison of equal counts is the caller's.

/** Orders two pairs of equal count: whether `a` goes first. */
export type GoesFirst = (a: number, b: number) => boolean;

/** A binary max-heap of numbered pairs, each with the count it had when it was pushed. */
export class PairHeap {
  #pairs = new Int32Array(1024);
  #counts = new Float64Array(1024);
  #size = 0;
  readonly #goesFirst: GoesFirst;

  constructor(goesFirst: GoesFirst) {
    this.#goesFirst = goesFirst;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#size;
  }

  /** The first entry's pair. */
  get topPair(): number {
    return this.#pairs[0];
  }

  /** The first entry's count. */
  get topCount(): number {
    return this.#counts[0];
  }

  /** Adds an entry. */
  push(pair: number, count: number): void {
    if (this.#size === this.#pairs.length) {
      const pairs = new Int32Array(this.#size * 2);
      pairs.set(this.#pairs);
      this.#pairs = pairs;
      const counts = new Float64Array(this.#size * 2);
      counts.set(this.#counts);
      this.#counts = counts;
    }
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(pair, count, parent)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#pairs[at] = pair;
    this.#counts[at] = count;
  }

  /** Removes the first entry. */
  pop(): void {
    const last = --this.#size;
    if (last > 0) this.#sinkFromTop(this.#pairs[last], this.#counts[last]);
  }

  /** Gives the first entry a lower count. */
  lowerTop(count: number): void {
    this.#sinkFromTop(this.#pairs[0], count);
  }

  #sinkFromTop(pair: number, count: number): void {
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#before(this.#pairs[child + 1], this.#counts[child + 1], child)) child++;
      if (this.#before(pair, count, child)) break;
      this.#move(child, at);
      at = child;
    }
    this.#pairs[at] = pair;
    this.#counts[at] = count;
  }

  #before(pair: number, count: number, other: number): boolean {
    const otherCount = this.#counts[other];
    return count > otherCount || (count === otherCount && this.#goesFirst(pair, this.#pairs[other]));
  }

  #move(from: number, to: number): void {
    this.#pairs[to] = this.#pairs[from];
    this.#counts[to] = this.#counts[from];
  }
}
