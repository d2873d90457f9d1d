import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { Evaluator } from "../../lib/evaluate/evaluator.ts";
import { fixedBatches } from "../../lib/dataset/batches.ts";
import { OptionError } from "../../lib/errors.ts";
import { viewOf } from "../../lib/graph/program.ts";
import type { Tensor } from "../../lib/graph/tensor.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { predictTraining } from "../../lib/accounting/training_summary.ts";
import { TRAINING_DEFAULTS, type TrainingConfig, validateTrainingConfig } from "../../lib/train/config.ts";
import { predictModel, predictRun } from "../../lib/train/predict_model.ts";
import { type StepMetrics, train } from "../../lib/train/train.ts";
import { Trainer, trainerOptionsOf } from "../../lib/train/trainer.ts";
import { averageRate, WeightAverage } from "../../lib/train/weight_average.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachBackend } from "../harness/backends.ts";
import { Random } from "../harness/random.ts";

const shape: ModelConfig = {
  ...{ vocabSize: 11, contextLength: 5, dModel: 12, numLayers: 2, numHeads: 3, dFf: 7, ropeTheta: 10000 },
  // Parameters of odd sizes, some of a single row.
  norm: "layer",
};
const random = new Random(4);
const tokens = tokensInMemory(random.integers(90, shape.vocabSize));
const valid = tokensInMemory(random.integers(40, shape.vocabSize));
const STEPS = 7;
const configOf = (more: Partial<TrainingConfig>): TrainingConfig => ({
  ...TRAINING_DEFAULTS,
  ...{ steps: STEPS, batchSize: 2, warmupSteps: 0, lr: 0.01, saveEvery: 1, validEvery: 3, validBatches: 2 },
  ...more,
});

type Weights = Map<string, Float64Array>;

async function read(backend: Backend, tensors: ReadonlyMap<string, Tensor>): Promise<Weights> {
  const pairs = [...tensors].map(async ([name, tensor]): Promise<[string, Float64Array]> => [
    name,
    Float64Array.from(await backend.read(viewOf(tensor, tensor.placement!))),
  ]);
  return new Map(await Promise.all(pairs));
}

/** Trains, and reads the weights and their average after every step. */
async function trainWith(backend: Backend, more: Partial<TrainingConfig>) {
  const model = new Transformer(shape);
  const config = configOf(more);
  const after: { weights: Weights; average: Weights | undefined }[] = [];
  const metrics: StepMetrics[] = [];
  const steps = train({
    ...{ backend, model, config, weights: initialWeights(shape, 3), train: tokens, valid },
    onSnapshot: async ({ weights, average }) => {
      after.push({ weights: await read(backend, weights), average: average && await read(backend, average) });
    },
  });
  for await (const { tokensPerSecond: _, seconds: __, ...one } of steps) metrics.push(one as StepMetrics);
  model.release(backend);
  return { after, metrics };
}

/** Σ wₛ·pₛ / Σ wₛ with the weight of step s as a product of what later steps leave of it; in float64, by the definition. */
function averageOf(history: readonly Float64Array[], share: number): Float64Array {
  const exponent = 2 / share - 1;
  const kept = (t: number) => (1 - 1 / t) ** exponent;
  const counts = history.map((_, i) => {
    let count = 1 - kept(i + 1);
    for (let t = i + 2; t <= history.length; t++) count *= kept(t);
    return count;
  });
  return Float64Array.from(history[0], (_, j) => history.reduce((sum, values, i) => sum + counts[i] * values[j], 0));
}

forEachBackend(
  "an average is that of the weights after every step, and the training does not see it",
  async (backend) => {
    const plain = await trainWith(backend, {});
    assert(plain.after.every(({ average }) => average === undefined));
    const cases: Partial<TrainingConfig>[] = [
      { averageWeights: 1 },
      { averageWeights: 0.3, gradAccumulation: 2 },
      { averageWeights: 0.3, frozen: ["layers.0", "lm_head.weight"] },
    ];
    for (const more of cases) {
      const { after, metrics } = await trainWith(backend, more);
      for (const [t, { average }] of after.entries()) {
        for (const [name, got] of average!) {
          const history = after.slice(0, t + 1).map(({ weights }) => weights.get(name)!);
          const largest = Math.max(...history.flatMap((values) => [...values].map(Math.abs)));
          // Three roundings a step, each relative to the largest weight.
          const absolute = 4 * (t + 1) * UNIT_ROUNDOFF * largest;
          assertClose(got, averageOf(history, more.averageWeights!), { absolute }, `${name} after step ${t}`);
        }
      }
      const without = await trainWith(backend, { ...more, averageWeights: undefined });
      assertEquals(after.map(({ weights }) => weights), without.after.map(({ weights }) => weights));
      assertEquals(metrics.map(({ averageValidLoss: _, ...rest }) => rest), without.metrics);
      const measured = metrics.filter(({ averageValidLoss }) => averageValidLoss !== undefined);
      assertEquals(measured.map(({ step }) => step), [2, 5, 6]);
      assert(measured.every(({ averageValidLoss, validLoss }) => averageValidLoss !== validLoss));
    }
  },
);

