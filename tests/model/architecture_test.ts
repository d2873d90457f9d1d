import { assert, assertEquals, assertThrows } from "@std/assert";
import { countParameters } from "../../lib/accounting/parameters.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import { backward } from "../../lib/graph/backward.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { compile } from "../../lib/graph/compiled_graph.ts";
import { viewOf } from "../../lib/graph/program.ts";
import { type ModelConfig, PRESETS, validateModelConfig } from "../../lib/model/config.ts";
import { ParameterLayout, parameterSpecs, sizeOf } from "../../lib/model/parameters.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { writeWeights } from "../../lib/model/weights.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { mergeConfigs } from "../../lib/run/merge_config.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice, reference } from "../harness/backends.ts";
import { drawnWeights } from "../harness/drawn_weights.ts";
import { Random } from "../harness/random.ts";

const BASE = { vocabSize: 11, contextLength: 5, dModel: 8, numLayers: 2, numHeads: 2, dFf: 12, ropeTheta: 10000 };

const ARCHITECTURES: Record<string, Partial<ModelConfig>> = {
  "no norms": { norm: "none" },
  "norms after sublayers": { normPlace: "post" },
  "no positions": { position: "none" },
  "no positions, heads of an odd size": { position: "none", dModel: 10 },
  "no positions, heads of one dimension": { position: "none", dModel: 2 },
  "no gate": { ffn: "silu" },
  "tied embeddings": { tieEmbeddings: true },
  "tied embeddings that are scaled": { tieEmbeddings: true, scaleEmbeddings: true },
  "shared keys": { numHeads: 4, numKeyValueHeads: 2 },
  "one head of keys, and heads wider than the model": { numKeyValueHeads: 1, headDim: 6 },
  "heads narrower than the model": { headDim: 2 },
  "a window of two keys": { slidingWindow: 2 },
  "layer norms with biases everywhere": { norm: "layer", bias: "all" },
  "biases of queries, keys and values, and another epsilon": { bias: "qkv", normEps: 1e-3 },
  "biases of attention": { bias: "attention" },
  "norms of a sublayer's output": { normPlace: "output" },
  "norms of single heads": { qkNorm: "head", numHeads: 4, numKeyValueHeads: 2, headDim: 4 },
  "norms of all heads": { qkNorm: "width", numHeads: 4, numKeyValueHeads: 2 },
  "value embeddings": { valueEmbeddings: "all" },
  "value embeddings of shared keys, in the last of two layers": {
    ...{ valueEmbeddings: "alternate", numHeads: 4, numKeyValueHeads: 2, headDim: 6 },
  },
  "learned positions": { position: "learned" },
  "positions that turn a part of each head": { headDim: 8, rotaryDim: 4 },
  "a gate of GELU, and scaled embeddings": { ffn: "geglu", embeddingScale: 3 },
  "capped logits": { logitSoftCap: 0.5 },
  "GELU by tanh": { ffn: "gelu" },
  "squared ReLU": { ffn: "relu_squared" },
  "GELU by erf, and blocks in parallel": { ffn: "gelu_erf", parallelBlocks: true },
  "GPT-2": { norm: "layer", bias: "all", position: "learned", ffn: "gelu", tieEmbeddings: true },
  "Mistral": { numHeads: 4, numKeyValueHeads: 2, slidingWindow: 3, headDim: 4 },
  "all but norms switched": { normPlace: "post", position: "none", ffn: "silu", tieEmbeddings: true },
};

/** Runs loss and gradients of a model on two random sequences. */
async function load(backend: Backend, config: ModelConfig) {
  const model = new Transformer(config);
  const random = new Random(4);
  const gradients = new ParameterLayout("gradients", parameterSpecs(config), false);
  const graph = new Graph();
  const ids = graph.input("ids", [2, 5], { dtype: "u32" });
  const targets = graph.input("targets", [2, 5], { dtype: "u32" });
  const dLoss = graph.input("dLoss", [1]);
  const loss = crossEntropy(graph, model.forward(graph, ids), targets);
  const gradientOf = new Map([...model.parameters.parts].map(([name, part]) => [part, gradients.part(name)]));
  backward(graph, loss, dLoss, { gradientOf });
  const compiled = await compile(backend, graph, { keep: [loss] });
  const source = drawnWeights(config, 3);
  await writeWeights(backend, model, source);
  compiled.set(ids, random.integers(10, config.vocabSize)).set(targets, random.integers(10, config.vocabSize));
  compiled.set(dLoss, [1]);
  const run = async () => {
    await compiled.run();
    return (await compiled.read(loss))[0];
  };
  const read = (name: string) => {
    const part = gradients.part(name);
    return backend.read(viewOf(part, part.placement!));
  };
  const write = (name: string, weights: Float32Array) => {
    const part = model.parameters.part(name);
    backend.write(viewOf(part, part.placement!), weights);
  };
  return { run, read, write, source };
}

