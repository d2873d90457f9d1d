import { assertEquals } from "@std/assert";
import { TRAINING_DEFAULTS, validateTrainingConfig } from "../../../lib/train/config.ts";
import { NUMBER_OPTIONS, OPTIMIZERS } from "../../../lib/train/optimizer/registry.ts";

Deno.test("every optimizer is registered by its name, and what several call alike is the same", () => {
  for (const [name, definition] of Object.entries(OPTIMIZERS)) {
    assertEquals(definition.name, name);
    for (const [option, { default: initial, mustBe }] of Object.entries(definition.options)) {
      const shared = NUMBER_OPTIONS[option as keyof typeof NUMBER_OPTIONS];
      assertEquals([initial, mustBe], [shared.default, shared.mustBe], `${option} of ${name}`);
    }
  }
});

Deno.test("every number's default can be used, by whichever optimizer", () => {
  for (const optimizer of Object.keys(OPTIMIZERS) as (keyof typeof OPTIMIZERS)[]) {
    validateTrainingConfig({ ...TRAINING_DEFAULTS, optimizer });
  }
});

Deno.test("a configuration is written as it has always been: the same settings in the same order", () => {
  // What newer optimizers add comes between the last number and `decay`.
  const before = ["decaySteps", "beta1", "beta2", "eps", "weightDecay", "decay", "dtype"];
  assertEquals(Object.keys(TRAINING_DEFAULTS).filter((name) => before.includes(name)), before);
});

Deno.test("what the host writes is what the device works out, where both count updates", () => {
  const numbers = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 };
  for (const { name, schedule } of Object.values(OPTIMIZERS)) {
    for (const { value, counts } of schedule(numbers as never)) {
      if (counts === undefined) continue;
      let count = 0;
      for (let t = 1; t <= 1000; t++) {
        count = counts.keep * count + counts.add;
        assertEquals(Math.abs(count - value(0.01, t)) < 1e-12, true, `${name}, update ${t}`);
      }
    }
  }
});
