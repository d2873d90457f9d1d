import { AssertionError } from "@std/assert";

/** Half the distance from 1 to the next float32: the largest relative error of one rounding. */
export const UNIT_ROUNDOFF = 2 ** -24;

/** How far a value may be from what is expected: `absolute + relative · |expected|`. Say at the call how it is derived. */
export interface Tolerance {
  readonly absolute?: number;
  readonly relative?: number;
}

/**
 * Asserts that two arrays agree, element by element. Fails unless the difference is at most the tolerance, so NaN fails,
 * in either array; equal infinities pass.
 *
 * @param label Names the array, its shape and its seed in the failure.
 * @throws {AssertionError} Naming the worst element, both values, its tolerance, and how many elements fail.
 */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute = 0, relative = 0 }: Tolerance,
  label = "values",
): void {
  if (actual.length !== expected.length) {
    throw new AssertionError(`${label}: got ${actual.length} elements, expected ${expected.length}`);
  }
  let failures = 0;
  let worst = 0;
  let worstExcess = -Infinity;
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] === expected[i]) continue;
    const tolerance = absolute + relative * Math.abs(expected[i]);
    const difference = Math.abs(actual[i] - expected[i]);
    if (difference <= tolerance && difference < Infinity) continue;
    failures++;
    const excess = difference < Infinity ? difference / tolerance : Infinity;
    if (excess > worstExcess) [worst, worstExcess] = [i, excess];
  }
  if (failures === 0) return;
  const tolerance = absolute + relative * Math.abs(expected[worst]);
  throw new AssertionError(
    `${label}: ${failures} of ${expected.length} elements differ; worst at ${worst}: got ${actual[worst]}, ` +
      `expected ${expected[worst]}, difference ${Math.abs(actual[worst] - expected[worst])}, tolerance ${tolerance}`,
  );
}
