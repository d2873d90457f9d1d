import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { courseOf, divergenceOf, lowestOf } from "../../lib/run/course.ts";
import { metricsOf } from "../report/runs.ts";

const loss = fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.constantFrom(NaN, Infinity, -Infinity));

Deno.test("the lowest loss is the first of the finite ones in order, wherever NaN and infinities stand", () => {
  fc.assert(
    fc.property(fc.array(loss), (losses) => {
      const finite = losses.filter((loss) => loss > -Infinity && loss < Infinity).sort((a, b) => a - b);
      assertEquals(lowestOf(losses), finite[0]);
    }),
    { seed: 4 },
  );
});

Deno.test("a course takes first and last from the log's ends, and is wrong from the first step that is not finite", () => {
  const steps = fc.array(fc.record({ loss, validLoss: fc.option(loss, { nil: undefined }) }), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(steps, fc.nat(3), (steps, from) => {
      const [line] = metricsOf(1);
      const metrics = steps.map(({ loss, validLoss }, i) => ({
        ...line,
        step: from + i,
        seconds: i,
        loss,
        ...(validLoss !== undefined && { validLoss }),
      }));
      const course = courseOf(metrics)!;
      assertEquals(course.steps, from + steps.length);
      assertEquals("firstLoss" in course, from === 0);
      if (from === 0) assertEquals(course.firstLoss, steps[0].loss);
      assertEquals(course.lastLoss, steps[steps.length - 1].loss);
      const valid = steps.map(({ validLoss }) => validLoss).filter((loss) => loss !== undefined);
      assertEquals(course.validLoss, valid.at(-1));
      const wrong = steps.findIndex(({ loss, validLoss = 0 }) => ![loss, validLoss].every(Number.isFinite));
      assertEquals(divergenceOf({ metrics })?.step, wrong < 0 ? undefined : from + wrong);
    }),
    { seed: 5 },
  );
});

Deno.test("a divergence is where the log says so, unless a loss was not finite before; no step, no course", () => {
  const metrics = metricsOf(20);
  const divergence = { step: 20, diverged: "Got NaN" };
  assertEquals(divergenceOf({ metrics, divergence }), { step: 20, problem: "Got NaN" });
  assertEquals(divergenceOf({ metrics: [], divergence }), { step: 20, problem: "Got NaN" });
  assertEquals(divergenceOf({ metrics: [{ ...metrics[0], loss: NaN }], divergence })?.step, 0);
  const skipped = { ...metrics[19], step: 20, gradNorm: Infinity, skipped: true as const };
  assertEquals([divergenceOf({ metrics: [...metrics, skipped] }), courseOf([])], [undefined, undefined]);
  assertEquals(courseOf(metrics)!.recentLoss, (metrics[18].loss + metrics[19].loss) / 2);
});
