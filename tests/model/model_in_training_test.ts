// One model is trained by one training at a time: weights lie on a backend once.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { fixedBatches } from "../../lib/dataset/batches.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { Evaluator } from "../../lib/evaluate/evaluator.ts";
import { scoreTokens } from "../../lib/evaluate/score.ts";
import { type StepMetrics, train } from "../../lib/train/train.ts";
import { Random } from "../harness/random.ts";

const shape = { vocabSize: 13, contextLength: 6, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12, ropeTheta: 10000 };
const tokens = tokensInMemory(new Random(3).integers(200, shape.vocabSize));
const config = { ...TRAINING_DEFAULTS, batchSize: 2, steps: 4, warmupSteps: 1 };

const start = (backend: Backend, model: Transformer, seed = 1) =>
  train({ backend, model, config, weights: initialWeights(shape, seed), train: tokens });

const losses = (metrics: readonly StepMetrics[]) => metrics.map(({ loss }) => loss);

Deno.test("a second training of a model on a backend is refused until the first has ended, which it leaves as it was", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const expected = losses(await Array.fromAsync(start(backend, new Transformer(shape))));
  const model = new Transformer(shape);
  const seen: StepMetrics[] = [];
  using evaluator = await Evaluator.create(backend, model, 2);
  using generator = await TextGenerator.create(backend, model);
  for await (const metrics of start(backend, model)) {
    seen.push(metrics);
    await assertRejects(
      () => start(backend, model, 2).next(),
      Error,
      "Cannot train: got a model that a training is under way of",
    );
    const scoring = scoreTokens(backend, model, tokens, { weights: initialWeights(shape, 2) });
    await assertRejects(() => scoring, Error, "Cannot score: got a model that a training is under way of");
    if (metrics.step === 1) assert(Number.isFinite((await scoreTokens(backend, model, tokens)).nats));
    // What only reads the weights shares them.
    assert(Number.isFinite(await evaluator.meanLoss(fixedBatches(tokens, { ...shape, seqLen: 6, batchSize: 2 }, 1))));
    const options = { temperature: 1, topP: 1, maxTokens: 2, seed: 0 };
    assertEquals((await Array.fromAsync(generator.generate([1], options))).length, 2);
    // Another model, and the same one on another backend, are none of its business.
    if (metrics.step === 0) {
      await using other = await createWasmBackend({ workers: 1 });
      assertEquals(losses(await Array.fromAsync(start(other, model))), expected);
      assertEquals(losses(await Array.fromAsync(start(backend, new Transformer(shape)))), expected);
    }
  }
  assertEquals(losses(seen), expected);
  assertEquals(losses(await Array.fromAsync(start(backend, model))), expected);
});

Deno.test("a training that was given up, or failed, leaves its model free", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const model = new Transformer(shape);
  const expected = losses(await Array.fromAsync(start(backend, model)));
  for await (const _ of start(backend, model)) break;
  const failing = train({
    ...{ backend, model, config, train: tokens },
    weights: () => {
      throw new UserError("Cannot read weights");
    },
  });
  await assertRejects(() => failing.next(), UserError, "Cannot read weights");
  // One that nobody has begun to read takes nothing.
  start(backend, model);
  assertEquals(losses(await Array.fromAsync(start(backend, model))), expected);
});
