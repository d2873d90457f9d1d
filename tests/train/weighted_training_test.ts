// Training on some tokens of each sequence: the mean is over all that count in a step, however it is divided.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import type { Batch } from "../../lib/dataset/batches.ts";
import { tokensInMemory, type TokenSource } from "../../lib/dataset/token_source.ts";
import { OptionError } from "../../lib/errors.ts";
import { Evaluator } from "../../lib/evaluate/evaluator.ts";
import { compile } from "../../lib/graph/compiled_graph.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { tokenLosses } from "../../lib/ops/cross_entropy.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { type Snapshot, train } from "../../lib/train/train.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { viewOf } from "../../lib/graph/program.ts";
import type { Tensor } from "../../lib/graph/tensor.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { Random } from "../harness/random.ts";

const MODEL = { vocabSize: 13, contextLength: 16, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12, ropeTheta: 10000 };
const SEQ_LEN = 6;
const ROWS = 4;
/** Sums of a few dozen losses of about 2, in another order. */
const LOSS = { relative: 1e-5 };

function randomBatchOf(seed: number): Batch {
  const random = new Random(seed);
  const size = ROWS * SEQ_LEN;
  // The first rows count for more, so that a mean of means would be another.
  const weights = Float32Array.from(
    random.integers(size, 2),
    (bit, i) => i === 0 ? 1 : i < size / 2 ? bit : bit * (i % 5 ? 0 : 1),
  );
  return { ids: random.integers(size, MODEL.vocabSize), targets: random.integers(size, MODEL.vocabSize), weights };
}

/** Σ weight · loss / Σ weight, from the losses of single tokens. */
async function weightedMean(backend: Backend, batches: readonly Batch[]): Promise<number> {
  const model = new Transformer(MODEL);
  const graph = new Graph();
  const ids = graph.input("ids", [ROWS, SEQ_LEN], { dtype: "u32" });
  const targets = graph.input("targets", [ROWS, SEQ_LEN], { dtype: "u32" });
  const losses = tokenLosses(graph, model.forward(graph, ids), targets);
  using compiled = await compile(backend, graph, { keep: [losses] });
  await writeWeights(backend, model, initialWeights(MODEL, 1));
  let [sum, count] = [0, 0];
  for (const batch of batches) {
    await compiled.set(ids, batch.ids).set(targets, batch.targets).run();
    (await compiled.read(losses)).forEach((loss, i) => {
      sum += batch.weights![i] * loss;
      count += batch.weights![i];
    });
  }
  model.release(backend);
  return sum / count;
}

const optimizer = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };

/** The loss of one step, and all gradients. */
async function step(backend: Backend, batch: Batch, gradAccumulation: number) {
  const model = new Transformer(MODEL);
  const options = { optimizer, maxGradNorm: 0, logCapacity: 1, seqLen: SEQ_LEN, weighted: true };
  using trainer = await Trainer.create(backend, model, {
    ...options,
    batchSize: ROWS / gradAccumulation,
    gradAccumulation,
  });
  await writeWeights(backend, model, initialWeights(MODEL, 1));
  await trainer.step(batch, 0);
  const [{ loss }] = await trainer.takeLog();
  const flat = trainer.gradients.flat;
  const gradients = Float64Array.from(await backend.read(viewOf(flat, flat.placement!)));
  model.release(backend);
  return { loss, gradients };
}

forEachDevice("a step's loss is the mean of those that count, whatever the number of its batches", async (backend) => {
  const batch = randomBatchOf(3);
  const expected = await weightedMean(backend, [batch]);
  const whole = await step(backend, batch, 1);
  assertClose([whole.loss], [expected], LOSS, "whole");
  for (const parts of [2, 4]) {
    const divided = await step(backend, batch, parts);
    assertClose([divided.loss], [expected], LOSS, `${parts} batches`);
    const largest = Math.max(...whole.gradients.map(Math.abs));
    assertClose(divided.gradients, whole.gradients, { absolute: 1e-5 * largest }, `${parts} batches`);
  }
});

