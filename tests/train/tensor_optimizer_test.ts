import { assert, assertEquals } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { randomBatch } from "../../lib/dataset/batches.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { backward } from "../../lib/graph/backward.ts";
import { compile } from "../../lib/graph/compiled_graph.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, readWeight, writeWeights } from "../../lib/model/weights.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { linear } from "../../lib/ops/linear.ts";
import { silu } from "../../lib/ops/silu.ts";
import { TensorOptimizer, type TensorOptimizerOptions } from "../../lib/train/tensor_optimizer.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachBackend, forEachDevice, reference } from "../harness/backends.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { Random } from "../harness/random.ts";
import { largest, roundings } from "../harness/tolerance.ts";
import { adamw } from "../reference/adamw.ts";
import { clipGradNormFactor, clipGradNormPartials } from "../reference/clip_grad_norm.ts";

const ADAMW = { optimizer: "adamw", beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 } as const;
/** Plain descent at a rate of 1 from zeros leaves the negative of what it was given. */
const DESCENT = { optimizer: "sgd", weightDecay: 0 } as const;

forEachBackend("AdamW over tensors of one's own equals PyTorch over five steps", async (backend) => {
  const { floats, shape, metadata } = loadFixture("adamw");
  const option = (name: string) => Number(metadata[name]);
  const numbers = {
    beta1: option("beta1"),
    beta2: option("beta2"),
    eps: option("eps"),
    weightDecay: option("weight_decay"),
  };
  using optimizer = await TensorOptimizer.create(backend, {
    tensors: { p: { shape: shape("p0"), values: floats("p0") } },
    optimizer: numbers,
  });
  for (let t = 1; t <= 5; t++) {
    optimizer.setGradients({ p: floats(`g${t}`) });
    await optimizer.step(option("lr"));
    // As for the kernel: per step three roundings of a parameter, and some twenty of an update of a few times lr.
    const absolute = t * UNIT_ROUNDOFF * (3 * largest(floats("p0")) + 20 * 3 * option("lr"));
    assertClose(await optimizer.read("p"), floats(`p${t}`), { absolute }, `step ${t}`);
  }
  assertEquals(optimizer.updates, 5);
});

forEachBackend("clipping over tensors of one's own equals PyTorch", async (backend) => {
  const { floats, metadata } = loadFixture("clip_grad_norm");
  const names = ["0", "1", "2"].map((i) => `g${i}`);
  const tensors = Object.fromEntries(names.map((name) => [name, { shape: [floats(name).length] }]));
  const maxGradNorm = Number(metadata.max_norm);
  using optimizer = await TensorOptimizer.create(backend, { tensors, optimizer: DESCENT, maxGradNorm });
  optimizer.setGradients(Object.fromEntries(names.map((name) => [name, floats(name)])));
  const { gradNorm } = await optimizer.step(1);
  const tolerance = roundings(Math.sqrt(5 + 33 + 129) + 10);
  assertClose([gradNorm], floats("norm"), tolerance, "norm");
  for (const name of names) {
    const clipped = (await optimizer.read(name)).map((value) => -value);
    assertClose(clipped, floats(name.replace("g", "clipped")), tolerance, name);
  }
});

