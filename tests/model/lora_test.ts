import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { OptionError } from "../../lib/errors.ts";
import { backward } from "../../lib/graph/backward.ts";
import { compile } from "../../lib/graph/compiled_graph.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { viewOf } from "../../lib/graph/program.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { adapterSpecs, initialAdapters, isAdapter, type LoraOptions } from "../../lib/model/lora.ts";
import { mergedWeights, withAdapters } from "../../lib/model/lora.ts";
import { ParameterLayout, parameterSpecs, sizeOf } from "../../lib/model/parameters.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, type WeightSource, writeWeights } from "../../lib/model/weights.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachBackend } from "../harness/backends.ts";
import { Random } from "../harness/random.ts";
import { largest } from "../harness/tolerance.ts";

const SHAPE: ModelConfig = {
  vocabSize: 13,
  contextLength: 6,
  dModel: 16,
  numLayers: 2,
  numHeads: 4,
  numKeyValueHeads: 2,
  dFf: 10,
  ropeTheta: 10000,
};
const ALL = ["q_proj", "k_proj", "v_proj", "output_proj", "w1", "w2", "w3"];

/** Weights of a seeded normal distribution, for adapters too: their B is not zero. */
function drawn(config: ModelConfig, options: LoraOptions): WeightSource {
  const specs = adapterSpecs(config, options);
  const random = new Random(9);
  const adapters = new Map(specs.map((spec) => [spec.name, random.normal(sizeOf(spec)).map((value) => 0.3 * value)]));
  return withAdapters(initialWeights(config, 4), (name) => Float32Array.from(adapters.get(name)!));
}

/** Logits and all gradients of a model's mean loss on some ids. */
async function resultsOf(backend: Backend, model: Transformer, weights: WeightSource) {
  const { parameters, config } = model;
  const gradients = new ParameterLayout("gradients", parameters.specs, false);
  const graph = new Graph();
  const [ids, targets] = ["ids", "targets"].map((name) => graph.input(name, [2, 5], { dtype: "u32" }));
  const dLoss = graph.input("dLoss", [1]);
  const logits = model.forward(graph, ids);
  backward(graph, crossEntropy(graph, logits, targets), dLoss, {
    gradientOf: new Map([...parameters.parts].map(([name, part]) => [part, gradients.part(name)])),
  });
  using compiled = await compile(backend, graph, { keep: [logits] });
  await writeWeights(backend, model, weights);
  const random = new Random(31);
  const next = () => random.integers(10, config.vocabSize);
  await compiled.set(ids, next()).set(targets, next()).set(dLoss, [1]).run();
  const read = await Promise.all(
    [...gradients.parts].map(async ([name, part]) =>
      [name, await backend.read(viewOf(part, part.placement!)) as Float32Array] as const
    ),
  );
  const result = { logits: await compiled.read(logits) as Float32Array, gradients: new Map(read) };
  gradients.release(backend);
  model.release(backend);
  return result;
}

const near = (expected: ArrayLike<number>) => ({ absolute: 2e-5 * largest(expected) + 1e-7, relative: 2e-5 });

forEachBackend(
  "a model with adapters computes what one of merged weights does, and its gradients follow",
  async (backend) => {
    for (const more of [{}, { bias: "all", ffn: "gelu", norm: "layer", qkNorm: "head" }] as Partial<ModelConfig>[]) {
      const config = { ...SHAPE, ...more };
      const targets = more.ffn ? ALL.slice(0, -1) : ALL;
      const options = { rank: 3, alpha: 5, targets };
      const weights = drawn(config, options);
      const adapted = await resultsOf(backend, new Transformer(config, { lora: options }), weights);
      const merged = await resultsOf(
        backend,
        new Transformer(config),
        mergedWeights(weights, adapterSpecs(config, options), 5 / 3),
      );
      assertClose(adapted.logits, merged.logits, near(merged.logits), "logits");
      for (const { name } of parameterSpecs(config)) {
        assertClose(adapted.gradients.get(name)!, merged.gradients.get(name)!, near(merged.gradients.get(name)!), name);
      }
      // With M = W + s B A: dA = s Bᵀ dM, and dB = s dM Aᵀ.
      for (const { name, shape: [rank, from] } of adapterSpecs(config, options)) {
        if (!name.endsWith("lora_A.weight")) continue;
        const stem = name.slice(0, -".lora_A.weight".length);
        const dM = merged.gradients.get(`${stem}.weight`)!;
        const out = dM.length / from;
        const a = await weights(name, [rank, from]);
        const b = await weights(`${stem}.lora_B.weight`, [out, rank]);
        const [dA, dB] = [new Float64Array(a.length), new Float64Array(b.length)];
        for (let o = 0; o < out; o++) {
          for (let r = 0; r < rank; r++) {
            for (let i = 0; i < from; i++) {
              dA[r * from + i] += 5 / 3 * b[o * rank + r] * dM[o * from + i];
              dB[o * rank + r] += 5 / 3 * dM[o * from + i] * a[r * from + i];
            }
          }
        }
        assertClose(adapted.gradients.get(name)!, dA, near(dA), name);
        assertClose(adapted.gradients.get(`${stem}.lora_B.weight`)!, dB, near(dB), `${stem}.lora_B.weight`);
      }
    }
  },
);

