import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { randomBatch } from "../../lib/dataset/batches.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { OptionError } from "../../lib/errors.ts";
import type { Graph } from "../../lib/graph/graph.ts";
import type { Tensor } from "../../lib/graph/tensor.ts";
import { ParameterLayout } from "../../lib/model/parameters.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { readWeight, writeWeights } from "../../lib/model/weights.ts";
import { embedding } from "../../lib/ops/embedding.ts";
import { TRAINING_DEFAULTS, validateTrainingConfig } from "../../lib/train/config.ts";
import { Trainer, type TrainerOptions } from "../../lib/train/trainer.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { Random } from "../harness/random.ts";

const [V, T, B] = [13, 6, 4];
const TOKENS = tokensInMemory(new Random(3).integers(200, V));
const TABLE = new Random(4).normal(V * V).map((value) => 2 * value);
const OPTIONS = {
  batchSize: B,
  optimizer: { optimizer: "sgd", weightDecay: 0 },
  maxGradNorm: 0,
  logCapacity: 9,
} as const;
const Z = 0.03;

/** The logits of what follows a token are that token's row of a table. */
class Bigrams {
  readonly config = { architecture: "bigrams", vocabSize: V, contextLength: T };
  readonly parameters = new ParameterLayout("bigrams", [{ name: "table", shape: [V, V] }], true);

  forward(graph: Graph, ids: Tensor): Tensor {
    return embedding(graph, ids, this.parameters.part("table"));
  }

  release(backend: Backend): void {
    backend.release(this.parameters.flat.placement!.storage);
  }
}

const batchOf = (step: number, batchSize = B) => randomBatch(TOKENS, { batchSize, seqLen: T, vocabSize: V }, 2, step);

async function takeSteps(backend: Backend, count: number, options: Partial<TrainerOptions>, lr = 0.5) {
  const model = new Bigrams();
  const all: TrainerOptions = { ...OPTIONS, ...options };
  using trainer = await Trainer.create(backend, model, all);
  await writeWeights(backend, model, () => TABLE);
  for (let step = 0; step < count; step++) {
    await trainer.step(await batchOf(step, B * (all.gradAccumulation ?? 1)), lr);
  }
  const log = await trainer.takeLog();
  const table = await readWeight(backend, model, "table");
  model.release(backend);
  return { losses: log.map(({ loss }) => loss), table };
}

/** The table after one step of gradient descent on mean(−log softmax(row)[target] + z log²Z), in float64. */
function descend(ids: Uint32Array, targets: Uint32Array, lr: number, z: number): Float64Array {
  const table = Float64Array.from(TABLE);
  ids.forEach((id, i) => {
    const row = TABLE.subarray(id * V, (id + 1) * V);
    const logZ = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
    row.forEach((value, v) => {
      const slope = Math.exp(value - logZ) * (1 + 2 * z * logZ) - (v === targets[i] ? 1 : 0);
      table[id * V + v] -= lr * slope / ids.length;
    });
  });
  return table;
}

forEachDevice("a step with a z-loss is that of float64, and its loss is the cross-entropy", async (backend) => {
  const lr = 0.5;
  for (const gradAccumulation of [1, 2]) {
    const { ids, targets } = await batchOf(0, B * gradAccumulation);
    const { losses, table } = await takeSteps(backend, 1, { gradAccumulation, zLoss: Z }, lr);
    // Rows of a few units; gradients of at most 1, each the sum of as many as there are targets.
    const absolute = 64 * UNIT_ROUNDOFF;
    assertClose(table, descend(ids, targets, lr, Z), { absolute }, `${gradAccumulation} batches`);
    // The difference that a z-loss makes is far above that.
    const plain = descend(ids, targets, lr, 0);
    assert(table.some((value, i) => Math.abs(value - plain[i]) > 100 * absolute));
    assertEquals(losses, (await takeSteps(backend, 1, { gradAccumulation }, lr)).losses);
  }
});

forEachDevice("a z-loss of 0 is none, bit for bit; a large one brings Z near 1", async (backend) => {
  assertEquals(await takeSteps(backend, 3, { zLoss: 0 }), await takeSteps(backend, 3, {}));
  const offOf = (table: Float32Array) => {
    const sums = Array.from({ length: V }, (_, id) => table.subarray(id * V, (id + 1) * V))
      .map((row) => Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) ** 2);
    return sums.reduce((sum, square) => sum + square, 0);
  };
  const { table: plain } = await takeSteps(backend, 9, {}, 3);
  const { table } = await takeSteps(backend, 9, { zLoss: 1 }, 3);
  assert(offOf(table) < offOf(plain) / 2, `${offOf(table)}, without ${offOf(plain)}`);
});

Deno.test("a z-loss is refused of a model with a loss of its own, and where it is out of range", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const sizes = { vocabSize: V, contextLength: T, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12, ropeTheta: 10000 };
  const model = new Transformer(sizes);
  const ownLoss = Object.create(model, { loss: { value: () => undefined } });
  const create = (of: Transformer, zLoss: number) => Trainer.create(backend, of, { ...OPTIONS, zLoss });
  await assertRejects(() => create(ownLoss, 0.1), OptionError, 'zLoss: "0.1" for a model with a loss of its own');
  for (const zLoss of [-1, NaN, Infinity]) {
    await assertRejects(() => create(model, zLoss), OptionError, `zLoss: "${zLoss}", must be 0 or more, and finite`);
    assertThrows(() => validateTrainingConfig({ ...TRAINING_DEFAULTS, zLoss }), OptionError, "got zLoss");
  }
  assertEquals(validateTrainingConfig({ ...TRAINING_DEFAULTS, zLoss: 1e-4 }).zLoss, 1e-4);
});