forEachBackend(
  "while the average is shown, the model computes with it; then with its weights again",
  async (backend) => {
    const model = new Transformer(shape);
    const config = configOf({ frozen: ["layers.1"] });
    using trainer = await Trainer.create(backend, model, trainerOptionsOf(config, 4));
    using average = await WeightAverage.create(backend, model, { share: 0.5, gradients: trainer.gradients });
    await writeWeights(backend, model, initialWeights(shape, 3));
    const weights = await read(backend, model.parameters.parts);
    const other = new Random(8);
    await average.restore(1, (_, shape) => other.normal(shape.reduce((product, n) => product * n, 1)));
    const kept = await read(backend, average.weights);
    const shown = await average.whileShown(() => read(backend, model.parameters.parts));
    assertEquals(shown, kept);
    for (const [name, values] of shown) {
      const isFrozen = name.startsWith("layers.1.");
      assertEquals(values.join() === weights.get(name)!.join(), isFrozen, name);
    }
    assertEquals(await read(backend, model.parameters.parts), weights);
    assertEquals(await read(backend, average.weights), kept);

    // And also where the work fails.
    await assertRejects(() => average.whileShown(() => Promise.reject(new Error("no"))), Error, "no");
    assertEquals(await read(backend, model.parameters.parts), weights);
    using evaluator = await Evaluator.create(backend, model, 2);
    const loss = () =>
      evaluator.meanLoss(fixedBatches(valid, { batchSize: 2, seqLen: shape.contextLength, vocabSize: 11 }, 2));
    const live = await loss();
    assert(await average.whileShown(loss) !== live);
    assertEquals(await loss(), live);
    model.release(backend);
  },
);

Deno.test("an average is as old as a plain one over its share of the steps, however many there are", () => {
  for (const share of [0.01, 0.1, 0.5, 1]) {
    for (const steps of [2000, 20_000]) {
      let age = 0;
      // The mean age after step t: what was there is one step older, and what is new has no age.
      for (let t = 1; t <= steps; t++) age = (1 - averageRate(t, share)) * (age + 1);
      const ratio = age / (steps * share / 2);
      assert(Math.abs(ratio - 1) < 0.1, `share ${share}, ${steps} steps: ${ratio}`);
    }
  }
  assertEquals(averageRate(1, 1e-6), 1);
  // The plain mean of all.
  for (const t of [2, 3, 1e9, 1e15]) assert(Math.abs(averageRate(t, 1) * t - 1) < 1e-12, `${t}`);
});

Deno.test("a share is above 0 and at most 1", async () => {
  assertEquals("averageWeights" in TRAINING_DEFAULTS, false);
  for (const averageWeights of [0, -0.1, 1.01, NaN, Infinity, "0.1" as unknown as number]) {
    const error = assertThrows(() => validateTrainingConfig(configOf({ averageWeights })), OptionError);
    assert(error.message.includes("averageWeights") && error.message.includes("from 0.000001 to 1"), error.message);
  }
  const backend = await (await import("../harness/backends.ts")).reference();
  const { gradients } = await Trainer.create(backend, new Transformer(shape), trainerOptionsOf(configOf({}), 1));
  const create = () => WeightAverage.create(backend, new Transformer(shape), { share: 2, gradients });
  await assertRejects(create, OptionError, "averageWeights 2");
});

Deno.test("the memory of an average is predicted: as much as the weights that are trained", () => {
  const step = { batchSize: 2, averageWeights: 0.1 };
  const [formulas, without] = [step, { batchSize: 2 }].map((one) => predictTraining(shape, one).memory);
  assertEquals(formulas.total - without.total, formulas.parameters);
  assertEquals(formulas.optimizer - without.optimizer, formulas.parameters);
  const counted = [step, { batchSize: 2 }].map((one) => predictModel(new Transformer(shape), one).memory.optimizer);
  assertEquals(counted[0] - counted[1], predictModel(new Transformer(shape), step).memory.parameters);
  const frozen = configOf({ frozen: ["layers.0"], averageWeights: 0.1 });
  const [one, other] = [frozen, { ...frozen, averageWeights: undefined }].map((each) => predictRun(shape, each).memory);
  assertEquals(one.optimizer - other.optimizer, one.gradients);
});
