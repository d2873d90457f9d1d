// What a campaign of the stress task is, and what it leaves behind.
import { Philox } from "../../lib/random/philox.ts";

/** This many faults are reported in full; the rest are counted. */
const MAX_TOLD = 20;

/** A kind of attack, and how to carry it out. */
export interface Campaign {
  /** Its name for `--only`. */
  readonly name: string;
  /** What one try is, in a few words. */
  readonly unit: string;
  /** What must hold for every try. */
  readonly holds: string;
  /** Tries that make a whole campaign: it ends there, or when its time is over. */
  readonly goal: number;
  readonly run: (attack: Attack) => Promise<void>;
}

/** How a campaign ended. */
export interface Outcome {
  readonly name: string;
  readonly unit: string;
  readonly holds: string;
  readonly tries: number;
  readonly faults: number;
  /** The first faults, in words. */
  readonly told: readonly string[];
  /** Figures beside the count of tries, by name. */
  readonly figures: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** A campaign under way: its chance, its directory, its count. */
export class Attack {
  tries = 0;
  faults = 0;
  readonly told: string[] = [];
  readonly figures: Record<string, number> = {};
  readonly random: Random;
  /** A directory of its own, which is removed at the end. */
  readonly directory: string;
  readonly #goal: number;
  readonly #seconds: number;
  #deadline: number | undefined;
  readonly #signal: AbortSignal;

  constructor(
    { directory, seed, goal, seconds, signal }: {
      directory: string;
      seed: number;
      goal: number;
      seconds: number;
      signal: AbortSignal;
    },
  ) {
    this.directory = directory;
    this.random = new Random(seed);
    this.#goal = goal;
    this.#seconds = seconds;
    this.#signal = signal;
  }

  /**
   * Whether to go on: the goal is not reached, nor the time over, which begins when this is first asked. One try is
   * made in any case: a campaign that tried nothing found nothing.
   */
  get goesOn(): boolean {
    this.#signal.throwIfAborted();
    const isTimeLeft = this.secondsLeft > 0;
    return this.tries < this.#goal && (isTimeLeft || this.tries === 0);
  }

  /** Seconds that are left. */
  get secondsLeft(): number {
    this.#deadline ??= performance.now() + this.#seconds * 1000;
    return Math.max(0, (this.#deadline - performance.now()) / 1000);
  }

  /** What ends the campaign early. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  /** Notes a fault. */
  fault(what: string): void {
    this.faults++;
    if (this.told.length < MAX_TOLD) this.told.push(what);
  }
}

/** The stream of random numbers that attacks are drawn from. */
const STREAM = 0x57e55;

/** Draws that a seed decides. */
export class Random {
  readonly #philox: Philox;
  #drawn = 0;

  constructor(seed: number) {
    this.#philox = new Philox(seed, STREAM);
  }

  /** A number in [0, 1). */
  next(): number {
    return this.#philox.uniform(this.#drawn++);
  }

  /** A whole number from 0 up to but not including `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** One of a list. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}