Deno.test("an evaluator's mean is over all tokens that count, in batches with more and with fewer", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const batches = [randomBatchOf(3), randomBatchOf(4), {
    ...randomBatchOf(5),
    weights: new Float32Array(24).fill(1, 0, 2),
  }];
  const model = new Transformer(MODEL);
  using evaluator = await Evaluator.create(backend, model, ROWS, "f32", { seqLen: SEQ_LEN, weighted: true });
  await writeWeights(backend, model, initialWeights(MODEL, 1));
  const given = async function* () {
    yield* batches;
  };
  assertClose([await evaluator.meanLoss(given())], [await weightedMean(backend, batches)], LOSS, "validation");
  const without = async function* () {
    yield { ...batches[0], weights: undefined };
  };
  await assertRejects(() => evaluator.meanLoss(without()), OptionError, "got no weights, must be 24");
});

Deno.test("a trainer refuses batches without weights, and those of which nothing counts", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const batch = randomBatchOf(3);
  const none = () => step(backend, { ids: batch.ids, targets: batch.targets }, 1);
  await assertRejects(none, OptionError, "got no weights, must be 24");
  const zero = () => step(backend, { ...batch, weights: new Float32Array(24) }, 1);
  await assertRejects(zero, OptionError, "got weights with the sum 0, must be above 0");
});

function examples(): TokenSource {
  const random = new Random(8);
  const starts = Uint32Array.from([0, 5, 9, 16, 19, 24]);
  const counted = Uint8Array.from({ length: 24 }, (_, i) => starts.includes(i + 1) || i % 3 === 2 ? 1 : 0);
  return { ...tokensInMemory(random.integers(24, MODEL.vocabSize)), examples: { starts, counted } };
}

Deno.test("training on examples goes on after a snapshot to the same bits, and learns", async () => {
  await using backend = await createWasmBackend({ workers: 2 });
  const config = {
    ...TRAINING_DEFAULTS,
    batchSize: 2,
    seqLen: SEQ_LEN,
    steps: 12,
    warmupSteps: 0,
    validEvery: 4,
    saveEvery: 5,
  };
  const read = async (snapshot: ReadonlyMap<string, Tensor>) => {
    const copies = new Map<string, Float32Array>();
    for (const [name, tensor] of snapshot) {
      copies.set(name, (await backend.read(viewOf(tensor, tensor.placement!))).slice() as Float32Array);
    }
    return copies;
  };
  const run = async (
    start?: { step: number; weights: Map<string, Float32Array>; optimizer: Map<string, Float32Array> },
  ) => {
    const model = new Transformer(MODEL);
    const kept: { step: number; weights: Map<string, Float32Array>; optimizer: Map<string, Float32Array> }[] = [];
    const metrics = await Array.fromAsync(train({
      backend,
      model,
      config,
      weights: start ? (name) => start.weights.get(name)! : initialWeights(MODEL, 1),
      ...(start &&
        { start: { step: start.step, seconds: 0, optimizer: (name: string) => start.optimizer.get(name)! } }),
      train: examples(),
      valid: examples(),
      onSnapshot: async ({ step, weights, optimizer }: Snapshot) => {
        kept.push({ step, weights: await read(weights), optimizer: await read(optimizer) });
      },
    }));
    model.release(backend);
    return { metrics, kept };
  };
  const whole = await run();
  const rest = await run(whole.kept[0]);
  assertEquals(whole.kept.map(({ step }) => step), [5, 10, 12]);
  assertEquals(rest.kept.at(-1), whole.kept.at(-1));
  const losses = ({ metrics }: typeof whole) => metrics.slice(-7).map(({ loss, validLoss }) => [loss, validLoss]);
  assertEquals(losses(rest), losses(whole));
  assert(whole.metrics.at(-1)!.validLoss! < whole.metrics[3].validLoss!);
});
