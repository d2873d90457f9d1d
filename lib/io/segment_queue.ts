// Distributes numbered segments among threads, and lets them exchange what they need.

const NEXT = 0, DONE = 1, COUNT = 2;
const NUM_HEAD = 3;
const NOT_YET = -1n;

/**
 * Segments 0, 1, 2, … are taken by whoever is free. Each can publish where its output ends, which is where the next
 * one's
 * begins. The queue is in shared memory: `buffer` makes the same queue in another thread.
 */
export class SegmentQueue {
  readonly buffer: SharedArrayBuffer;
  readonly #head: BigInt64Array;
  /** Where the output of each segment ends: for segment i, at index i + 1. */
  readonly #ends: BigInt64Array;
  readonly #numSegments: number;

  /** @param segments How many there are, or the buffer of another thread's queue. */
  constructor(segments: number | SharedArrayBuffer) {
    const isNew = typeof segments === "number";
    this.buffer = isNew ? new SharedArrayBuffer((NUM_HEAD + segments + 1) * 8) : segments;
    this.#head = new BigInt64Array(this.buffer, 0, NUM_HEAD);
    this.#ends = new BigInt64Array(this.buffer, NUM_HEAD * 8);
    this.#numSegments = this.#ends.length - 1;
    if (isNew) this.#ends.fill(NOT_YET, 1);
  }

  /** The next segment that nobody has taken, or -1. They are taken in order. */
  take(): number {
    const segment = Number(Atomics.add(this.#head, NEXT, 1n));
    return segment < this.#numSegments ? segment : -1;
  }

  /** Ends the work: nothing more is taken, and nobody has to wait. */
  stop(): void {
    Atomics.store(this.#head, NEXT, BigInt(this.#numSegments));
    for (let i = 0; i < this.#ends.length; i++) {
      Atomics.compareExchange(this.#ends, i, NOT_YET, 0n);
      Atomics.notify(this.#ends, i);
    }
  }

  /** Adds to the work done by all threads. */
  addDone(bytes: number, count = 0): void {
    Atomics.add(this.#head, DONE, BigInt(bytes));
    Atomics.add(this.#head, COUNT, BigInt(count));
  }

  /** Bytes done by all threads. */
  get bytesDone(): number {
    return Number(Atomics.load(this.#head, DONE));
  }

  /** What else all threads have counted, besides bytes. */
  get countDone(): number {
    return Number(Atomics.load(this.#head, COUNT));
  }

  /** Whether it is known where a segment's output starts: the segments before it are done. */
  isStartKnown(segment: number): boolean {
    return Atomics.load(this.#ends, segment) !== NOT_YET;
  }

  /** Blocks a worker's thread until the start of a segment's output is known. */
  waitForStart(segment: number): void {
    Atomics.wait(this.#ends, segment, NOT_YET);
  }

  /** Resolves when the start of a segment's output is known, for a thread that has other things to do. */
  async startKnown(segment: number): Promise<void> {
    await Atomics.waitAsync(this.#ends, segment, NOT_YET).value;
  }

  /** Where the output of a segment starts, once that is known. */
  outputStart(segment: number): number {
    const start = Atomics.load(this.#ends, segment);
    if (start === NOT_YET) throw new Error(`Cannot place segment ${segment}: those before it are not done`);
    return Number(start);
  }

  /** Publishes where the output of a segment ends. */
  publishOutputEnd(segment: number, end: number): void {
    Atomics.store(this.#ends, segment + 1, BigInt(end));
    Atomics.notify(this.#ends, segment + 1);
  }
}
