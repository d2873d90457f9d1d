import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Backend } from "../../../lib/backend/backend.ts";
import { createWasmBackend } from "../../../lib/backend/wasm.ts";
import { createWebGpuBackend } from "../../../lib/backend/webgpu.ts";
import { randomBatch } from "../../../lib/dataset/batches.ts";
import { tokensInMemory } from "../../../lib/dataset/token_source.ts";
import { OptionError } from "../../../lib/errors.ts";
import { wholeOf } from "../../../lib/graph/program.ts";
import { BYTES_PER_ELEMENT, type DeviceStorage, type Tensor } from "../../../lib/graph/tensor.ts";
import { type ParameterSpec, parameterSpecs } from "../../../lib/model/parameters.ts";
import { Transformer } from "../../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../../lib/model/weights.ts";
import { CheckpointTensors, readCheckpoint, writeCheckpoint } from "../../../lib/run/checkpoint.ts";
import { TRAINING_DEFAULTS } from "../../../lib/train/config.ts";
import { recordOf } from "../../../lib/run/data_record.ts";
import type { OptimizerDefinition } from "../../../lib/train/optimizer/definition.ts";
import type { ParameterGroup } from "../../../lib/train/optimizer/groups.ts";
import { OPTIMIZER_NAMES } from "../../../lib/train/optimizer/registry.ts";
import { sgdOptimizer, type SgdOptions } from "../../../lib/train/optimizer/sgd.ts";
import { Trainer, type TrainerOptions } from "../../../lib/train/trainer.ts";
import { forEachBackend, forEachDevice } from "../../harness/backends.ts";
import { halfTest } from "../../harness/gpu.ts";
import { Random } from "../../harness/random.ts";

const model = { vocabSize: 13, contextLength: 6, dModel: 8, numLayers: 2, numHeads: 2, dFf: 12, ropeTheta: 10000 };
const tokens = tokensInMemory(new Random(3).integers(200, model.vocabSize));
const specs = parameterSpecs(model);
const SHAPE = { batchSize: 4, seqLen: model.contextLength, vocabSize: model.vocabSize };

const isMatrix = ({ shape }: ParameterSpec) => shape.length > 1;
const ADAMW = { optimizer: "adamw", beta1: 0.8, beta2: 0.9, weightDecay: 0.2, decay: "matrices" } as const;
const SGD = { optimizer: "sgd", weightDecay: 0.05 } as const;
/** Attention's matrices lie between the others, so that neither group is one stretch of memory. */
const GROUPS: readonly ParameterGroup[] = [
  { ...SGD, parameters: ({ name }) => name.includes(".attn.") },
  ADAMW,
];
const isSgds = (name: string) => name.includes(".attn.");

/** A trainer, and what a test reads of it. */
async function trainerOf(backend: Backend, optimizer: TrainerOptions["optimizer"], more: Partial<TrainerOptions> = {}) {
  const transformer = new Transformer(model);
  const options = { batchSize: 4, optimizer, maxGradNorm: 1, logCapacity: 64, ...more };
  const trainer = await Trainer.create(backend, transformer, options);
  await writeWeights(backend, transformer, initialWeights(model, 1));
  // One read for each storage: a GPU takes as long for a few numbers as for many.
  const read = async (tensors: ReadonlyMap<string, Tensor>) => {
    const storages = new Set(tensors.values().map(({ placement }) => placement!.storage));
    const whole = new Map<DeviceStorage, Float32Array>();
    for (const storage of storages) whole.set(storage, Float32Array.from(await backend.read(wholeOf(storage))));
    return new Map([...tensors].map(([name, { placement, size }]) => {
      const first = placement!.byteOffset / BYTES_PER_ELEMENT;
      return [name, new Float32Array(whole.get(placement!.storage)!.subarray(first, first + size))] as const;
    }));
  };
  return {
    trainer,
    transformer,
    step: async (step: number, lr = 0.01) => await trainer.step(await randomBatch(tokens, SHAPE, 2, step), lr),
    weights: () => read(transformer.parameters.parts),
    state: () => read(trainer.optimizerState),
    setWeights: (weights: ReadonlyMap<string, Float32Array<ArrayBuffer>>) =>
      writeWeights(backend, transformer, (name) => Promise.resolve(weights.get(name)!)),
    [Symbol.dispose]: () => trainer[Symbol.dispose](),
  };
}