forEachBackend("a model whose adapters are new computes what it did without them", async (backend) => {
  const lora = { rank: 2, targets: ALL };
  const specs = adapterSpecs(SHAPE, lora);
  const weights = withAdapters(initialWeights(SHAPE, 4), initialAdapters(specs, 1));
  const adapted = await resultsOf(backend, new Transformer(SHAPE, { lora }), weights);
  const plain = await resultsOf(backend, new Transformer(SHAPE), initialWeights(SHAPE, 4));
  assertEquals(adapted.logits, plain.logits);
});

Deno.test("adapters come after the weights, in the order of their maps, A before B", () => {
  const lora = { rank: 2, targets: ["w2", "k_proj"] };
  const { parameters } = new Transformer({ ...SHAPE, valueEmbeddings: "all" }, { lora });
  const names = parameterSpecs({ ...SHAPE, valueEmbeddings: "all" });
  assertEquals(parameters.specs.slice(0, names.length), names);
  assertEquals(
    parameters.specs.slice(names.length),
    [0, 1].flatMap((layer) => [
      { name: `layers.${layer}.attn.k_proj.lora_A.weight`, shape: [2, 16] },
      { name: `layers.${layer}.attn.k_proj.lora_B.weight`, shape: [8, 2] },
      { name: `layers.${layer}.ffn.w2.lora_A.weight`, shape: [2, 10] },
      { name: `layers.${layer}.ffn.w2.lora_B.weight`, shape: [16, 2] },
    ]),
  );
  assertEquals(names.filter(({ name }) => isAdapter(name)), []);
  const byDefault = adapterSpecs(SHAPE, { rank: 1 }).map(({ name }) => name.split(".")[3]);
  assertEquals([...new Set(byDefault)], ["q_proj", "v_proj"]);
});

Deno.test("adapters begin with A uniform within 1 / √in, and B as zeros", async () => {
  const config = { ...SHAPE, dModel: 64, numHeads: 4, numKeyValueHeads: 4 };
  const lora = { rank: 32 };
  const specs = adapterSpecs(config, lora);
  const seen: Float32Array[] = [];
  for (const { name, shape } of specs) {
    const values = await initialAdapters(specs, 7)(name, shape);
    assertEquals(await initialAdapters(specs, 7)(name, shape), values);
    if (name.endsWith("lora_B.weight")) {
      assert(values.every((value) => value === 0), name);
      continue;
    }
    assert(values.every((value) => Math.abs(value) <= 1 / 8), name);
    // Of 2048 draws: 4 standard deviations of the mean, and of the mean square, which is 1 / 192 with a deviation of 0.9 of it.
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const square = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
    assertClose([mean], [0], { absolute: 4 / Math.sqrt(192 * values.length) }, "mean");
    assertClose([square], [1 / 192], { absolute: 4 * 0.9 / 192 / Math.sqrt(values.length) }, "mean square");
    for (const other of seen) assert(other.some((value, i) => value !== values[i]), `${name} is drawn twice`);
    seen.push(values, await initialAdapters(specs, 8)(name, shape));
  }
});

Deno.test("adapters that cannot be are refused by name and range", () => {
  const gelu: ModelConfig = { ...SHAPE, ffn: "gelu" };
  const cases: [LoraOptions, string, ModelConfig?][] = [
    [{ rank: 0 }, "got loraRank 0, must be a positive integer"],
    [{ rank: 1.5 }, "got loraRank 1.5, must be a positive integer"],
    [{ rank: NaN }, "got loraRank NaN, must be a positive integer"],
    [{ rank: 9 }, "got loraRank 9, must be at most 8, the smaller side of layers.0.attn.v_proj.weight"],
    [{ rank: 11, targets: ["w1"] }, "got loraRank 11, must be at most 10, the smaller side of layers.0.ffn.w1.weight"],
    [{ rank: 1, alpha: 0 }, "got loraAlpha 0, must be a finite number above 0"],
    [{ rank: 1, alpha: Infinity }, "got loraAlpha Infinity, must be a finite number above 0"],
    [{ rank: 1, targets: ["o_proj"] }, 'got loraTargets "o_proj", must be one or more of q_proj, k_proj, v_proj,'],
    [{ rank: 1, targets: ["w3"] }, "must be one or more of q_proj, k_proj, v_proj, output_proj, w1, w2", gelu],
    [{ rank: 1, targets: [] }, "got loraTargets [], must be a list of one or more of"],
    [{ rank: 1, targets: ["w1", "w1"] }, "each once"],
    [{ rank: 1, targets: ["value_embeddings"] }, "must be one or more of", { ...SHAPE, valueEmbeddings: "all" }],
  ];
  for (const [lora, message, config = SHAPE] of cases) {
    assertThrows(() => new Transformer(config, { lora }), OptionError, message);
  }
});
