// What a handful of measurements say: their mean, how far it may be off, and whether two differ by more than chance.
import jstat from "jstat";

/** The regularised incomplete beta function Iₓ(a, b); the library comes without types. */
const { ibeta } = jstat as { ibeta(x: number, a: number, b: number): number };

/** Two means compared by Welch's t-test. */
export interface Comparison {
  /** The second mean minus the first. */
  readonly difference: number;
  /** Of so large a difference or a larger one in either direction, if both were samples of one distribution. */
  readonly p: number;
}

/** The mean; NaN of no values. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The mean's standard error, from the sample's own spread; NaN of fewer than two values. */
export function standardError(values: readonly number[]): number {
  return Math.sqrt(variance(values) / values.length);
}

/**
 * Compares two samples, two-sided, without taking their variances for equal; p is NaN where either has fewer than two values
 * or neither varies.
 * Source: Welch 1947, Biometrika 34.
 */
export function welch(first: readonly number[], second: readonly number[]): Comparison {
  const [a, b] = [variance(first) / first.length, variance(second) / second.length];
  const difference = mean(second) - mean(first);
  const degrees = (a + b) ** 2 / (a ** 2 / (first.length - 1) + b ** 2 / (second.length - 1));
  const t = Math.abs(difference) / Math.sqrt(a + b);
  return { difference, p: 2 * studentTail(t, degrees) };
}

/** The unbiased variance. */
function variance(values: readonly number[]): number {
  const center = mean(values);
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1);
}

/** P(T > t) of Student's t. By the incomplete beta function, which is exact in the far tail too. */
function studentTail(t: number, degrees: number): number {
  return ibeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
}