/** Lets optimizers side by side, and each alone, take steps from the same weights: they then see the same gradients. */
async function compareWithEachAlone(backend: Backend, steps: number, more: Partial<TrainerOptions>) {
  using both = await trainerOf(backend, GROUPS, more);
  using adamw = await trainerOf(backend, ADAMW, more);
  using sgd = await trainerOf(backend, SGD, more);
  for (let step = 0; step < steps; step++) {
    const before = await both.weights();
    for (const { setWeights, step: take } of [both, adamw, sgd]) {
      // The first one's too: the float64 reference holds more than was read.
      await setWeights(before);
      await take(step);
    }
    const alone = { adamw: await adamw.weights(), sgd: await sgd.weights() };
    for (const [name, weight] of await both.weights()) {
      assertEquals(weight, (isSgds(name) ? alone.sgd : alone.adamw).get(name), `${name} after step ${step}`);
    }
    // AdamW's moments: only of its own parameters, and the same as when it has all.
    const state = await both.state();
    const expected = [...await adamw.state()].filter(([name]) => !isSgds(name));
    assertEquals([...state], expected, `state after step ${step}`);
  }
  const logs = [await both.trainer.takeLog(), await adamw.trainer.takeLog(), await sgd.trainer.takeLog()];
  assertEquals(logs[1], logs[0]);
  assertEquals(logs[2], logs[0]);
  return logs[0];
}

forEachBackend("two optimizers, each on its own parameters, do what each does alone", async (backend) => {
  for (const gradAccumulation of [1, 2]) {
    const batchSize = 4 / gradAccumulation;
    // A norm below all gradients': it is that of all parameters, in both groups.
    await compareWithEachAlone(backend, 3, { gradAccumulation, batchSize, maxGradNorm: 0.1 });
  }
});

halfTest("in f16 an overflow skips the update of every optimizer, and none counts it", async () => {
  await using backend = await createWebGpuBackend();
  const lossScale = { initial: 2 ** 22, growthSteps: 3 };
  const log = await compareWithEachAlone(backend, 9, { precision: "f16", lossScale });
  const skipped = log.filter(({ skipped }) => skipped).length;
  assert(skipped > 0 && skipped < log.length, `${skipped} of ${log.length} steps were skipped`);
});

/** Two of the same optimizer, with different settings. */
const TWO_ADAMS: readonly ParameterGroup[] = [
  { ...ADAMW, parameters: isMatrix, lrScale: 0.5 },
  { ...ADAMW, beta1: 0.5, beta2: 0.7, parameters: (spec) => !isMatrix(spec) },
];

