import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { randomBatch } from "../../lib/dataset/batches.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { OptionError } from "../../lib/errors.ts";
import { viewOf } from "../../lib/graph/program.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, readWeight, writeWeights } from "../../lib/model/weights.ts";
import { TRAINING_DEFAULTS, validateTrainingConfig } from "../../lib/train/config.ts";
import { Trainer, type TrainerOptions } from "../../lib/train/trainer.ts";
import { forEachDevice } from "../harness/backends.ts";
import { Random } from "../harness/random.ts";

const MODEL = { vocabSize: 13, contextLength: 6, dModel: 8, numLayers: 2, numHeads: 2, dFf: 12, ropeTheta: 10000 };
const SHAPE = { batchSize: 4, seqLen: MODEL.contextLength, vocabSize: MODEL.vocabSize };
const TOKENS = tokensInMemory(new Random(3).integers(200, MODEL.vocabSize));
const DROPOUT = { dropout: 0.3, seed: 2 ** 40 + 5 };

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** Takes steps, from `first` on; returns their losses, the weights, and the optimizer's state. */
async function takeSteps(
  backend: Backend,
  count: number,
  options: Partial<TrainerOptions> = {},
  from?: { readonly step: number; readonly weights: Float32Array[]; readonly state: ReadonlyMap<string, Float32Array> },
) {
  const model = new Transformer(MODEL);
  const { step: first = 0 } = from ?? {};
  const all = {
    batchSize: 4,
    optimizer: TRAINING_DEFAULTS,
    maxGradNorm: 1,
    logCapacity: count,
    ...DROPOUT,
    ...options,
  };
  using trainer = await Trainer.create(backend, model, all);
  const names = [...model.parameters.parts.keys()];
  const initial = initialWeights(MODEL, 1);
  await writeWeights(backend, model, (name, shape) => from?.weights[names.indexOf(name)] ?? initial(name, shape));
  if (from) await trainer.restore(first, (name) => from.state.get(name)!);
  const perStep = all.batchSize * (all.gradAccumulation ?? 1);
  for (let step = first; step < first + count; step++) {
    await trainer.step(await randomBatch(TOKENS, { ...SHAPE, batchSize: perStep }, 2, step), 0.01);
  }
  const losses = (await trainer.takeLog()).map(({ loss }) => loss);
  const weights = await Promise.all(names.map((name) => readWeight(backend, model, name)));
  const state = new Map<string, Float32Array>();
  for (const [name, tensor] of trainer.optimizerState) {
    state.set(name, await backend.read(viewOf(tensor, tensor.placement!)) as Float32Array);
  }
  model.release(backend);
  return { losses, weights, state };
}

Deno.test("training with dropout gives the same bits for any number of workers, and after going on", async () => {
  await using one = await createWasmBackend({ workers: 1 });
  const whole = await takeSteps(one, 5);
  await using three = await createWasmBackend({ workers: 3 });
  assertEquals(await takeSteps(three, 5), whole);
  const half = await takeSteps(one, 2);
  const rest = await takeSteps(one, 3, {}, { step: 2, ...half });
  assertEquals([...half.losses, ...rest.losses], whole.losses);
  assertEquals(rest.weights, whole.weights);
});

forEachDevice(
  "dropout changes a training, by its rate and its seed, and a rate of 0 changes nothing",
  async (backend) => {
    const losses = async (options: Partial<TrainerOptions>) => (await takeSteps(backend, 2, options)).losses;
    const plain = await losses({ dropout: undefined });
    assertEquals(await losses({ dropout: 0, seed: 7 }), plain);
    const dropped = await losses(DROPOUT);
    assert(!isSame(dropped, plain));
    assert(!isSame(await losses({ ...DROPOUT, seed: DROPOUT.seed + 1 }), dropped));
    assert(!isSame(await losses({ ...DROPOUT, dropout: 0.31 }), dropped));
    assert(dropped.every(Number.isFinite));
  },
);

Deno.test("each batch of a step drops other elements", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const model = new Transformer(MODEL);
  const options = { batchSize: 2, optimizer: TRAINING_DEFAULTS, maxGradNorm: 1, logCapacity: 2, ...DROPOUT };
  using twice = await Trainer.create(backend, model, { ...options, gradAccumulation: 2 });
  await writeWeights(backend, model, initialWeights(MODEL, 1));
  const { ids, targets } = await randomBatch(TOKENS, { ...SHAPE, batchSize: 2 }, 2, 0);
  const doubled = (array: Uint32Array) => Uint32Array.of(...array, ...array);
  // A rate of 0 leaves the weights, so that only the dropped elements differ.
  await twice.step({ ids: doubled(ids), targets: doubled(targets) }, 0);
  const [{ loss: mean }] = await twice.takeLog();
  using once = await Trainer.create(backend, model, options);
  await once.step({ ids, targets }, 0);
  await once.step({ ids, targets }, 0);
  const [first, second] = (await once.takeLog()).map(({ loss }) => loss);
  assert(!isSame(first, second));
  // The numbers of a step's batches go on from step to step: 0 and 1 here, and of two steps with one batch each.
  assert(Math.abs(mean - (first + second) / 2) < 1e-6, `${mean}, ${first}, ${second}`);
  model.release(backend);
});

Deno.test("dropout is refused of a model that does not drop, and where it is no share", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const options = { batchSize: 1, optimizer: TRAINING_DEFAULTS, maxGradNorm: 1, logCapacity: 1, ...DROPOUT };
  const model = new Transformer(MODEL);
  const forgetful = Object.create(model, { canDrop: { value: undefined } });
  await assertRejects(() => Trainer.create(backend, forgetful, options), OptionError, "does not say it canDrop");
  const ownLoss = Object.create(model, { loss: { value: () => undefined } });
  await assertRejects(() => Trainer.create(backend, ownLoss, options), OptionError, "a loss of its own");
  for (const rate of [-1, 1, NaN]) {
    await assertRejects(() => Trainer.create(backend, model, { ...options, dropout: rate }), OptionError);
    assertThrows(() => validateTrainingConfig({ ...TRAINING_DEFAULTS, dropout: rate }), OptionError, "below 1");
  }
});