forEachBackend(
  "clipped steps equal the float64 reference, over tensors of sizes 1, primes and more",
  async (backend) => {
    const random = new Random(11);
    const shapes = { one: [1], prime: [7, 31], row: [1, 64], tile: [65], cube: [3, 5, 2] };
    const start = Object.entries(shapes).map(([name, shape]) => {
      const n = shape.reduce((product, size) => product * size, 1);
      return { name, shape, n, values: random.normal(n) };
    });
    const total = start.reduce((sum, { n }) => sum + n, 0);
    const tensors = Object.fromEntries(start.map(({ name, shape, values }) => [name, { shape, values }]));
    const maxGradNorm = 20;
    using optimizer = await TensorOptimizer.create(backend, { tensors, optimizer: ADAMW, maxGradNorm });
    let expected = {
      parameters: Float64Array.from(start.flatMap(({ values }) => [...values])),
      m: new Float64Array(total),
      v: new Float64Array(total),
    };
    const { beta1, beta2, eps, weightDecay } = ADAMW;
    const clippedSteps: boolean[] = [];
    for (let t = 1; t <= 12; t++) {
      const lr = 0.01 / t;
      const gradients = start.map(({ name, n }) => ({ name, values: random.normal(n, t % 2 ? 3 : 0.5) }));
      const flat = Float64Array.from(gradients.flatMap(({ values }) => [...values]));
      const { partials } = clipGradNormPartials({ gradients: flat }, { n: total, P: 1 });
      const { clip } = clipGradNormFactor({ partials }, { P: 1, maxNorm: maxGradNorm });
      const schedule = Float64Array.of(lr, 1 - beta1 ** t, 1 - beta2 ** t);
      expected = adamw({ gradients: flat, clip, schedule }, { n: total, beta1, beta2, eps, weightDecay }, expected);
      optimizer.setGradients(Object.fromEntries(gradients.map(({ name, values }) => [name, values])));
      const { gradNorm, skipped } = await optimizer.step(lr);
      assertEquals(skipped, undefined);
      assertClose([gradNorm], [clip[0]], roundings(Math.sqrt(total) + 8), `norm of step ${t}`);
      clippedSteps.push(clip[1] < 1);
      let at = 0;
      for (const { name, n } of start) {
        const absolute = t * UNIT_ROUNDOFF * (3 * largest(expected.parameters) + 40 * 0.03);
        assertClose(await optimizer.read(name), expected.parameters.subarray(at, at + n), { absolute }, `${name} ${t}`);
        at += n;
      }
    }
    assertEquals(new Set(clippedSteps), new Set([true, false]), "some are clipped and some are not");
  },
);

/** Two hand-written layers, their loss and its gradients. */
async function network(backend: Backend, optimizer: TensorOptimizer, data: { x: Float32Array; targets: Uint32Array }) {
  const graph = new Graph();
  const x = graph.input("x", [9, 3]);
  const targets = graph.input("targets", [9], { dtype: "u32" });
  const one = graph.input("one", [1]);
  const hidden = silu(graph, linear(graph, x, optimizer.tensor("hidden")));
  const loss = crossEntropy(graph, linear(graph, hidden, optimizer.tensor("out")), targets);
  backward(graph, loss, one, { gradientOf: optimizer.gradients });
  const compiled = await compile(backend, graph, { keep: [loss] });
  compiled.set(x, data.x).set(targets, data.targets).set(one, [1]);
  return {
    /** The loss before the step. */
    step: async (lr: number) => {
      await compiled.run();
      const [value] = await compiled.read(loss);
      return { loss: value, ...await optimizer.step(lr) };
    },
    [Symbol.dispose]: () => compiled[Symbol.dispose](),
  };
}

function networkOf(seed: number) {
  const random = new Random(seed);
  const tensors = {
    hidden: { shape: [5, 3], values: random.normal(15) },
    out: { shape: [2, 5], values: random.normal(10) },
  };
  const x = random.normal(27);
  // Whether the first is above the second: a question with an answer.
  const targets = Uint32Array.from({ length: 9 }, (_, i) => Number(x[3 * i] > x[3 * i + 1]));
  return { tensors, data: { x, targets } };
}

forEachDevice("a network of one's own learns, as the float64 reference does", async (backend) => {
  const { tensors, data } = networkOf(5);
  const options = { tensors, optimizer: { ...ADAMW, weightDecay: 0.01 }, maxGradNorm: 0.3 };
  const run = async (on: Backend) => {
    using optimizer = await TensorOptimizer.create(on, options);
    using own = await network(on, optimizer, data);
    const steps = [];
    for (let step = 0; step < 60; step++) steps.push(await own.step(0.05));
    return { steps, hidden: Float64Array.from(await optimizer.read("hidden")) };
  };
  const [actual, expected] = [await run(backend), await run(await reference())];
  const losses = actual.steps.map(({ loss }) => loss);
  assert(losses[0] > 0.5 && losses.at(-1)! < 0.1, `${losses[0]} to ${losses.at(-1)}`);
  // Roundings grow from step to step: a wrong update would show in the first digits.
  assertClose(losses, expected.steps.map(({ loss }) => loss), { absolute: 1e-4 }, "losses");
  assertClose(actual.hidden, expected.hidden, { absolute: 1e-3 }, "hidden");
});

