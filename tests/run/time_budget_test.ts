import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type Candidate,
  chooseCandidate,
  chooseSteps,
  estimateSeconds,
  type Intervals,
  MAX_EPOCHS,
  type Resources,
  type RunCosts,
  stepsWithin,
  usesTimeUp,
} from "../../lib/run/time_budget.ts";

const seconds = (min: number, max: number) => fc.double({ min, max, noNaN: true });

const costs: fc.Arbitrary<RunCosts> = fc.record({
  step: seconds(1e-3, 5),
  validation: seconds(0, 20),
  checkpoint: seconds(0, 5),
  sample: seconds(0, 5),
});

const intervals: fc.Arbitrary<Intervals> = fc.record({
  validEvery: fc.integer({ min: 1, max: 200 }),
  saveEvery: fc.integer({ min: 1, max: 200 }),
  sampleEvery: fc.nat({ max: 200 }),
});

/** Models of growing size, each at most as fast as the one before. */
const ladder: fc.Arbitrary<Candidate[]> = fc.array(
  fc.record({ growth: seconds(1.2, 4), slowdown: seconds(1, 4), costs }),
  { minLength: 1, maxLength: 8 },
).map((rungs) => {
  let parameters = 50_000;
  let factor = 1;
  return rungs.map(({ growth, slowdown }) => {
    parameters = Math.round(parameters * growth);
    factor *= slowdown;
    const { step, validation, checkpoint, sample } = rungs[0].costs;
    return {
      parameters,
      tokensPerStep: 2048,
      costs: {
        step: step * factor,
        validation: validation * factor,
        checkpoint: checkpoint * factor,
        sample: sample * factor,
      },
    };
  });
});

/** The time of a run, step by step. */
function simulate(steps: number, costs: RunCosts, { validEvery, saveEvery, sampleEvery = 0 }: Intervals) {
  let total = 0;
  for (let taken = 1; taken <= steps; taken++) {
    total += costs.step;
    if (taken === steps || taken % validEvery === 0) total += costs.validation;
    if (taken === steps || taken % saveEvery === 0) total += costs.checkpoint;
    if (sampleEvery > 0 && (taken === steps || taken % sampleEvery === 0)) total += costs.sample;
  }
  return total;
}

