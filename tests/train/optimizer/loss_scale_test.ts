import { assert, assertEquals } from "@std/assert";
import type { Backend } from "../../../lib/backend/backend.ts";
import { createWebGpuBackend } from "../../../lib/backend/webgpu.ts";
import { randomBatch } from "../../../lib/dataset/batches.ts";
import { tokensInMemory } from "../../../lib/dataset/token_source.ts";
import { wholeOf } from "../../../lib/graph/program.ts";
import { BYTES_PER_ELEMENT, type DeviceStorage, Tensor } from "../../../lib/graph/tensor.ts";
import { Transformer } from "../../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../../lib/model/weights.ts";
import { appendAdvance, ratesOf } from "../../../lib/train/optimizer/advance_schedule.ts";
import { adamwOptimizer, adamwSchedule } from "../../../lib/train/optimizer/adamw.ts";
import { lossScaleUpdate } from "../../../lib/train/optimizer/loss_scale.ts";
import { Trainer, type TrainerOptions } from "../../../lib/train/trainer.ts";
import { assertClose, UNIT_ROUNDOFF } from "../../harness/assert_close.ts";
import { gpuTest, halfTest } from "../../harness/gpu.ts";
import { GraphRun, type Trace } from "../../harness/graph_run.ts";
import { Random } from "../../harness/random.ts";

const model = { vocabSize: 13, contextLength: 6, dModel: 8, numLayers: 2, numHeads: 2, dFf: 12, ropeTheta: 10000 };
const tokens = tokensInMemory(new Random(3).integers(200, model.vocabSize));
const optimizer = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 };

/** The update of the scale, and what AdamW then gets, on given arrays. */
function traceUpdate(norm: number, state: readonly number[], growthSteps: number, maxNorm: number) {
  return (trace: Trace) => {
    const clip = new Tensor("clip", [2]);
    const scale = trace.state("state", [4], Float32Array.from(state));
    trace.graph.call(lossScaleUpdate, {
      inputs: { norms: trace.input("norms", [2], Float32Array.of(norm, 7)) },
      outputs: { state: scale, clip },
      constants: { N: 4, growthSteps, maxNorm },
    });
    const schedule = trace.input("schedule", [3], Float32Array.of(0.5, 6, 6));
    const rates = trace.input("rates", [3, 2], Float32Array.from(ratesOf(adamwOptimizer.schedule(optimizer))));
    return { state: scale, clip, told: appendAdvance(trace.graph, { clip, schedule, rates }, scale, 2) };
  };
}

gpuTest(
  "the loss's scale grows after good steps, halves at an overflow, and AdamW's corrections count updates",
  async () => {
    await using backend = await createWebGpuBackend();
    const update = async (norm: number, state: readonly number[], growthSteps = 3, maxNorm = 1) => {
      const run = await GraphRun.load(backend, traceUpdate(norm, state, growthSteps, maxNorm));
      const results = await run.run();
      run.release();
      return results;
    };
    let state: readonly number[] = [8, 0, 0, 0];
    const scales: number[] = [];
    for (let t = 1; t <= 7; t++) {
      const { state: after, clip, told } = await update(16, state);
      // The norm is 16 / scale; it is clipped to 1 where it is above, and the factor takes the scale off.
      const norm = 16 / state[0];
      assertClose(
        clip,
        [norm, Math.min(1, 1 / (norm + 1e-6)) / state[0]],
        { relative: 4 * UNIT_ROUNDOFF },
        `step ${t}`,
      );
      // Two roundings at each of t steps.
      const corrections = adamwSchedule(0.5, t, optimizer);
      assertClose(told, corrections, { relative: (2 * t + 2) * UNIT_ROUNDOFF }, `corrections of update ${t}`);
      state = [...after];
      scales.push(state[0]);
    }
    assertEquals(scales, [8, 8, 16, 16, 16, 32, 32]);

    for (const norm of [Infinity, NaN, -Infinity]) {
      const { state: after, clip, told } = await update(norm, state);
      assertEquals([...after], [16, 0, state[2], state[3]]);
      assertEquals([clip[1], told[0]], [0, 0.5]);
      assert(!Number.isFinite(clip[0]));
    }
    assertEquals((await update(NaN, [2 ** -14, 5, 0.1, 0.2])).state[0], 2 ** -14, "it does not vanish");
    assertEquals((await update(1, [2 ** 24, 2, 0.1, 0.2])).state[0], 2 ** 24, "it does not overflow");
  },
);

