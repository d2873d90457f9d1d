import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { DEVICE_NAMES, type DeviceName, DEVICES } from "../../lib/accounting/devices.ts";
import { OptionError, UserError } from "../../lib/errors.ts";
import { chooseBatch, tooLargeFor } from "../../lib/run/device_room.ts";
import { modelLadder } from "../../lib/run/model_ladder.ts";
import { mergeConfigs } from "../../lib/run/merge_config.ts";
import { type DevicePlan, type DevicePlanOptions, planForDevice } from "../../lib/run/plan_for_device.ts";
import { PRESETS } from "../../lib/model/config.ts";
import { stepMemory, trainingProgram } from "../accounting/programs.ts";

const GB = 10 ** 9;

/** From minutes to a year, and from a small book to the web. */
const requests: fc.Arbitrary<DevicePlanOptions> = fc.record({
  device: fc.constantFrom<DeviceName>(...DEVICE_NAMES),
  seconds: fc.integer({ min: 6, max: 25 }).map((power) => 2 ** power),
  corpusTokens: fc.integer({ min: 14, max: 38 }).map((power) => 2 ** power),
  vocabSize: fc.constantFrom(257, 2000, 32_000, 50_257),
});

/** Products of the forward pass for one token, and elements, counted by hand: three matrices in the feed-forward. */
function byHand({ config: { model } }: Pick<DevicePlan, "config">) {
  const { vocabSize: v, contextLength: s, dModel: d, numLayers: n, dFf } = model;
  const matrices = n * (4 * d * d + 3 * d * dFf);
  return { forward: 2 * (matrices + n * 2 * s * d + v * d), parameters: matrices + 2 * v * d + (2 * n + 1) * d };
}

/** Holds two numbers to nine digits; NaN fails. */
function assertNear(actual: number, expected: number): void {
  assert(Math.abs(actual - expected) <= 1e-9 * expected, `${actual}, not ${expected}`);
}

