import { assertEquals, assertThrows } from "@std/assert";
import { adamwSchedule } from "../../lib/train/adamw.ts";
import { validateTrainingConfig } from "../../lib/train/config.ts";
import { cosineLearningRate } from "../../lib/train/schedule.ts";
import fixture from "../fixtures/torch/cosine_schedule.json" with { type: "json" };

Deno.test("cosineLearningRate follows the reference through warm-up, cosine and floor", () => {
  const schedule = {
    maxLr: fixture.max_lr,
    minLr: fixture.min_lr,
    warmupSteps: fixture.warmup_steps,
    cycleSteps: fixture.cosine_cycle_steps,
  };
  fixture.lr.forEach((expected, step) => {
    const difference = Math.abs(cosineLearningRate(step, schedule) - expected);
    // Both are float64; the two formulas may round differently in the last place.
    assertEquals(difference <= 4 * Number.EPSILON, true, `step ${step}: off by ${difference}`);
  });
});

Deno.test("adamwSchedule corrects the bias of the first step exactly", () => {
  const [lr, c1, c2] = adamwSchedule(0.5, 1, { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0 });
  assertEquals(lr, 0.5);
  assertEquals([c1, c2], [1 - 0.9, 1 - 0.95]);
});

Deno.test("validateTrainingConfig names the value that cannot work", () => {
  const good = {
    batchSize: 4,
    steps: 10,
    lr: 1e-3,
    minLr: 1e-4,
    warmupSteps: 2,
    clip: 1,
    seed: 0,
    validEvery: 5,
    validBatches: 2,
    beta1: 0.9,
    beta2: 0.95,
    eps: 1e-8,
    weightDecay: 0.1,
  };
  assertEquals(validateTrainingConfig(good), good);
  const bad: [keyof typeof good, number][] = [
    ["batchSize", 0],
    ["steps", 1.5],
    ["lr", NaN],
    ["minLr", 1],
    ["warmupSteps", -1],
    ["clip", 0],
    ["seed", NaN],
    ["beta1", 1],
    ["beta2", NaN],
    ["weightDecay", -1],
  ];
  for (const [key, value] of bad) {
    assertThrows(() => validateTrainingConfig({ ...good, [key]: value }), RangeError, `got ${key} ${value}, must be`);
  }
});
