import type { Backend } from "../../lib/backend/backend.ts";
import { backward } from "../../lib/graph/backward.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { compile } from "../../lib/graph/compiled_graph.ts";
import { viewOf } from "../../lib/graph/program.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { ParameterLayout, parameterSpecs } from "../../lib/model/parameters.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { readWeight, writeWeights } from "../../lib/model/weights.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { cosineLearningRate } from "../../lib/train/schedule.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachBackend } from "../harness/backends.ts";
import { type Fixture, loadFixture } from "../harness/fixtures.ts";

const weights = loadFixture("model_weights");

/**
 * The longest chain of sums through the model, forward and back: two layers of linear maps over 32, 32 and 96 terms and
 * attention over 16, the head over 61. Rounding errors add up like a random walk, so the relative error of a value is
 * near √chain · roundoff; 16 times that leaves room for the worst of some thousands of elements.
 */
const CHAIN = 2 * (2 * (32 + 32 + 96 + 16) + 61);
const ERROR = 16 * Math.sqrt(CHAIN) * UNIT_ROUNDOFF;

function configOf({ metadata }: Fixture): ModelConfig {
  const number = (key: string) => Number(metadata[key]);
  return {
    vocabSize: number("vocab_size"),
    contextLength: number("context_length"),
    dModel: number("d_model"),
    numLayers: number("num_layers"),
    numHeads: number("num_heads"),
    dFf: number("d_ff"),
    ropeTheta: number("rope_theta"),
  };
}

/** Errors of an element are in proportion to the array's size, not to its own: sums of large terms may cancel. */
function assertCloseToScale(actual: ArrayLike<number>, expected: Float32Array, error: number, label: string): void {
  const rms = Math.sqrt(expected.reduce((sum, x) => sum + x * x, 0) / expected.length);
  assertClose(actual, expected, { absolute: error * rms, relative: error }, label);
}

async function load(backend: Backend, model: Transformer): Promise<void> {
  await writeWeights(backend, model, (name) => weights.floats(name));
}

forEachBackend("the model's logits, loss and every gradient equal PyTorch's", async (backend) => {
  const step = loadFixture("model_step");
  const model = new Transformer(configOf(step));
  const gradients = new ParameterLayout("gradients", parameterSpecs(model.config), false);
  const graph = new Graph();
  const ids = graph.input("ids", step.shape("ids"), { dtype: "u32" });
  const targets = graph.input("targets", step.shape("targets"), { dtype: "u32" });
  const dLoss = graph.input("dLoss", [1]);
  const logits = model.forward(graph, ids);
  const loss = crossEntropy(graph, logits, targets);
  backward(graph, loss, dLoss, {
    gradientOf: new Map([...model.parameters.parts].map(([name, part]) => [part, gradients.part(name)])),
  });
  using compiled = await compile(backend, graph, { keep: [logits, loss] });
  await load(backend, model);
  await compiled.set(ids, step.integers("ids")).set(targets, step.integers("targets")).set(dLoss, [1]).run();

  assertCloseToScale(await compiled.read(logits), step.floats("logits"), ERROR, "logits");
  assertCloseToScale(await compiled.read(loss), step.floats("loss"), ERROR, "loss");
  for (const [name, part] of gradients.parts) {
    const gradient = await backend.read(viewOf(part, part.placement!));
    assertCloseToScale(gradient, step.floats(`grad.${name}`), ERROR, `gradient of ${name}`);
  }
});

forEachBackend("eight training steps equal PyTorch's: losses, norms and final weights", async (backend) => {
  const steps = loadFixture("train_8_steps");
  const number = (key: string) => Number(steps.metadata[key]);
  const model = new Transformer(configOf(steps));
  const trainer = await Trainer.create(backend, model, {
    batchSize: steps.shape("x0")[0],
    optimizer: {
      beta1: number("beta1"),
      beta2: number("beta2"),
      eps: number("eps"),
      weightDecay: number("weight_decay"),
    },
    maxGradNorm: number("max_norm"),
    logCapacity: 8,
  });
  await load(backend, model);
  const schedule = {
    maxLr: number("max_lr"),
    minLr: number("min_lr"),
    warmupSteps: number("warmup_steps"),
    cycleSteps: number("cosine_cycle_steps"),
  };
  for (let i = 0; i < 8; i++) {
    const batch = { ids: steps.integers(`x${i}`), targets: steps.integers(`y${i}`) };
    await trainer.step(batch, cosineLearningRate(i, schedule));
  }
  const log = await trainer.takeLog();
  // Each step starts from weights with the errors of the steps before.
  assertCloseToScale(log.map(({ loss }) => loss), steps.floats("losses"), 8 * ERROR, "losses");
  assertCloseToScale(log.map(({ gradNorm }) => gradNorm), steps.floats("grad_norms"), 8 * ERROR, "gradient norms");
  for (const name of model.parameters.parts.keys()) {
    const final = await readWeight(backend, model, name);
    assertCloseToScale(final, steps.floats(`final.${name}`), 8 * ERROR, `final ${name}`);
  }
  trainer[Symbol.dispose]();
});
