import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { accuracyOf, creditFor } from "../../lib/evaluate/multiple_choice.ts";
import { assertClose } from "../harness/assert_close.ts";

Deno.test("the order of choices does not matter, even where some have the same score", () => {
  const scores = fc.array(fc.integer({ min: -3, max: 0 }), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(scores, fc.nat(), fc.nat(), (scores, at, turn) => {
      const right = at % scores.length;
      const by = turn % scores.length;
      const turned = scores.map((_, i) => scores[(i + by) % scores.length]);
      const rightTurned = (right - by + scores.length) % scores.length;
      assertEquals(creditFor(turned, rightTurned), creditFor(scores, right));
      assertEquals(creditFor(scores.toReversed(), scores.length - 1 - right), creditFor(scores, right));
      // One of them is taken, whichever is the right one.
      assertClose([scores.reduce((sum, _, i) => sum + creditFor(scores, i), 0)], [1], { absolute: 1e-12 });
    }),
    { seed: 3 },
  );
});

Deno.test("the highest score is taken", () => {
  assertEquals([0, 1, 2].map((right) => creditFor([-7, -2.5, -3], right)), [0, 1, 0]);
  assertEquals([0, 1, 2].map((right) => creditFor([-2, -2, -3], right)), [0.5, 0.5, 0]);
  assertThrows(() => creditFor([-1, NaN], 0), RangeError, "none NaN");
  for (const right of [-1, 2, 0.5]) assertThrows(() => creditFor([-1, -2], right), RangeError, "must be one of them");
});

Deno.test("the standard error is that of a mean of draws", () => {
  // By hand: the squares about 0.75 are 3 · 1/16 + 9/16 = 3/4; / 3 is the variance, / 4 that of the mean.
  assertEquals(accuracyOf([1, 0, 1, 1]), { mean: 0.75, standardError: 0.25 });
  // The textbook's √(p(1−p)/(n−1)) for what is right or wrong.
  const credits = Array.from({ length: 97 }, (_, i) => i % 3 === 0 ? 1 : 0);
  const { mean, standardError } = accuracyOf(credits);
  assertClose([standardError!], [Math.sqrt(mean * (1 - mean) / 96)], { absolute: 1e-15 });
  assertEquals(accuracyOf([1]), { mean: 1 });
  assertThrows(() => accuracyOf([]), RangeError, "got no questions");
});