Deno.test("the estimate is the time of a run that is gone through step by step", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 700 }), costs, intervals, (steps, costs, intervals) => {
      const expected = simulate(steps, costs, intervals);
      const estimate = estimateSeconds(steps, costs, intervals);
      // Both are sums of positive numbers: each addition rounds once.
      assert(Math.abs(estimate - expected) <= 4 * steps * Number.EPSILON * expected, `${estimate}, ${expected}`);
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("the steps are within the time, and one more is not", () => {
  fc.assert(
    fc.property(seconds(0, 3000), costs, intervals, (time, costs, intervals) => {
      const steps = stepsWithin(time, costs, intervals);
      if (steps > 0) assert(estimateSeconds(steps, costs, intervals) <= time);
      assert(estimateSeconds(steps + 1, costs, intervals) > time);
    }),
    { seed: 2, numRuns: 500 },
  );
});

const resources: fc.Arbitrary<Resources> = fc.record({
  seconds: seconds(1, 1e6),
  corpusTokens: fc.integer({ min: 1000, max: 1e9 }),
}).chain((some) => intervals.map((every) => ({ ...some, ...every })));

Deno.test("more time gives no smaller model, and of one model no fewer steps", () => {
  fc.assert(
    fc.property(ladder, resources, seconds(1, 30), (ladder, resources, factor) => {
      const more = { ...resources, seconds: resources.seconds * factor };
      const [before, after] = [resources, more].map((each) => chooseCandidate(ladder, each).index);
      assert(after >= before, `${before} with less time, ${after} with more`);
      for (const candidate of ladder) assert(chooseSteps(candidate, more) >= chooseSteps(candidate, resources));
    }),
    { seed: 3, numRuns: 2000 },
  );
});

Deno.test("the chosen steps are within the time and the epochs", () => {
  fc.assert(
    fc.property(ladder, resources, (ladder, resources) => {
      const candidate = ladder[chooseCandidate(ladder, resources).index];
      const steps = chooseSteps(candidate, resources);
      if (steps > 0) assert(estimateSeconds(steps, candidate.costs, resources) <= resources.seconds);
      if (steps > 1) assert(steps * candidate.tokensPerStep <= MAX_EPOCHS * resources.corpusTokens);
    }),
    { seed: 4, numRuns: 1000 },
  );
});

Deno.test("with text enough, no other model comes nearer to 20 tokens per parameter", () => {
  fc.assert(
    fc.property(ladder, resources, (ladder, resources) => {
      const rich = { ...resources, corpusTokens: 1e15 };
      // Without validations and checkpoints, so that tokens are seconds over seconds per token.
      const bare = ladder.map((candidate) => ({
        ...candidate,
        costs: { ...candidate.costs, validation: 0, checkpoint: 0, sample: 0 },
      }));
      const distance = ({ parameters, tokensPerStep, costs }: Candidate) =>
        Math.abs(Math.log(rich.seconds / costs.step * tokensPerStep / parameters / 20));
      const chosen = distance(bare[chooseCandidate(bare, rich).index]);
      for (const candidate of bare) assert(chosen <= distance(candidate) * (1 + 1e-9));
    }),
    { seed: 5, numRuns: 1000 },
  );
});

Deno.test("where the corpus limits the model, it is the largest that goes through it four times in the time", () => {
  fc.assert(
    fc.property(ladder, resources, (ladder, resources) => {
      const { index, bound } = chooseCandidate(ladder, resources);
      const most = MAX_EPOCHS * resources.corpusTokens;
      if (index > 0) assert(ladder[index].parameters <= most);
      const tokens = ({ tokensPerStep, costs: { step, validation, checkpoint, sample } }: Candidate) => {
        const { seconds, validEvery, saveEvery, sampleEvery } = resources;
        const sampling = sampleEvery ? sample / sampleEvery : 0;
        return seconds * tokensPerStep / (step + validation / validEvery + checkpoint / saveEvery + sampling);
      };
      if (bound === "time") return assert(tokens(ladder[index]) <= most);
      assert(tokens(ladder[index]) >= most);
      for (const larger of ladder.slice(index + 1)) assert(larger.parameters > most || tokens(larger) < most);
    }),
    { seed: 6, numRuns: 1000 },
  );
});

Deno.test("no larger model than one that uses the time up is ever chosen", () => {
  fc.assert(
    fc.property(ladder, resources, (ladder, resources) => {
      const last = ladder.findIndex((candidate) => usesTimeUp(candidate, resources));
      if (last < 0) return;
      assertEquals(chooseCandidate(ladder.slice(0, last + 1), resources), chooseCandidate(ladder, resources));
    }),
    { seed: 7, numRuns: 2000 },
  );
});

Deno.test("a time that is over, one without end and a clock that stands still all have an answer", () => {
  const odd = fc.constantFrom(-1e9, -1, -Number.MIN_VALUE, 0, 1e300, Number.MAX_VALUE);
  const still = costs.map((some) => ({ ...some, step: 0 }));
  fc.assert(
    fc.property(ladder, resources, odd, fc.oneof(costs, still), (ladder, resources, seconds, costs) => {
      const { index } = chooseCandidate(ladder, { ...resources, seconds });
      assert(index in ladder, `model ${index} of ${ladder.length}`);
      const steps = stepsWithin(seconds, costs, resources);
      assert(Number.isSafeInteger(steps) && steps >= 0, `${steps} steps`);
      if (seconds <= 0) assertEquals(index, 0);
    }),
    { seed: 8, numRuns: 500 },
  );
});
