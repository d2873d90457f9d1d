import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { withHalfStorage } from "../../kernels/wgsl/half_storage.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { randomBatch } from "../../lib/dataset/batches.ts";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { Graph, type Precision } from "../../lib/graph/graph.ts";
import { plan } from "../../lib/graph/plan.ts";
import { wholeOf } from "../../lib/graph/program.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, type WeightSource, writeWeights } from "../../lib/model/weights.ts";
import { linear } from "../../lib/ops/linear.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { traceStep } from "../../lib/train/step_programs.ts";
import { train } from "../../lib/train/train.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { drawnWeights } from "../harness/drawn_weights.ts";
import { reference } from "../harness/backends.ts";
import { gpuTest, halfTest } from "../harness/gpu.ts";
import { runTaskProcess } from "../harness/run_task.ts";
import { Random } from "../harness/random.ts";

await reference();

/** Half the distance from 1 to the next float16. */
const HALF_ROUNDOFF = 2 ** -11;

const model = { vocabSize: 31, contextLength: 12, dModel: 16, numLayers: 2, numHeads: 2, dFf: 24, ropeTheta: 10000 };
/** Between them, the parts of other people's models. */
const MODELS: Readonly<Record<string, ModelConfig>> = {
  "the loss and gradients of a model": model,
  "the loss and gradients of a model with shared keys, norms of them and of outputs, and a gate of GELU": {
    ...model,
    ...{ numHeads: 4, numKeyValueHeads: 2, slidingWindow: 7, qkNorm: "head", normPlace: "output", ffn: "geglu" },
    logitSoftCap: 15,
  },
  "the loss and gradients of a model with layer norms, biases and learned positions": {
    ...model,
    ...{ norm: "layer", bias: "all", position: "learned", ffn: "gelu_erf", parallelBlocks: true },
  },
  "the loss and gradients of a model with squared ReLU and value embeddings": {
    ...model,
    ...{ ffn: "relu_squared", valueEmbeddings: "all" },
  },
};
const optimizer = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };

Deno.test("withHalfStorage widens what is read, rounds what is written, and leaves the rest", () => {
  const source = `// x[i] in a comment
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
  tile[x[i]][1] = y[u32(x[2u * i])];
  if (y[i] == params.x[0]) { y[i] += vec4f(x[i], max[0]); } // y[0] = 1`;
  assertEquals(
    withHalfStorage(source, new Set([0, 1])),
    `enable f16;

// x[i] in a comment
@group(0) @binding(0) var<storage, read> x: array<f16>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f16>>;
  tile[f32(x[i])][1] = vec4f(y[u32(f32(x[2u * i]))]);
  if (vec4f(y[i]) == params.x[0]) { y[i] = vec4<f16>(vec4f(y[i]) + (vec4f(f32(x[i]), max[0]))); } // y[0] = 1`,
  );
  assertThrows(() => withHalfStorage(source, new Set([2])), Error, "bindings 2 as f16");
});

Deno.test("a step in f16 holds operands and what lies between layers in f16, and all that must be exact in f32", () => {
  const { batch } = traceStep(new Transformer(model), {
    batchSize: 2,
    optimizer,
    precision: "f16",
    maxGradNorm: 1,
    logCapacity: 1,
  });
  const types = (kernel: string) => {
    const calls = batch.calls.filter((call) => call.kernel.name === kernel);
    assert(calls.length > 0, kernel);
    const lists = new Set(calls.map(({ views }) => views.map(({ dtype }) => dtype).join(" ")));
    assertEquals(lists.size, 1, kernel);
    return [...lists][0];
  };
  assertEquals(types("linear_forward"), "f16 f16 f16");
  assertEquals(types("linear_backward_input"), "f16 f16 f16");
  assertEquals(types("linear_backward_weight"), "f16 f16 f32");
  assertEquals(types("attention_forward"), "f16 f16 f16 u32 f16 f32");
  assertEquals(types("attention_backward"), "f16 f16 f16 f16 f32 f16 f16 f16 f16");
  assertEquals(types("swiglu_backward"), "f16 f16 f16 f16 f16");
  assertEquals(types("rmsnorm_forward"), "f32 f32 f16 f32");
  assertEquals(types("rmsnorm_backward_input"), "f32 f32 f32 f16 f32");
  assertEquals(types("add_forward"), "f32 f16 f32");
  assertEquals(types("cross_entropy_forward"), "f16 u32 f32 f32");
  assertEquals(types("embedding_backward"), "u32 f32 f32");
  assertEquals(types("adamw"), "f32 f32 f32 f32 f32 f32");
});

/** The gradients of one step, and its loss. */
async function gradientsOf(backend: Backend, precision: Precision, model: ModelConfig) {
  const transformer = new Transformer(model);
  // With capped logits, a z-loss too.
  const zLoss = model.logitSoftCap === undefined ? 0 : 0.05;
  const options = { batchSize: 4, optimizer, precision, zLoss, maxGradNorm: Infinity, logCapacity: 1 };
  const trainer = await Trainer.create(backend, transformer, options);
  await writeWeights(backend, transformer, drawnWeights(model, 1));
  const tokens = tokensInMemory(new Random(3).integers(200, model.vocabSize));
  const batch = await randomBatch(tokens, { batchSize: 4, seqLen: model.contextLength, vocabSize: 31 }, 2, 0);
  await trainer.step(batch, 0);
  const gradients = await backend.read(wholeOf(trainer.gradients.flat.placement!.storage));
  const [{ loss }] = await trainer.takeLog();
  const parts = new Map([...trainer.gradients.parts].map(([name, { placement, size }]) => {
    return [name, gradients.subarray(placement!.byteOffset / 4, placement!.byteOffset / 4 + size)];
  }));
  trainer[Symbol.dispose]();
  return { loss, parts };
}

