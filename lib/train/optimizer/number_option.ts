/** A fixed number of an optimizer. */
export interface NumberOption {
  /** What it is unless given. */
  readonly default: number;
  /** What a valid number is, in words. */
  readonly mustBe: string;
  /** Whether a value can be used; it may be anything that a file holds. */
  isValid(value: unknown): boolean;
}

/** The smallest number above 0 that a float32 holds in full precision, and the largest: a device computes with these. */
export const SMALLEST: number = 2 ** -126;
/** See `SMALLEST`. */
export const LARGEST: number = (2 - 2 ** -23) * 2 ** 127;

/** What a number of `positiveNumber` is, in words. */
export const ABOVE_0: string = `a number above 0, from ${SMALLEST.toPrecision(2)} to ${LARGEST.toPrecision(2)}`;

/** Whether a value is a number within bounds, both inclusive; NaN is within none. */
export function isNumber(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && value >= min && value <= max;
}

/** The decay of a running mean: 0 or more, below 1. */
export function meanDecay(initial: number): NumberOption {
  return {
    default: initial,
    mustBe: "a number at least 0 and below 1",
    // As a float32 too: what rounds to 1 would leave a moment at 0 for ever.
    isValid: (value) => isNumber(value, 0, 1) && Math.fround(value) < 1,
  };
}

/** A number above 0. */
export function positiveNumber(initial: number): NumberOption {
  return { default: initial, mustBe: ABOVE_0, isValid: (value) => isNumber(value, SMALLEST, LARGEST) };
}

/** A number from 0 on. */
export function nonNegativeNumber(initial: number): NumberOption {
  return {
    default: initial,
    mustBe: `a number from 0 to ${LARGEST.toPrecision(2)}`,
    isValid: (value) => isNumber(value, 0, LARGEST),
  };
}
