// A backend's memory is given back after any use of the library, and after any load that failed.
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Backend, Executable } from "../../lib/backend/backend.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { copy } from "../../lib/graph/copy.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { plan } from "../../lib/graph/plan.ts";
import type { Program } from "../../lib/graph/program.ts";
import { DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";
import { secondsPerCall } from "../../lib/measure/kernel_time.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { addForward } from "../../lib/ops/add.ts";
import { trainBpe } from "../../lib/tokenizer/mod.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { Evaluator } from "../../lib/evaluate/evaluator.ts";
import { originInForward } from "../../lib/train/forward_probe.ts";
import { measureCosts } from "../../lib/run/measure_costs.ts";
import { trainRun } from "../../lib/run/run.ts";
import { scoreTokens } from "../../lib/evaluate/score.ts";
import { selfTest } from "../../lib/self_test/self_test.ts";
import { smallProbes } from "../../lib/self_test/self_test_probes.ts";
import { train } from "../../lib/train/train.ts";
import { TensorOptimizer } from "../../lib/train/tensor_optimizer.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { forEachDevice, reference } from "../harness/backends.ts";
import { gpuTest } from "../harness/gpu.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log.\n".repeat(20);
const tokenizer = await trainBpe(TEXT, { vocabSize: 265 });
const tokens = tokensInMemory(tokenizer.encode(TEXT));
const shape = { vocabSize: 280, contextLength: 8, dModel: 12, numLayers: 2, numHeads: 3, dFf: 20, ropeTheta: 10000 };
const training = {
  ...TRAINING_DEFAULTS,
  batchSize: 2,
  steps: 3,
  gradAccumulation: 2,
  validEvery: 2,
  validBatches: 1,
  sampleEvery: 2,
  sampleTokens: 10,
};
const trainerOptions = {
  batchSize: 2,
  gradAccumulation: 2,
  optimizer: TRAINING_DEFAULTS,
  maxGradNorm: 1,
  logCapacity: 4,
};
const sampling = { temperature: 1, topP: 0.9, maxTokens: 12 };

function trainOn(backend: Backend, model: Transformer) {
  const weights = initialWeights(shape, 1);
  return train({ backend, model, config: training, weights, train: tokens, valid: tokens, tokenizer });
}

/** Uses of the library with a model, none of which may keep anything but the model's own arrays. */
const USES: Readonly<Record<string, (backend: Backend, model: Transformer) => Promise<unknown>>> = {
  "train": (backend, model) => Array.fromAsync(trainOn(backend, model)),
  "train, left early": async (backend, model) => {
    for await (const _ of trainOn(backend, model)) break;
  },
  "train that fails": async (backend, model) => {
    const weights = initialWeights(shape, 1);
    const steps = train({ backend, model, config: { ...training, lr: 1e30 }, weights, train: tokens, tokenizer });
    await assertRejects(() => Array.fromAsync(steps), UserError);
  },
  "scoreTokens": (backend, model) => scoreTokens(backend, model, tokens, { weights: initialWeights(shape, 1) }),
  "Evaluator": async (backend, model) => {
    using _ = await Evaluator.create(backend, model, 3);
  },
  "Trainer": async (backend, model) => {
    using _ = await Trainer.create(backend, model, trainerOptions);
  },
  "TensorOptimizer of a model": async (backend, model) => {
    using optimizer = await TensorOptimizer.create(backend, { tensors: model.parameters, maxGradNorm: 1 });
    await optimizer.step(1e-3);
  },
  "TextGenerator": async (backend, model) => {
    using generator = await TextGenerator.create(backend, model);
    await writeWeights(backend, model, initialWeights(shape, 1));
    await Array.fromAsync(generator.generate([1], { ...sampling, seed: 1 }));
    for (const seeds of [[1, 2], [3, 4, 5]]) {
      await Promise.all((await generator.generateSamples([1], sampling, seeds)).map((text) => Array.fromAsync(text)));
    }
  },
  "TextGenerator of a model without a cache": async (backend, model) => {
    const { config, parameters } = model;
    const forward = (graph: Graph, ids: Tensor) => model.forward(graph, ids);
    using generator = await TextGenerator.create(backend, { config, parameters, forward, release: () => {} });
    await writeWeights(backend, model, initialWeights(shape, 1));
    await Promise.all((await generator.generateSamples([1], sampling, [1, 2])).map((text) => Array.fromAsync(text)));
  },
  "originInForward": async (backend, model) => {
    const batch = { ids: new Uint32Array(16), targets: new Uint32Array(16) };
    await originInForward(backend, model, batch);
  },
};

/** Uses of the library that bring a model of their own, or none. */
const OWN_USES: Readonly<Record<string, (backend: Backend) => Promise<unknown>>> = {
  "trainRun": (backend) =>
    inTemporaryDirectory(async (directory) => {
      const data = { train: { name: "tokens", tokens: tokens.length, sha256: "" } };
      const config = { model: shape, training, data, backend: backend.name };
      await Array.fromAsync(trainRun({ backend, directory, config, train: tokens, valid: tokens, tokenizer }));
    }),
  "TensorOptimizer": async (backend) => {
    using optimizer = await TensorOptimizer.create(backend, { tensors: { w: { shape: [100, 3] }, v: { shape: [7] } } });
    await optimizer.step(1e-3);
  },
  "measureCosts": (backend) =>
    inTemporaryDirectory(async (directory) => {
      const config = { preset: "tiny", given: [], model: shape, training };
      await measureCosts(backend, { config, train: tokens, valid: tokens, tokenizer, directory, seconds: 0 });
    }),
  "selfTest": async (backend) => {
    await selfTest(backend, await reference(), { probes: smallProbes().slice(0, 3) });
  },
  "secondsPerCall": (backend) => {
    // Large, so that it takes few repetitions to be timed.
    const n = 1 << 20;
    return secondsPerCall(backend, { kernel: addForward, arrays: [n, n, n], constants: [n] });
  },
};

for (const [name, use] of Object.entries(USES)) {
  forEachDevice(`${name} keeps no memory but the model's, which the model frees`, async (backend) => {
    const before = backend.bytesInUse;
    const model = new Transformer(shape);
    await use(backend, model);
    const first = backend.bytesInUse;
    const parameters = model.parameters.flat.size * 4;
    assert(
      first >= before + parameters && first <= before + 2 * parameters,
      `${first - before} for ${parameters} bytes`,
    );
    await use(backend, model);
    assertEquals(backend.bytesInUse, first);
    model.release(backend);
    assertEquals(backend.bytesInUse, before);
  });
}

for (const [name, use] of Object.entries(OWN_USES)) {
  forEachDevice(`${name} keeps no memory`, async (backend) => {
    const before = backend.bytesInUse;
    await use(backend);
    assertEquals(backend.bytesInUse, before);
  });
}

/** A backend on which a load fails: the nth of all. */
class FailingLoads implements Backend {
  readonly name;
  readonly capabilities;
  readonly description = "a backend whose loads fail";
  #left: number;

  constructor(readonly backend: Backend, nth: number) {
    this.name = backend.name;
    this.capabilities = backend.capabilities;
    this.#left = nth;
  }

  get bytesInUse(): number {
    return this.backend.bytesInUse;
  }

  get hasFailed(): boolean {
    return this.#left <= 0;
  }

  load(program: Program): Promise<Executable> {
    return --this.#left === 0 ? Promise.reject(new Error("planted failure")) : this.backend.load(program);
  }

  write(...args: Parameters<Backend["write"]>): void {
    this.backend.write(...args);
  }

  read(...args: Parameters<Backend["read"]>): ReturnType<Backend["read"]> {
    return this.backend.read(...args);
  }

  release(storage: DeviceStorage): void {
    this.backend.release(storage);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const LOADING = ["train", "scoreTokens", "Evaluator", "Trainer", "TextGenerator", "originInForward"];
for (const name of [...LOADING, "TensorOptimizer of a model"]) {
  forEachDevice(`whichever load of ${name} fails, nothing stays but what the model frees`, async (backend) => {
    const before = backend.bytesInUse;
    for (let nth = 1;; nth++) {
      const failing = new FailingLoads(backend, nth);
      const model = new Transformer(shape);
      if (!await USES[name](failing, model).then(() => false, () => true)) {
        assert(!failing.hasFailed && nth > 1);
        model.release(backend);
        break;
      }
      model.release(backend);
      assertEquals(backend.bytesInUse, before, `load ${nth}`);
    }
  });
}

forEachDevice("a program whose storage was released refuses to run", async (backend) => {
  const graph = new Graph();
  const [x, y] = ["x", "y"].map((name) =>
    new Tensor(name, [8], { placement: { storage: new DeviceStorage(name, 32), byteOffset: 0 } })
  );
  copy(graph, x, y, false);
  const program = plan(graph);
  const executable = await backend.load(program);
  backend.release(y.placement!.storage);
  await assertRejects(() => executable.run(), Error, "was released");
  backend.release(x.placement!.storage);
  backend.release(x.placement!.storage);
  // The backend itself is as before.
  await (await backend.load(program)).run();
  program.storages.forEach((storage) => backend.release(storage));
});

gpuTest("webgpu: a load that fails for one kernel or one storage leaves the others' memory as it was", async () => {
  const source = "@compute @workgroup_size(1)\nfn main() {\n  let x = nonsense;\n}\n";
  const kernels = new Map([["copy", () => ({ dispatches: [{ label: "copy", source, workgroups: 1 }] })]]);
  await using backend = await createWebGpuBackend({ kernels });
  const graph = new Graph();
  const x = graph.input("x", [5000]);
  const y = new Tensor("y", [5000]);
  copy(graph, x, y, false);
  await assertRejects(() => backend.load(plan(graph)), Error, "Cannot compile");
  assertEquals(backend.bytesInUse, 0);

  const bytes = 4 * Math.ceil((backend.device.limits.maxBufferSize + 1) / 4);
  const huge = new Tensor("huge", [4], { placement: { storage: new DeviceStorage("huge", bytes), byteOffset: 0 } });
  const sum = new Graph();
  const a = sum.input("a", [4]);
  const b = sum.input("b", [4]);
  sum.call(addForward, { inputs: { a, b }, outputs: { y: huge }, constants: { n: 4 } });
  await assertRejects(() => backend.load(plan(sum)), Error, "Cannot allocate");
  assertEquals(backend.bytesInUse, 0);
  // Whoever has loaded the other storages already keeps them.
  const shared = new Tensor("shared", [4], { placement: { storage: new DeviceStorage("shared", 16), byteOffset: 0 } });
  const out = new Tensor("out", [4], { placement: { storage: new DeviceStorage("out", 16), byteOffset: 0 } });
  const right = new Graph();
  right.call(addForward, { inputs: { a: shared, b: shared }, outputs: { y: out }, constants: { n: 4 } });
  const executable = await backend.load(plan(right));
  const before = backend.bytesInUse;
  const wrong = new Graph();
  wrong.call(addForward, { inputs: { a: shared, b: shared }, outputs: { y: huge }, constants: { n: 4 } });
  await assertRejects(() => backend.load(plan(wrong)), Error, "Cannot allocate");
  assertEquals(backend.bytesInUse, before);
  await executable.run();
});

forEachDevice("a second evaluation or step while one is under way is refused", async (backend) => {
  const model = new Transformer(shape);
  const batch = { ids: new Uint32Array(32), targets: new Uint32Array(32) };
  {
    using trainer = await Trainer.create(backend, model, trainerOptions);
    using evaluator = await Evaluator.create(backend, model, 4);
    await writeWeights(backend, model, initialWeights(shape, 1));
    const batches = () => ReadableStream.from([batch, batch]);
    const alone = await evaluator.meanLoss(batches());
    const [first, second] = await Promise.allSettled([1, 2].map(() => evaluator.meanLoss(batches())));
    assertEquals(first, { status: "fulfilled", value: alone });
    assert(second.status === "rejected" && String(second.reason).includes("in progress"), String(second));
    const steps = await Promise.allSettled([1, 2].map(() => trainer.step(batch, 1e-3)));
    assertEquals(steps.map(({ status }) => status), ["fulfilled", "rejected"]);
    assertEquals((await trainer.takeLog()).length, 1);
  }
  model.release(backend);
});
