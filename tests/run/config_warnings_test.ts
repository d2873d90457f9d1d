import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { configWarnings } from "../../lib/run/config_warnings.ts";
import { type ConfigParts, mergeConfigs } from "../../lib/run/merge_config.ts";
import { learningRate, SCHEDULES } from "../../lib/train/schedule.ts";

const warningsOf = (parts: ConfigParts, validates = false) =>
  configWarnings(mergeConfigs([{ model: { vocabSize: 300 } }, parts]), validates);

const course = (options: Parameters<typeof learningRate>[1]) =>
  Array.from({ length: options.steps }, (_, step) => learningRate(step, options));

Deno.test("a rate's setting that was given is warned of exactly where no step's rate depends on it", () => {
  for (const schedule of SCHEDULES) {
    const training = { schedule, steps: 40, lr: 0.5 };
    for (const [key, value, other] of [["minLr", 0.1, 0.2], ["decaySteps", 10, 20]] as const) {
      const { training: given } = mergeConfigs([{
        model: { vocabSize: 300 },
        training: { ...training, [key]: value },
      }]);
      const matters = course(given).join() !== course({ ...given, [key]: other }).join();
      const warnings = warningsOf({ training: { ...training, [key]: value } });
      assertEquals(
        warnings.some((text) => text.includes(`training.${key} has no effect`)),
        !matters,
        `${schedule} ${key}`,
      );
    }
    // There is no warning about a setting that was not given.
    assertEquals(warningsOf({ training }), []);
  }
});

Deno.test("a warm-up or a decay that does not fit into the run is said; so is any other setting without effect", () => {
  const says = (parts: ConfigParts, text: string, validates?: boolean) => {
    const warnings = warningsOf(parts, validates);
    assert(warnings.some((warning) => warning.includes(text)), `${JSON.stringify(parts)}: ${warnings.join()}`);
  };
  says({ training: { steps: 1, warmupSteps: 1 } }, "never reaches 0.003: the warm-up takes 1 steps of 1");
  says({ training: { schedule: "wsd", steps: 10, warmupSteps: 4, decaySteps: 7 } }, "the decay of 7 steps");
  assertEquals(warningsOf({ training: { schedule: "wsd", steps: 10, warmupSteps: 4, decaySteps: 6 } }), []);
  says({ training: { optimizer: "sgd", beta2: 0.9 } }, "training.beta2 has no effect");
  says({ training: { samplePrompt: "x" } }, "training.samplePrompt has no effect");
  says({ training: { validEvery: 5 } }, "training.validEvery has no effect");
  assertEquals(warningsOf({ training: { validEvery: 5 } }, true), []);
  says({ model: { norm: "none", normPlace: "post" } }, "model.normPlace has no effect");
  says({ model: { position: "none", ropeTheta: 5 } }, "model.ropeTheta has no effect");
  says({ model: { position: "learned", ropeTheta: 5 } }, "model.ropeTheta has no effect with learned positions");
  says({ model: { norm: "none", normEps: 1e-6 } }, "model.normEps has no effect");
  assertEquals(warningsOf({ model: { norm: "none", qkNorm: "head", normEps: 1e-6 } }), []);
  says({ model: { slidingWindow: 128 } }, "model.slidingWindow has no effect with a context of 128 tokens");
  assertEquals(warningsOf({ model: { slidingWindow: 127 } }), []);
});

Deno.test("whatever the numbers, the rate stays between 0 and its peak, and is the peak when the warm-up ends", () => {
  const count = fc.integer({ min: 0, max: 60 });
  const options = fc.record({
    schedule: fc.constantFrom(...SCHEDULES),
    lr: fc.constantFrom(2e-38, 3e-4, 1, 3e38),
    share: fc.constantFrom(0, 0.1, 1),
    warmupSteps: count,
    decaySteps: count,
    steps: count.map((steps) => steps + 1),
  });
  fc.assert(
    fc.property(options, ({ share, ...some }) => {
      const numbers = { ...some, minLr: some.lr * share };
      const rates = course(numbers);
      for (const rate of rates) assert(rate >= 0 && rate <= numbers.lr, `${rate}`);
      if (numbers.warmupSteps < numbers.steps - 1) {
        const top = rates[numbers.warmupSteps];
        assert(top <= numbers.lr && top >= numbers.lr * (1 - 1e-12), `${top} after the warm-up`);
      }
      const isEverAbove0 = rates.some((rate) => rate > 0);
      const never = numbers.warmupSteps >= numbers.steps;
      const training = { ...numbers, sampleEvery: 0 };
      assertEquals(warningsOf({ training }).some((text) => text.includes("never reaches")), never);
      if (!never) assert(isEverAbove0, "the rate is 0 at every step");
    }),
    { seed: 1, numRuns: 1000 },
  );
});
