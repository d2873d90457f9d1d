import { assertEquals, assertThrows } from "@std/assert";
import { adamwSchedule } from "../../lib/train/optimizer/adamw.ts";
import { TRAINING_DEFAULTS, validateTrainingConfig } from "../../lib/train/config.ts";
import { cosineLearningRate, learningRate, SCHEDULES } from "../../lib/train/schedule.ts";
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
  const good = TRAINING_DEFAULTS;
  assertEquals(validateTrainingConfig(good), good);
  const bad: [keyof typeof good, number | string][] = [
    ["batchSize", 0],
    ["steps", 1.5],
    ["lr", NaN],
    ["minLr", 1],
    ["warmupSteps", -1],
    ["clip", -1],
    ["seed", NaN],
    ["beta1", 1],
    ["beta2", NaN],
    ["weightDecay", -1],
    ["gradAccumulation", 0],
    ["saveEvery", 0.5],
    ["keep", 0],
    ["optimizer", "adam"],
    ["schedule", "triangle"],
    ["decay", "none"],
  ];
  for (const [key, value] of bad) {
    const got = typeof value === "string" ? `"${value}"` : value;
    assertThrows(() => validateTrainingConfig({ ...good, [key]: value }), RangeError, `got ${key} ${got}, must be`);
  }
});

Deno.test("every schedule warms up, stays between its bounds, and ends where it should", () => {
  const numbers = { lr: 8, minLr: 2, warmupSteps: 4, decaySteps: 6, steps: 20 };
  const course = (schedule: typeof SCHEDULES[number]) =>
    Array.from({ length: 22 }, (_, step) => learningRate(step, { ...numbers, schedule }));
  for (const schedule of SCHEDULES) {
    const lrs = course(schedule);
    assertEquals(lrs.slice(0, 5), [0, 2, 4, 6, 8], schedule);
    const end = schedule === "constant" ? 8 : 2;
    assertEquals(lrs.slice(20), [end, end], schedule);
    for (let step = 5; step < 20; step++) assertEquals(lrs[step] <= lrs[step - 1] && lrs[step] >= 2, true, schedule);
  }
  // A straight line from (4, 8) to (20, 2), and one from (14, 8) to (20, 2).
  assertEquals(course("linear")[12], 5);
  assertEquals(course("wsd").slice(13, 21), [8, 8, 7, 6, 5, 4, 3, 2]);
  assertEquals(course("constant").slice(4), Array(18).fill(8));
});
