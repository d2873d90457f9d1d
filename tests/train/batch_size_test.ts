// Programs are made for batches of one size: another one is refused, and changes nothing.
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Batch, fixedBatches, randomBatch } from "../../lib/dataset/batches.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { OptionError } from "../../lib/errors.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { Evaluator } from "../../lib/evaluate/evaluator.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { Random } from "../harness/random.ts";

const model = { vocabSize: 13, contextLength: 6, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12, ropeTheta: 10000 };
const tokens = tokensInMemory(new Random(3).integers(200, model.vocabSize));
const shapeOf = (batchSize: number) => ({ batchSize, seqLen: model.contextLength, vocabSize: model.vocabSize });

Deno.test("an evaluator refuses batches of another size than its program's", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const transformer = new Transformer(model);
  using evaluator = await Evaluator.create(backend, transformer, 4);
  await writeWeights(backend, transformer, initialWeights(model, 1));
  const loss = () => evaluator.meanLoss(fixedBatches(tokens, shapeOf(4), 2));
  const before = await loss();
  assert(Number.isFinite(before));
  for (const size of [2, 8, 0]) {
    const batches = async function* (): AsyncGenerator<Batch> {
      const ids = new Uint32Array(size * model.contextLength);
      yield { ids, targets: ids };
    };
    const error = await assertRejects(() => evaluator.meanLoss(batches()), OptionError);
    assertStringIncludes(error.message, `got ${6 * size} ids and ${6 * size} targets, must be 24 of each`);
  }
  assertEquals(await loss(), before);
});

Deno.test("a trainer refuses batches of another size, and rates that are no rates, and then goes on as it was", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  for (const gradAccumulation of [1, 2]) {
    const losses = async (refused: boolean) => {
      const transformer = new Transformer(model);
      const optimizer = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };
      const options = { batchSize: 4 / gradAccumulation, gradAccumulation, optimizer, maxGradNorm: 1, logCapacity: 4 };
      using trainer = await Trainer.create(backend, transformer, options);
      await writeWeights(backend, transformer, initialWeights(model, 1));
      for (let step = 0; step < 3; step++) {
        const batch = await randomBatch(tokens, shapeOf(4), 2, step);
        if (refused) {
          for (const size of [2, 8]) {
            const wrong = await randomBatch(tokens, shapeOf(size), 2, step);
            const error = await assertRejects(() => trainer.step(wrong, 0.01), OptionError);
            assertStringIncludes(error.message, `got ${6 * size} ids and ${6 * size} targets, must be 24 of each`);
          }
          const lame = { ids: batch.ids, targets: batch.targets.subarray(1) };
          await assertRejects(() => trainer.step(lame, 0.01), OptionError, "got 24 ids and 23 targets");
          for (const lr of [NaN, Infinity, -0.1, 1e300]) {
            await assertRejects(() => trainer.step(batch, lr), OptionError, `got learning rate ${lr}, must be`);
          }
        }
        await trainer.step(batch, step === 2 ? 0 : 0.01);
      }
      const log = await trainer.takeLog();
      transformer.release(backend);
      return log;
    };
    assertEquals(await losses(true), await losses(false));
  }
});
