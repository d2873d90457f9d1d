import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { randomBatch } from "../../lib/dataset/batches.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, readWeight, type WeightSource, writeWeights } from "../../lib/model/weights.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { DivergenceError } from "../../lib/train/divergence.ts";
import { train } from "../../lib/train/train.ts";
import { Trainer, type TrainerOptions } from "../../lib/train/trainer.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachBackend, forEachDevice } from "../harness/backends.ts";
import { Random } from "../harness/random.ts";

const model = { vocabSize: 13, contextLength: 6, dModel: 8, numLayers: 2, numHeads: 2, dFf: 12, ropeTheta: 10000 };
const tokens = tokensInMemory(new Random(3).integers(200, model.vocabSize));
const optimizer = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };

/** Takes steps with batches of 6 sequences; returns losses, norms and final weights. */
async function takeSteps(backend: Backend, steps: number, options: Partial<TrainerOptions>) {
  const transformer = new Transformer(model);
  const all = { batchSize: 6, optimizer, maxGradNorm: 1, logCapacity: steps, ...options };
  const trainer = await Trainer.create(backend, transformer, all);
  await writeWeights(backend, transformer, initialWeights(model, 1));
  const shape = { batchSize: 6, seqLen: model.contextLength, vocabSize: model.vocabSize };
  for (let step = 0; step < steps; step++) await trainer.step(await randomBatch(tokens, shape, 2, step), 0.01);
  const log = await trainer.takeLog();
  // All at once: WebGPU in Deno answers each read 10 ms later.
  const weights = new Map(
    await Promise.all(
      parameterSpecs(model).map(async ({ name }): Promise<[string, Float32Array]> => {
        return [name, await readWeight(backend, transformer, name)];
      }),
    ),
  );
  trainer[Symbol.dispose]();
  return { losses: log.map(({ loss }) => loss), norms: log.map(({ gradNorm }) => gradNorm), weights };
}

forEachBackend("accumulated gradients of small batches give the steps of the large batch", async (backend) => {
  for (const kind of ["adamw", "muon", "sgd"] as const) {
    const whole = await takeSteps(backend, 3, { optimizer: { ...optimizer, optimizer: kind } });
    for (const gradAccumulation of [2, 3, 6]) {
      const parts = await takeSteps(backend, 3, {
        batchSize: 6 / gradAccumulation,
        gradAccumulation,
        optimizer: { ...optimizer, optimizer: kind },
      });
      const label = `${kind}, ${gradAccumulation} batches`;
      // Sums of the same 36 terms in another order, through three steps; AdamW's division makes small gradients count.
      const tolerance = { absolute: 2000 * UNIT_ROUNDOFF, relative: 2000 * UNIT_ROUNDOFF };
      assertClose(parts.losses, whole.losses, tolerance, label);
      assertClose(parts.norms, whole.norms, tolerance, label);
      for (const [name, weight] of whole.weights) {
        assertClose(parts.weights.get(name)!, weight, tolerance, `${label}, ${name}`);
      }
    }
  }
});

forEachBackend(
  "with decay on matrices only, norms' weights go as without decay, matrices as with it",
  async (backend) => {
    for (const kind of ["adamw", "muon", "sgd"] as const) {
      // One step: later ones see each other's changes through the gradients.
      const run = (more: object) => takeSteps(backend, 1, { optimizer: { ...optimizer, optimizer: kind, ...more } });
      const [matrices, all, none] = [await run({ decay: "matrices" }), await run({}), await run({ weightDecay: 0 })];
      for (const { name, shape } of parameterSpecs(model)) {
        const expected = shape.length > 1 ? all : none;
        const other = shape.length > 1 ? none : all;
        assertEquals(matrices.weights.get(name), expected.weights.get(name), `${kind}: ${name}`);
        assert(matrices.weights.get(name)!.some((value, i) => value !== other.weights.get(name)![i]), name);
      }
    }
  },
);

forEachBackend("sgd moves each weight by learning rate and clipped gradient", async (backend) => {
  const start = initialWeights(model, 1);
  const { weights, norms } = await takeSteps(backend, 1, {
    optimizer: { ...optimizer, optimizer: "sgd", weightDecay: 0 },
    maxGradNorm: 0.5,
  });
  // The way that all weights went together is as long as the learning rate times the norm that was left.
  let squares = 0;
  for (const { name, shape } of parameterSpecs(model)) {
    const before = await start(name, shape);
    weights.get(name)!.forEach((after, i) => squares += (after - before[i]) ** 2);
  }
  assert(norms[0] > 0.5, "nothing was clipped");
  assertClose([Math.sqrt(squares)], [0.01 * 0.5], { relative: 1e-3 });
});

