import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { mean, standardError, welch } from "../../../tasks/bench/learning/statistics.ts";

interface Case {
  readonly first: number[];
  readonly second: number[];
  readonly standardErrors: readonly [number, number];
  readonly p: number;
}

/** Refuses NaN. */
function assertNear(actual: number, expected: number, relative: number): void {
  assert(Math.abs(actual - expected) <= relative * Math.abs(expected), `got ${actual}, must be about ${expected}`);
}

Deno.test("standard errors and Welch's p are SciPy's, in the far tail too", async () => {
  const cases: Case[] = JSON.parse(
    await Deno.readTextFile(new URL("../../fixtures/statistics/welch.json", import.meta.url)),
  );
  assert(cases.some(({ p }) => p < 1e-10) && cases.some(({ p }) => p > 0.5));
  for (const { first, second, standardErrors, p } of cases) {
    assertNear(standardError(first), standardErrors[0], 1e-12);
    assertNear(standardError(second), standardErrors[1], 1e-12);
    // jstat's continued fraction ends when a term changes it by less than 3e-7.
    assertNear(welch(first, second).p, p, 1e-6);
  }
});

const sample = fc.array(fc.integer({ min: -1000, max: 1000 }).map((n) => n / 64), { minLength: 2, maxLength: 8 });
/** Two samples of which at least one varies. */
const samples = fc.tuple(sample, sample).filter((pair) => pair.some((values) => new Set(values).size > 1));

Deno.test("Welch's test is the same from either side, and for other zeros and units", () => {
  fc.assert(fc.property(
    samples,
    fc.integer({ min: -50, max: 50 }),
    fc.integer({ min: -10, max: 10 }),
    ([first, second], shift, exponent) => {
      const { difference, p } = welch(first, second);
      assert(p >= 0 && p <= 1, `p is ${p}`);
      const swapped = welch(second, first);
      assertNear(swapped.p, p, 1e-9);
      // The sum of both is exact: the values are multiples of 1/64.
      assert(Math.abs(swapped.difference + difference) <= 1e-12 * (1 + Math.abs(difference)));
      const moved = (values: number[]) => values.map((value) => (value + shift) * 2 ** exponent);
      const again = welch(moved(first), moved(second));
      assert(Math.abs(again.p - p) <= 1e-9);
      assert(Math.abs(again.difference / 2 ** exponent - difference) <= 1e-9);
    },
  ));
});

Deno.test("a difference that grows is less and less chance", () => {
  const first = [1, 2, 4];
  const ps = [0, 1, 2, 5, 10, 100].map((shift) => welch(first, first.map((value) => value + shift)).p);
  assertEquals(ps[0], 1);
  for (let i = 1; i < ps.length; i++) assert(ps[i] < ps[i - 1], ps.join());
});

Deno.test("too few values give NaN rather than a number that looks like a result", () => {
  assertEquals([mean([]), standardError([]), standardError([1])], [NaN, NaN, NaN]);
  assertEquals(welch([1], [2, 3]), { difference: 1.5, p: NaN });
  assertEquals(welch([1, 2], [3]).p, NaN);
  assertEquals(welch([1, 1], [2, 2]), { difference: 1, p: NaN });
});
