// Tolerances from sizes and magnitudes: each test says which error bound it takes them from.
import { type Tolerance, UNIT_ROUNDOFF } from "./assert_close.ts";

/**
 * Roundings of a sum of random terms behave as a random walk; this many standard deviations hold for every element of
 * an array of millions.
 */
const DEVIATIONS = 4;

/**
 * For dot products of `length` terms a·b of random sign, in any order of summation, fused or not. Each of the partial
 * sums, about √k · rms for k terms, is rounded once: their errors add up to about u · length · rms(a) · rms(b) / 2. The
 * second summand covers products far above the rms, which matter in short sums.
 */
export function dotTolerance(length: number, a: ArrayLike<number>, b: ArrayLike<number>): Tolerance {
  const typical = length * rms(a) * rms(b);
  return { absolute: DEVIATIONS * UNIT_ROUNDOFF * (typical + largest(a) * largest(b)), relative: 2 * UNIT_ROUNDOFF };
}

/** For a fixed number of roundings, each relative to the result; 2⁻¹²⁶ for devices that flush subnormal numbers. */
export function roundings(count: number): Tolerance {
  return { absolute: 2 ** -126, relative: count * UNIT_ROUNDOFF };
}

/** The largest absolute value. */
export function largest(x: ArrayLike<number>): number {
  let max = 0;
  for (let i = 0; i < x.length; i++) max = Math.max(max, Math.abs(x[i]));
  return max;
}

/** The root of the mean square. */
export function rms(x: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += x[i] ** 2;
  return Math.sqrt(squares / x.length);
}