Deno.test("a plan's figures follow from each other, as counted by hand", () => {
  fc.assert(
    fc.property(requests, (request) => {
      const plan = planForDevice(request);
      const { config: { model, training }, prediction, device } = plan;
      const { steps, batchSize, gradAccumulation } = training;
      const { forward, parameters } = byHand(plan);
      assertEquals(prediction.parameters, parameters);
      assertEquals(plan.tokensPerStep, batchSize * gradAccumulation * model.contextLength);
      assertEquals([plan.tokens, plan.epochs], [steps * plan.tokensPerStep, plan.tokens / request.corpusTokens]);
      const rate = device.peakF32 * plan.rate.mfu;
      assertNear(plan.tokensPerSecond, rate / (3 * forward));
      const validation = 20 * batchSize * model.contextLength * forward / rate;
      const secondsOf = (steps: number) =>
        3 * steps * plan.tokensPerStep * forward / rate + Math.ceil(steps / 100) * validation;
      assertNear(plan.estimatedSeconds, secondsOf(steps));
      assert(plan.estimatedSeconds <= 0.97 * request.seconds * (1 + 1e-9));
      // As long as it can be, in time or in text.
      if (plan.isCorpusUsedUp) {
        assert(steps === 1 || plan.tokens <= 4 * request.corpusTokens);
        assert(plan.tokens + plan.tokensPerStep > 4 * request.corpusTokens);
      } else assert(secondsOf(steps + 1) > 0.97 * request.seconds * (1 - 1e-9));
      assertNear(plan.loss.hoffmann2022, 1.69 + 406.4 / parameters ** 0.34 + 410.7 / plan.tokens ** 0.28);
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("what is chosen fits into the memory and into arrays, and no larger batch does", () => {
  fc.assert(
    fc.property(requests, (request) => {
      const plan = planForDevice(request);
      const { vocabSize, contextLength, dModel, dFf } = plan.config.model;
      const { batchSize, gradAccumulation } = plan.config.training;
      assert(plan.prediction.memory.total <= 0.9 * DEVICES[request.device].memory);
      assert(4 * plan.prediction.parameters < 2 ** 31);
      const fits = (batch: number) => {
        const { activations, total } = plan.prediction.memory;
        // In f32, activations are in proportion to the batch.
        const bytes = 16 * plan.prediction.parameters + batch * activations / batchSize;
        return bytes <= 0.9 * DEVICES[request.device].memory &&
          4 * batch * contextLength * Math.max(vocabSize, dModel, dFf) < 2 ** 31 && total > 0;
      };
      assert(fits(plan.largestBatch) && !fits(plan.largestBatch + 1));
      assert(batchSize <= plan.largestBatch);
      // All at once where that fits, and at most 2^15 tokens a step unless one sequence is more.
      if (gradAccumulation > 1) assert(!fits(batchSize * gradAccumulation));
      assert(plan.tokensPerStep <= Math.max(2 ** 15, contextLength));
    }),
    { seed: 2, numRuns: 200 },
  );
});

Deno.test("the memory is within 1 % of what the planner allocates, and the largest array is as counted", async () => {
  for (const [device, seconds, corpusTokens] of [["t4", 600, 1e9], ["h100", 86_400, 5e9]] as const) {
    const { config: { model, training }, prediction } = planForDevice({
      device,
      seconds,
      corpusTokens,
      vocabSize: 5000,
    });
    const { batchSize, gradAccumulation } = training;
    const allocated = await stepMemory(model, batchSize, { gradAccumulation });
    const { total } = prediction.memory;
    assert(Math.abs(allocated - total) <= 0.01 * total, `${allocated} allocated, ${total} planned`);
    const { calls } = await trainingProgram(model, batchSize);
    const largest = Math.max(...calls.flatMap(({ views }) => views.map(({ size }) => 4 * size)));
    const counted = 4 * Math.max(prediction.parameters, batchSize * model.contextLength * model.vocabSize);
    assert(largest >= counted && largest <= 1.01 * counted, `${largest}, counted ${counted}`);
  }
});

Deno.test("more hours give no smaller model, and the same model no fewer tokens", () => {
  fc.assert(
    fc.property(requests, fc.double({ min: 1, max: 100, noNaN: true }), (request, factor) => {
      const before = planForDevice(request);
      const after = planForDevice({ ...request, seconds: factor * request.seconds });
      assert(after.prediction.parameters >= before.prediction.parameters);
      if (after.prediction.parameters > before.prediction.parameters) return;
      // Tokens come in whole steps, and a longer run may take larger ones.
      assert(after.tokens > before.tokens - after.tokensPerStep, `${before.tokens} tokens, then ${after.tokens}`);
    }),
    { seed: 3, numRuns: 200 },
  );
});

Deno.test("more memory gives no smaller batch, and holds every model that less did", () => {
  const models = modelLadder(1e-3).map((parts) => mergeConfigs([parts], 32_000).model);
  const memory = fc.double({ min: 1e8, max: 3e11, noNaN: true });
  fc.assert(
    fc.property(fc.constantFrom(...models), memory, memory, fc.integer({ min: 1, max: 1e9 }), (model, a, b, tokens) => {
      const array = 2 ** 33;
      const [less, more] = [Math.min(a, b), Math.max(a, b)].map((memory) => ({ memory, array }));
      if (tooLargeFor(model, less) !== undefined) return;
      assertEquals(tooLargeFor(model, more), undefined);
      const [small, large] = [less, more].map((room) => chooseBatch(model, room, tokens));
      assert(large.batchSize >= small.batchSize && large.largest >= small.largest);
    }),
    { seed: 4, numRuns: 300 },
  );
});

Deno.test("with text and memory enough, no model on the ladder comes nearer to 20 tokens per parameter", () => {
  for (const minutes of [1, 10, 60, 600]) {
    const plan = planForDevice({ device: "h100", seconds: 60 * minutes, corpusTokens: 1e12, vocabSize: 8000 });
    assertEquals(plan.bound, "time");
    const rate = DEVICES.h100.peakF32 * plan.rate.mfu;
    const distances = modelLadder(3e-3).map((parts) => {
      const { forward, parameters } = byHand({ config: mergeConfigs([parts], 8000) });
      return { parameters, distance: Math.abs(Math.log(57.5 * minutes * rate / (3 * forward) / parameters / 20)) };
    });
    const nearest = distances.reduce((best, other) => other.distance < best.distance ? other : best);
    assertEquals(plan.prediction.parameters, nearest.parameters, `${minutes} minutes`);
  }
});

Deno.test("a plan says what keeps the model from being larger", () => {
  const plan = (device: DeviceName, hours: number, corpusTokens: number) =>
    planForDevice({ device, seconds: 3600 * hours, corpusTokens, vocabSize: 32_000 });
  assertEquals(plan("h100", 1, 1e11).bound, "time");
  assertEquals(plan("rtx-4090", 24, 5e8).bound, "corpus");
  assertEquals(plan("a100", 1, 3e5).bound, "parameters");
  assertEquals(plan("h200", 5000, 1e12).bound, "array");
  const given = planForDevice({
    device: "l4",
    seconds: 3600,
    corpusTokens: 1e9,
    vocabSize: 50_257,
    model: { preset: "gpt2-small" },
  });
  assertEquals([given.bound, given.compared.length, given.prediction.parameters], [undefined, 1, 190_460_160]);
  assertEquals(given.config.model.dModel, PRESETS["gpt2-small"].dModel);
});

Deno.test("what cannot be planned is refused by name", () => {
  const request: DevicePlanOptions = { device: "t4", seconds: 3600, corpusTokens: 1e8, vocabSize: 32_000 };
  const cases: [Partial<DevicePlanOptions>, typeof OptionError | typeof UserError, string][] = [
    [{ seconds: 0 }, OptionError, "got seconds 0, must be a number above 0"],
    [{ seconds: NaN }, OptionError, "got seconds NaN, must be a number above 0"],
    [{ corpusTokens: Infinity }, OptionError, "got corpusTokens Infinity"],
    [{ mfu: 1.5 }, OptionError, "got mfu 1.5, must be above 0, at most 1"],
    [{ mfu: NaN }, OptionError, "got mfu NaN"],
    [{ seconds: 1e-7 }, UserError, "got 1e-7 s on NVIDIA T4, must be at least"],
    [{ corpusTokens: 128 }, UserError, "got 128 tokens of text, must be at least 129"],
    [{ vocabSize: 20_000_000 }, UserError, "got an array of 10.2 GB with a vocabulary of 20,000,000 and dModel 32"],
    [{ model: { preset: "gpt2-xl" } }, UserError, "must be at most the 2.15 GB of WebGPU. Lower vocabSize"],
    [
      { vocabSize: 300, model: { model: { contextLength: 500_000, dModel: 256, numLayers: 8, dFf: 704 } } },
      UserError,
      "got no room for one sequence with a vocabulary of 300 and dModel 256, must fit into 14.4 GB",
    ],
  ];
  for (const [change, type, message] of cases) {
    assertThrows(() => planForDevice({ ...request, ...change }), type as typeof Error, message);
  }
  // One token more, and it is planned.
  assertEquals(planForDevice({ ...request, corpusTokens: 129 }).compared.length, 1);
  assert(planForDevice(request).prediction.memory.total < 16 * GB);
});