for (const [name, architecture] of Object.entries(ARCHITECTURES)) {
  const config = { ...BASE, ...architecture };

  Deno.test(`${name}: every parameter's gradient is the loss's derivative`, async () => {
    const { run, read, write, source } = await load(await reference(), config);
    await run();
    const specs = parameterSpecs(config);
    const gradients = new Map<string, Float64Array>();
    for (const spec of specs) gradients.set(spec.name, Float64Array.from(await read(spec.name)));
    const random = new Random(12);
    for (const spec of specs) {
      const weights = await source(spec.name, spec.shape);
      const direction = random.normal(weights.length, 2 ** -9);
      const [plus, minus] = [1, -1].map((sign) => weights.map((w, i) => w + sign * direction[i]));
      write(spec.name, plus);
      const above = await run();
      write(spec.name, minus);
      const below = await run();
      write(spec.name, weights);
      // The steps that were taken, after rounding to float32.
      const gradient = gradients.get(spec.name)!;
      let expected = 0;
      let size = 0;
      for (let i = 0; i < plus.length; i++) {
        expected += gradient[i] * (plus[i] - minus[i]);
        size += (gradient[i] * (plus[i] - minus[i])) ** 2;
      }
      assert(size > 0, `the gradient of ${spec.name} is zero, which proves nothing`);
      // Central differences err by the third derivative times the step cubed, here about 2⁻²⁷ of a loss of a few nats;
      // the loss itself is read as a float32.
      assertClose([above - below], [expected], { absolute: 4e-6, relative: 1e-3 }, spec.name);
    }
  });

  forEachDevice(`${name}: loss and gradients equal the reference's`, async (backend) => {
    const [device, expected] = [await load(backend, config), await load(await reference(), config)];
    // Two layers of sums over at most 12 terms, forward and back, without norms to keep errors small.
    const tolerance = { absolute: 200 * UNIT_ROUNDOFF, relative: 200 * UNIT_ROUNDOFF };
    assertClose([await device.run()], [await expected.run()], tolerance, "loss");
    // All at once: WebGPU in Deno answers each read 10 ms later.
    await Promise.all(
      parameterSpecs(config).map(async ({ name }) => {
        assertClose(await device.read(name), await expected.read(name), tolerance, name);
      }),
    );
  });

  Deno.test(`${name}: the accounting counts the parameters that there are`, () => {
    assertEquals(parameterSpecs(config).reduce((sum, spec) => sum + sizeOf(spec), 0), countParameters(config));
  });
}

Deno.test("without a gate the feed-forward keeps its parameters, unless its width is given", () => {
  const count = (model: Partial<ModelConfig>) => countParameters(mergeConfigs([{ model }], 300).model);
  for (const ffn of ["silu", "gelu", "relu_squared"] as const) assertEquals(count({ ffn }), count({}));
  assertEquals(mergeConfigs([{ model: { ffn: "silu", dFf: 100 } }], 300).model.dFf, 100);
});

Deno.test("presets have their vocabularies, over which a tokenizer's goes", () => {
  for (const preset of Object.keys(PRESETS).filter((name) => name !== "tiny")) {
    assertEquals(mergeConfigs([{ preset }]).model.vocabSize, PRESETS[preset].vocabSize);
    assertEquals(mergeConfigs([{ preset }], 777).model.vocabSize, 777);
  }
});

Deno.test("an odd head size is refused for rotary positions alone", () => {
  assertThrows(() => validateModelConfig({ ...BASE, dModel: 10 }), RangeError, "got head size 5");
  assertEquals(validateModelConfig({ ...BASE, dModel: 10, position: "none" }).dModel, 10);
});

Deno.test("an architecture that is not one of the choices is refused", () => {
  for (const [key, value] of [["norm", "batch"], ["normPlace", "mid"], ["position", "sine"], ["ffn", "relu"]]) {
    const config = { ...BASE, [key]: value } as ModelConfig;
    assertThrows(() => validateModelConfig(config), RangeError, `got ${key} "${value}"`);
  }
});
