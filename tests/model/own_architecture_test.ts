import { assert, assertEquals } from "@std/assert";
// Nothing but the public API: a person's own architecture needs no more.
import type { Graph, Tensor } from "../../lib/graph/mod.ts";
import { add, crossEntropy } from "../../lib/ops/mod.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/mod.ts";
import {
  type Backend,
  createBackend,
  findWeights,
  initialWeights,
  latestCheckpoint,
  readRunConfig,
  recordOf,
  RUN_FILES,
  Safetensors,
  scoreTokens,
  type StepMetrics,
  TextGenerator,
  tokensInMemory,
  train,
  trainRun,
  weightsFrom,
  writeWeights,
} from "../../mod.ts";
import { forEachBackend } from "../harness/backends.ts";
import { GATED, Gated, GatedWithCache } from "../harness/gated_model.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TOKENS = Uint32Array.from({ length: 600 }, (_, i) => (i * i) % 11);
const TRAINING = {
  ...TRAINING_DEFAULTS,
  steps: 12,
  batchSize: 4,
  lr: 1e-2,
  warmupSteps: 0,
  saveEvery: 4,
  validEvery: 5,
};
const SAMPLING = { temperature: 0.8, topP: 0.95, maxTokens: 30 };

const losses = (metrics: readonly StepMetrics[]) => metrics.map(({ loss, validLoss }) => [loss, validLoss]);

/** Trains a run from where it stands, to its end or until so many steps were seen. */
async function goOn(directory: string, backend: Backend, stopAfter = Infinity): Promise<StepMetrics[]> {
  const source = tokensInMemory(TOKENS);
  const { checkpoint } = await latestCheckpoint(`${directory}/${RUN_FILES.checkpoints}`);
  const begun = {
    model: GATED,
    training: TRAINING,
    data: { train: await recordOf(source), valid: await recordOf(source) },
  };
  const config = checkpoint?.state.config ?? { ...begun, backend: backend.name };
  const model = new Gated(config.model as typeof GATED);
  const controller = new AbortController();
  const { signal } = controller;
  const seen: StepMetrics[] = [];
  const run = { backend, directory, config, model, train: source, valid: source, checkpoint, signal };
  for await (const metrics of trainRun(run)) if (seen.push(metrics) === stopAfter) controller.abort();
  model.release(backend);
  return seen;
}

Deno.test("an architecture of one's own: trained, saved, resumed, scored and sampled", async () => {
  await inTemporaryDirectory(async (dir) => {
    await using backend = await createBackend("wasm", { workers: 2 });
    for (const name of ["whole", "stopped"]) await Deno.mkdir(`${dir}/${name}`);
    const whole = await goOn(`${dir}/whole`, backend);
    assertEquals(whole.length, TRAINING.steps);
    assert(whole.at(-1)!.loss < whole[0].loss - 0.5, `loss ${whole[0].loss} → ${whole.at(-1)!.loss}`);

    const run = `${dir}/stopped`;
    const before = await goOn(run, backend, 6);
    const after = await goOn(run, backend);
    assertEquals(before.length, 6);
    assertEquals(losses([...before, ...after]), losses(whole));

    const { model: kept } = await readRunConfig(run);
    assertEquals(kept, GATED);
    const model = new Gated(GATED);
    const path = await findWeights(run);
    using weights = await Safetensors.open(path);
    const text = tokensInMemory(TOKENS.subarray(0, 100));
    const { nats, tokens } = await scoreTokens(backend, model, text, { weights: weightsFrom(weights, path) });
    assert(nats / tokens < Math.log(GATED.vocabSize) - 0.5, `${nats / tokens} nats per token`);

    using generator = await TextGenerator.create(backend, model);
    const alone = await Array.fromAsync(generator.generate([0, 1, 4], { ...SAMPLING, seed: 7 }));
    assertEquals(alone.length, SAMPLING.maxTokens);
    const samples = await generator.generateSamples([0, 1, 4], SAMPLING, [6, 7]);
    assertEquals((await Promise.all(samples.map((ids) => Array.fromAsync(ids))))[1], alone);
    model.release(backend);
  });
});

/** The same, with a loss that weighs twice: x + x is exactly 2x. */
class Twice extends Gated {
  loss(graph: Graph, ids: Tensor, targets: Tensor): Tensor {
    const [one, other] = [0, 1].map(() => crossEntropy(graph, this.forward(graph, ids), targets));
    return add(graph, one, other);
  }
}

forEachBackend("a loss of one's own is what training minimises; validation stays cross-entropy", async (backend) => {
  const source = tokensInMemory(TOKENS);
  const config = { ...TRAINING, steps: 1, validEvery: 1 };
  const measured: StepMetrics[] = [];
  for (const model of [new Gated(GATED), new Twice(GATED)]) {
    const weights = initialWeights(model, 5);
    measured.push(...await Array.fromAsync(train({ backend, model, config, weights, train: source, valid: source })));
    model.release(backend);
  }
  const [once, twice] = measured;
  assertEquals(twice.loss, 2 * once.loss);
  const isNear = (got: number, expected: number) => Math.abs(got - expected) <= 1e-3 * expected;
  assert(isNear(twice.gradNorm, 2 * once.gradNorm), `norms ${once.gradNorm} and ${twice.gradNorm}`);
  // Gradients are clipped to one norm, so that the update is the same.
  assert(isNear(twice.validLoss!, once.validLoss!), `validation ${once.validLoss} and ${twice.validLoss}`);
});

forEachBackend("a cache changes nothing of the text but its pace", async (backend) => {
  const texts = [];
  for (const model of [new Gated(GATED), new GatedWithCache(GATED)]) {
    using generator = await TextGenerator.create(backend, model);
    await writeWeights(backend, model, initialWeights(model, 3));
    // Beyond the end of the context, where it slides.
    const alone = await Array.fromAsync(generator.generate([5, 2], { ...SAMPLING, seed: 1 }));
    const samples = await generator.generateSamples([5, 2], SAMPLING, [1, 2, 3]);
    texts.push([alone, ...await Promise.all(samples.map((ids) => Array.fromAsync(ids)))]);
    model.release(backend);
  }
  assertEquals(texts[1], texts[0]);
  assertEquals(texts[0][1], texts[0][0]);
});
