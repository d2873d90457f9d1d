import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { courseOf, lowestOf } from "../../lib/train/course.ts";
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
      assertEquals(course.divergence?.step, wrong < 0 ? undefined : from + wrong);
    }),
    { seed: 5 },
  );
});

Deno.test("the step at which training was given up is not one that was taken; a skipped one is no divergence", () => {
  const metrics = metricsOf(20);
  const lost = { ...metrics[19], step: 20, loss: NaN, gradNorm: NaN, diverged: "layers.0" };
  const course = courseOf([...metrics, lost])!;
  assertEquals([course.steps, course.divergence], [20, { step: 20, what: "layers.0" }]);
  assertEquals(course.recentLoss, (metrics[18].loss + metrics[19].loss) / 2);
  assertEquals([courseOf([{ ...lost, step: 0 }])!.steps, courseOf([])], [0, undefined]);
  const skipped = { ...metrics[19], step: 20, gradNorm: Infinity, skipped: true as const };
  assertEquals(courseOf([...metrics, skipped])!.divergence, undefined);
});