for (
  const [name, kernelsForHardware] of Object.keys(MODELS).flatMap((name) => [[name, false], [name, true]] as const)
) {
  const kernels = kernelsForHardware ? "a real GPU's kernels" : "the adapter's kernels";
  halfTest(
    `${name} in f16 differ from float64's by f16's roundings alone, with ${kernels}`,
    async () => {
      await using backend = await createWebGpuBackend({ kernelsForHardware });
      const expected = await gradientsOf(await reference(), "f32", MODELS[name]);
      const actual = await gradientsOf(backend, "f16", MODELS[name]);
      // What a gradient depends on was rounded about 12 times in each layer, forward and backward, and at the head. The
      // roundings are independent, so their relative errors add up as a random walk; three times that holds for every array.
      const tolerance = 3 * Math.sqrt(2 * 12 * model.numLayers + 4) * HALF_ROUNDOFF;
      assert(Math.abs(actual.loss - expected.loss) <= tolerance * expected.loss, `loss ${actual.loss}`);
      const scale = 2 ** 16;
      for (const [name, gradient] of expected.parts) {
        // Without rotations, what is added to every key changes no weight: of this gradient, there are only roundings.
        if (name.endsWith("k_proj.bias")) continue;
        let [error, size] = [0, 0];
        gradient.forEach((value, i) => {
          error += (actual.parts.get(name)![i] / scale - value) ** 2;
          size += value ** 2;
        });
        const relative = Math.sqrt(error / size);
        assert(relative <= tolerance, `${name} is off by ${relative}, more than ${tolerance}`);
        assert(relative > 0, `${name} was not computed in f16`);
      }
    },
  );
}

halfTest("training on Shakespeare in f16 ends within 1 % of f32's loss", async () => {
  const text = await Deno.readFile(new URL("../../data/shakespeare.txt", import.meta.url));
  const config = { ...model, vocabSize: 256, contextLength: 32, dModel: 32, dFf: 88 };
  const finalLoss = async (dtype: Precision) => {
    await using backend = await createWebGpuBackend();
    const training = { ...TRAINING_DEFAULTS, dtype, steps: 100, warmupSteps: 5, batchSize: 8 };
    const steps = train({
      backend,
      model: new Transformer(config),
      config: training,
      weights: initialWeights(config, 0),
      train: tokensInMemory(text.subarray(0, 300_000)),
    });
    const losses = (await Array.fromAsync(steps)).map(({ loss }) => loss);
    assert(losses.at(-1)! < 0.6 * losses[0], "it did not learn");
    // The mean over the last steps: single batches differ by more than precisions do.
    return losses.slice(-10).reduce((sum, loss) => sum + loss) / 10;
  };
  const [full, half] = [await finalLoss("f32"), await finalLoss("f16")];
  assert(Math.abs(half - full) <= 0.01 * full, `f16 ends at ${half}, f32 at ${full}`);
  assert(half !== full, "both were computed alike");
});

Deno.test("f16 is refused by name where it is not to be had", async () => {
  await using backend = await createWasmBackend();
  const graph = new Graph({ precision: "f16" });
  linear(graph, graph.input("x", [2, 4]), graph.input("w", [3, 4]));
  await assertRejects(() => backend.load(plan(graph)), UserError, "got an array of f16, must be f32 on wasm");
  const steps = train({
    backend,
    model: new Transformer(model),
    config: { ...TRAINING_DEFAULTS, dtype: "f16" },
    weights: initialWeights(model, 0),
    train: tokensInMemory(new Uint16Array(100)),
  });
  await assertRejects(() => steps.next(), UserError, "Cannot compute in f16: got the wasm backend");
});

gpuTest("an adapter without shader-f16 is refused in f16, and serves in f32", async () => {
  await using backend = await createWebGpuBackend();
  Object.defineProperty(backend, "capabilities", { value: { ...backend.capabilities, precisions: ["f32"] } });
  const load = async (precision: Precision) => {
    const graph = new Graph({ precision });
    linear(graph, graph.input("x", [2, 4]), graph.input("w", [3, 4]));
    await backend.load(plan(graph));
  };
  await load("f32");
  await assertRejects(() => load("f16"), UserError, "which computes in f32, must be a GPU with shader-f16");
});

Deno.test("train-lm --dtype f16 on wasm is refused before anything is written", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await writeNpy(`${dir}/train.npy`, Uint16Array.from(new Random(5).integers(300, 17)));
    const args = ["--train", `${dir}/train.npy`, "--vocab-size", "17", "--out", `${dir}/run`, "--dtype", "f16"];
    const { code, stderr } = await runTaskProcess("train-lm", [...args, "--backend", "wasm"]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "Cannot compute in f16: --backend wasm computes in f32");
    assertEquals((await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name), ["train.npy"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

gpuTest("a step that is skipped for gradients that f16 cannot hold is logged in numbers that JSON can", async () => {
  await using backend = await createWebGpuBackend();
  const good = initialWeights(model, 1);
  // The loss is fine; its gradient, scaled by 65,536 and multiplied with these, is beyond f16.
  const weights: WeightSource = async (name, shape) =>
    (await good(name, shape)).map((value) => name === "lm_head.weight" ? 100 * value : value);
  const tokens = tokensInMemory(new Random(3).integers(200, model.vocabSize));
  const config = { ...TRAINING_DEFAULTS, steps: 3, batchSize: 2, dtype: "f16" } as const;
  const options = { backend, model: new Transformer(model), config, weights, train: tokens };
  const metrics = await Array.fromAsync(train(options));
  assertEquals([metrics[0].skipped, metrics[0].gradNorm], [true, 0]);
  assertEquals(JSON.parse(JSON.stringify(metrics)), metrics);
});