forEachDevice("after save and load the steps that follow are the same bits", async (backend) => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/own.safetensors`;
    const { tensors, data } = networkOf(6);
    const groups = [{ ...ADAMW, parameters: ["hidden"] }, { ...DESCENT, parameters: ["out"], lrScale: 2 }];
    for (const optimizer of [ADAMW, groups]) {
      const options = { tensors, optimizer, maxGradNorm: 1 };
      const outcome = async (of: TensorOptimizer) => [of.updates, await of.read("hidden"), await of.read("out")];
      using whole = await TensorOptimizer.create(backend, options);
      using first = await network(backend, whole, data);
      for (let step = 0; step < 4; step++) await first.step(0.02);
      await whole.save(path, { note: "four steps" });
      const saved = await outcome(whole);
      const log = [];
      for (let step = 0; step < 4; step++) log.push(await first.step(0.02));
      const expected = await outcome(whole);

      // Into another, of other values; and into itself, back from where it went.
      const zeros = { hidden: { shape: [5, 3] }, out: { shape: [2, 5] } };
      using other = await TensorOptimizer.create(backend, { ...options, tensors: zeros });
      using second = await network(backend, other, data);
      for (const [one, { step }] of [[other, second], [whole, first]] as const) {
        assertEquals(await one.load(path), { note: "four steps" });
        assertEquals(await outcome(one), saved);
        const again = [];
        for (let i = 0; i < 4; i++) again.push(await step(0.02));
        assertEquals([again, await outcome(one)], [log, expected]);
      }
    }
    assertEquals((await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name), ["own.safetensors"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

forEachDevice("a training loop of one's own over a model gives the bits of the library's", async (backend) => {
  const config = { vocabSize: 13, contextLength: 6, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12, ropeTheta: 10000 };
  const tokens = tokensInMemory(new Random(3).integers(200, 13));
  const [own, librarys] = [new Transformer(config), new Transformer(config)];
  using trainer = await Trainer.create(backend, librarys, {
    batchSize: 3,
    optimizer: ADAMW,
    maxGradNorm: 0.5,
    logCapacity: 9,
  });
  const before = backend.bytesInUse;
  {
    const options: TensorOptimizerOptions = { tensors: own.parameters, optimizer: ADAMW, maxGradNorm: 0.5 };
    using optimizer = await TensorOptimizer.create(backend, options);
    const graph = new Graph();
    const [ids, targets] = ["ids", "targets"].map((name) => graph.input(name, [3, 6], { dtype: "u32" }));
    const one = graph.input("one", [1]);
    const loss = crossEntropy(graph, own.forward(graph, ids), targets, { overwriteLogits: true });
    backward(graph, loss, one, { gradientOf: optimizer.gradients });
    using compiled = await compile(backend, graph, { keep: [loss] });
    for (const model of [own, librarys]) await writeWeights(backend, model, initialWeights(config, 1));
    compiled.set(one, [1]);
    for (let step = 0; step < 4; step++) {
      const batch = await randomBatch(tokens, { batchSize: 3, seqLen: 6, vocabSize: 13 }, 2, step);
      await trainer.step(batch, 0.01);
      await compiled.set(ids, batch.ids).set(targets, batch.targets).run();
      const [value] = await compiled.read(loss);
      const { gradNorm } = await optimizer.step(0.01);
      assertEquals([{ loss: value, gradNorm }], await trainer.takeLog());
    }
    for (const name of own.parameters.parts.keys()) {
      assertEquals(await readWeight(backend, own, name), await readWeight(backend, librarys, name), name);
    }
  }
  // The model's weights are the model's.
  assert((await readWeight(backend, own, "lm_head.weight")).every(Number.isFinite));
  own.release(backend);
  assertEquals(backend.bytesInUse, before);
  librarys.release(backend);
});

forEachBackend("gradients that are not finite change nothing, and the step does not count", async (backend) => {
  for (const optimizer of [ADAMW, DESCENT]) {
    using steady = await TensorOptimizer.create(backend, {
      tensors: { w: { shape: [3], values: [1, 2, 3] } },
      optimizer,
    });
    using shaken = await TensorOptimizer.create(backend, {
      tensors: { w: { shape: [3], values: [1, 2, 3] } },
      optimizer,
    });
    for (const gradient of [[1, 2, 3], [NaN, 0, 0], [0, Infinity, 0], [-1, 0, 1]]) {
      shaken.setGradients({ w: gradient });
      const { gradNorm, skipped } = await shaken.step(0.1);
      assertEquals(skipped, Number.isFinite(gradNorm) ? undefined : true);
      if (skipped) continue;
      steady.setGradients({ w: gradient });
      await steady.step(0.1);
    }
    assertEquals([shaken.updates, await shaken.read("w")], [2, await steady.read("w")]);
  }
});