forEachBackend("a largest norm of 0 clips nothing, and the norm is measured all the same", async (backend) => {
  // Gradient descent: AdamW's steps are nearly the same whatever the gradients are multiplied with.
  const run = (maxGradNorm: number) =>
    takeSteps(backend, 2, { optimizer: { ...optimizer, optimizer: "sgd" }, maxGradNorm });
  const [none, loose, tight] = [await run(0), await run(1e6), await run(0.01)];
  assertEquals(none, loose);
  assert(none.norms.every((norm) => norm > 0.01), "nothing was there to be clipped");
  assert(none.losses[1] !== tight.losses[1], "clipping made no difference");
});

/** Trains a few steps from weights of which some are filled with other values. */
async function trainSpoiled(backend: Backend, spoiled: Readonly<Record<string, number>>) {
  const good = initialWeights(model, 1);
  const weights: WeightSource = async (name, shape) => {
    const array = await good(name, shape);
    return name in spoiled ? array.fill(spoiled[name]) : array;
  };
  let steps = 0;
  // A checkpoint at every step: a GPU then reads back at every step.
  const config = { ...TRAINING_DEFAULTS, steps: 3, batchSize: 2, saveEvery: 1 };
  const error = await assertRejects(async () => {
    for await (const _ of train({ backend, model: new Transformer(model), config, weights, train: tokens })) steps++;
  }, DivergenceError);
  assertEquals([error.step, steps], [0, 0]);
  return error;
}

forEachDevice("a loss that is not finite stops training, and the weight it began in is named", async (backend) => {
  for (const name of ["token_embeddings.weight", "layers.1.ffn.w1.weight", "lm_head.weight"]) {
    const { message, origin } = await trainSpoiled(backend, { "lm_head.weight": NaN, [name]: NaN });
    assertMatch(
      message,
      new RegExp(`at step 1 .*began in ${name} .*The weights were NaN or infinite before this step`),
    );
    assertMatch(origin!, /\((\d+) of \1 values\)/);
  }
  const { origin } = await trainSpoiled(backend, {
    "layers.0.ln2.weight": Infinity,
    "layers.1.attn.q_proj.weight": NaN,
  });
  assertEquals(origin, "layers.0.ln2.weight (8 of 8 values)");
});

forEachDevice("an activation that is not finite is named by its op and parameter", async (backend) => {
  const weights = { "layers.0.attn.v_proj.weight": 1e30, "layers.0.attn.output_proj.weight": 1e30 };
  const { message, origin } = await trainSpoiled(backend, weights);
  assertEquals(origin, "the output of linear with layers.0.attn.output_proj.weight");
  assertMatch(message, /lower lr/);
});

forEachDevice("an absurd learning rate stops training at the next step, where scores overflow", async (backend) => {
  const weights = initialWeights(model, 1);
  const options = { steps: 5, batchSize: 2, saveEvery: 1, lr: 1e12, minLr: 1e12, warmupSteps: 0 };
  const config = { ...TRAINING_DEFAULTS, ...options };
  const error = await assertRejects(
    () => Array.fromAsync(train({ backend, model: new Transformer(model), config, weights, train: tokens })),
    DivergenceError,
  );
  // Weights of 1e12 make queries and keys whose products no f32 holds.
  assertEquals([error.step, error.origin], [1, "the output of attention, after layers.0.attn.v_proj.weight"]);
  assertMatch(error.message, /learning rate 1\.00e\+12.*lower lr/);
});

forEachDevice("a gradient that is not finite stops training, and the first one is named", async (backend) => {
  // Layer 1's attention sees zeros and gives zeros, so the loss is fine; but the gradient on its way back to the zeros is
  // multiplied by 1e30 twice, and layer 0 is spoiled with it.
  const { origin } = await trainSpoiled(backend, {
    "layers.1.ln1.weight": 0,
    "layers.1.attn.v_proj.weight": 1e30,
    "layers.1.attn.output_proj.weight": 1e30,
  });
  assertEquals(origin, "the gradient of layers.1.ln1.weight");
});