for (const groups of [GROUPS, TWO_ADAMS]) {
  const names = groups.map(({ optimizer }) => optimizer).join(" and ");
  forEachDevice(`a checkpoint of ${names} goes on with the same bits`, async (backend) => {
    const directory = await Deno.makeTempDir();
    try {
      using whole = await trainerOf(backend, groups);
      for (let step = 0; step < 6; step++) await whole.step(step);

      using first = await trainerOf(backend, groups);
      for (let step = 0; step < 3; step++) await first.step(step);
      const config = {
        model,
        training: TRAINING_DEFAULTS,
        data: { train: await recordOf(tokens) },
        backend: "wasm",
      } as const;
      const snapshot = { step: 3, seconds: 1 };
      const tensors = { weights: first.transformer.parameters.parts, optimizer: first.trainer.optimizerState };
      await writeCheckpoint(directory, backend, { ...snapshot, ...tensors }, { ...snapshot, config });

      using second = await trainerOf(backend, groups);
      using saved = await CheckpointTensors.open(await readCheckpoint(`${directory}/step-000000003`));
      await writeWeights(backend, second.transformer, saved.weights);
      await second.trainer.restore(3, saved.optimizer);
      for (let step = 3; step < 6; step++) await second.step(step);
      assertEquals([await second.weights(), await second.state()], [await whole.weights(), await whole.state()]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

halfTest("in f16 two optimizers go on with the same bits, each with its own counts of updates", async () => {
  await using backend = await createWebGpuBackend();
  const more = { precision: "f16", lossScale: { initial: 2 ** 22, growthSteps: 2 } } as const;
  using whole = await trainerOf(backend, TWO_ADAMS, more);
  for (let step = 0; step < 8; step++) await whole.step(step);
  using first = await trainerOf(backend, TWO_ADAMS, more);
  for (let step = 0; step < 5; step++) await first.step(step);
  const [weights, state] = [await first.weights(), await first.state()];
  assert((await first.trainer.takeLog()).some(({ skipped }) => skipped), "no step was skipped");
  const [, , ...counts] = state.get("loss_scale")!;
  assertEquals(counts.length, 4);
  assertEquals(new Set(counts).size, 4, "each has its own");
  using second = await trainerOf(backend, TWO_ADAMS, more);
  await second.setWeights(weights);
  await second.trainer.restore(5, (name) => Promise.resolve(state.get(name)!));
  for (let step = 5; step < 8; step++) await second.step(step);
  assertEquals([await second.weights(), await second.state()], [await whole.weights(), await whole.state()]);
});

Deno.test("a single optimizer's state has the names and shapes that checkpoints have always had", async () => {
  await using backend = await createWasmBackend();
  const named = async (optimizer: "adamw" | "sgd") => {
    using trainer = await trainerOf(backend, { optimizer });
    return [...trainer.trainer.optimizerState].map(([name, { shape }]) => ({ name, shape }));
  };
  const moments = ["first_moment", "second_moment"].flatMap((kind) =>
    specs.map(({ name, shape }) => ({ name: `${kind}.${name}`, shape }))
  );
  assertEquals(await named("adamw"), moments);
  assertEquals(await named("sgd"), []);
});

halfTest(
  "in f16 the loss's scale is saved as four numbers, as it was when AdamW's counts were always there",
  async () => {
    await using backend = await createWebGpuBackend();
    for (const optimizer of ["adamw", "sgd"] as const) {
      using trainer = await trainerOf(backend, { optimizer }, { precision: "f16" });
      assertEquals(trainer.trainer.optimizerState.get("loss_scale")!.shape, [4], optimizer);
    }
  },
);

Deno.test("a group's learning rate is its share of the step's", async () => {
  await using backend = await createWasmBackend();
  using scaled = await trainerOf(backend, [{ ...SGD, lrScale: 0.25 }]);
  using plain = await trainerOf(backend, SGD);
  await scaled.step(0, 0.5);
  await plain.step(0, 0.125);
  assertEquals(await scaled.weights(), await plain.weights());
  await assertRejects(() => trainerOf(backend, [{ ...SGD, lrScale: 0 }]), OptionError, "got lrScale 0");
});

Deno.test("an optimizer of one's own may see each parameter in its shape, and says which it takes", async () => {
  await using backend = await createWasmBackend();
  const shapes: (readonly number[])[] = [];
  const own: OptimizerDefinition<SgdOptions> = {
    ...sgdOptimizer,
    name: "own",
    perParameter: true,
    takes: isMatrix,
    update(graph, tensors, numbers) {
      shapes.push(tensors.parameters.shape);
      sgdOptimizer.update(graph, tensors, numbers);
    },
  };
  const { optimizer: _, ...numbers } = SGD;
  using both = await trainerOf(backend, [{ ...numbers, optimizer: own }, {
    ...SGD,
    parameters: (spec) => !isMatrix(spec),
  }]);
  assertEquals(shapes, specs.filter(isMatrix).map(({ shape }) => shape));
  using plain = await trainerOf(backend, SGD);
  for (const { step } of [both, plain]) await step(0);
  assertEquals(await both.weights(), await plain.weights());
  const alone = await assertRejects(() => trainerOf(backend, { ...numbers, optimizer: own }), OptionError);
  assertStringIncludes(alone.message, "got layers.0.ln1.weight in no group, must be in one");
});

Deno.test("parameters that are not divided, and numbers that cannot work, are refused by name", async () => {
  await using backend = await createWasmBackend();
  const refused = async (groups: readonly ParameterGroup[], says: string) => {
    const { message } = await assertRejects(() => trainerOf(backend, groups), OptionError);
    assertStringIncludes(message, says);
  };
  const embeddings = ["token_embeddings.weight"];
  await refused(
    [{ ...ADAMW, parameters: isMatrix }],
    "Cannot divide parameters among optimizers: got layers.0.ln1.weight in no group, must be in one",
  );
  await refused([ADAMW, SGD], "got token_embeddings.weight in groups 1 (adamw) and 2 (sgd), must be in one");
  await refused(
    [{ ...ADAMW, parameters: isMatrix }, { ...SGD, parameters: embeddings }, SGD],
    "got token_embeddings.weight in groups 1 (adamw) and 2 (sgd), must be in one",
  );
  await refused([ADAMW, { ...SGD, parameters: ["lm_head"] }], 'got "lm_head", which the model does not have');
  await refused([ADAMW, { ...SGD, parameters: [] }], "got no parameter in group 2 (sgd)");
  await refused([], "got token_embeddings.weight in no group");
  await refused([{ ...ADAMW, beta2: 1 }], "got beta2 1, must be a number at least 0 and below 1");
  // Somebody may well write it without types.
  await refused(
    [{ optimizer: "adam" as "adamw" }],
    `got optimizer "adam", must be one of ${OPTIMIZER_NAMES.join(", ")}`,
  );
});