/** A trainer of the model in f16. */
async function trainerInHalf(backend: Backend, options: Partial<TrainerOptions>) {
  const transformer = new Transformer(model);
  const all = { batchSize: 4, optimizer, maxGradNorm: 1, logCapacity: 64, precision: "f16" as const, ...options };
  const trainer = await Trainer.create(backend, transformer, all);
  await writeWeights(backend, transformer, initialWeights(model, 1));
  const shape = { batchSize: 4 * (all.gradAccumulation ?? 1), seqLen: model.contextLength, vocabSize: model.vocabSize };
  // One read for each storage: a GPU takes as long for a few numbers as for many.
  const read = async (tensors: ReadonlyMap<string, Tensor>) => {
    const storages = new Set(tensors.values().map(({ placement }) => placement!.storage));
    const whole = new Map<DeviceStorage, Float32Array>();
    for (const storage of storages) whole.set(storage, await backend.read(wholeOf(storage)) as Float32Array);
    return new Map([...tensors].map(([name, { placement, size }]): [string, Float32Array<ArrayBuffer>] => {
      const first = placement!.byteOffset / BYTES_PER_ELEMENT;
      return [name, new Float32Array(whole.get(placement!.storage)!.subarray(first, first + size))];
    }));
  };
  return {
    trainer,
    transformer,
    step: async (step: number) => await trainer.step(await randomBatch(tokens, shape, 2, step), 0.01),
    weights: () => read(transformer.parameters.parts),
    state: () => read(trainer.optimizerState),
  };
}

halfTest(
  "steps whose gradients overflow change neither weights nor moments, and the scale comes down until they fit",
  async () => {
    await using backend = await createWebGpuBackend();
    for (const kind of ["adamw", "muon", "sgd"] as const) {
      const lossScale = { initial: 2 ** 24, growthSteps: 1000 };
      const { trainer, step, weights, state } = await trainerInHalf(backend, {
        optimizer: { ...optimizer, optimizer: kind },
        lossScale,
      });
      let before = [await weights(), await state()];
      let skipped = 0;
      for (let i = 0; i < 16; i++) {
        await step(i);
        const [{ loss, gradNorm, ...result }] = await trainer.takeLog();
        assert(Number.isFinite(loss));
        const [changed, moments] = [await weights(), await state()];
        if (result.skipped) {
          skipped++;
          assert(!Number.isFinite(gradNorm));
          assertEquals(changed, before[0]);
          assertEquals(moments.get("loss_scale")![0], before[1].get("loss_scale")![0] / 2);
          moments.delete("loss_scale");
          before[1].delete("loss_scale");
          assertEquals(moments, before[1]);
        } else {
          assert(Number.isFinite(gradNorm) && gradNorm > 0);
          assert(changed.get("lm_head.weight")!.some((value, j) => value !== before[0].get("lm_head.weight")![j]));
        }
        before = [changed, await state()];
      }
      assert(skipped > 0 && skipped < 16, `${skipped} of 16 steps were skipped`);
      trainer[Symbol.dispose]();
    }
  },
);

for (const gradAccumulation of [1, 3]) {
  halfTest(
    `training in f16 goes on with the same bits where another trainer stood, ${gradAccumulation} batches a step`,
    async () => {
      await using backend = await createWebGpuBackend();
      const options = { gradAccumulation, lossScale: { initial: 2 ** 19, growthSteps: 2 } };
      const whole = await trainerInHalf(backend, options);
      for (let i = 0; i < 9; i++) await whole.step(i);
      const log = await whole.trainer.takeLog();
      assert(log.some(({ skipped }) => skipped) && !log.every(({ skipped }) => skipped), "the scale was never halved");
      const expected = [await whole.weights(), await whole.state()];

      const first = await trainerInHalf(backend, options);
      for (let i = 0; i < 5; i++) await first.step(i);
      const [weights, state] = [await first.weights(), await first.state()];
      const second = await trainerInHalf(backend, options);
      await writeWeights(backend, second.transformer, (name) => Promise.resolve(weights.get(name)!));
      await second.trainer.restore(5, (name) => Promise.resolve(state.get(name)!));
      for (let i = 5; i < 9; i++) await second.step(i);
      assertEquals([await second.weights(), await second.state()], expected);
      for (const { trainer } of [whole, first, second]) trainer[Symbol.dispose]();
    },
  );
}
