import { assert, assertEquals, assertThrows } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, readWeight, type WeightSource, writeWeights } from "../../lib/model/weights.ts";
import { configDifferences } from "../../lib/run/config_difference.ts";
import { type ConfigParts, mergeConfigs } from "../../lib/run/merge_config.ts";
import { train } from "../../lib/train/train.ts";
import { fullForward } from "../harness/full_forward.ts";
import { GATED, Gated } from "../harness/gated_model.ts";

const model: ModelConfig = {
  ...{ vocabSize: 17, contextLength: 12, dModel: 16, numLayers: 2, numHeads: 2, dFf: 24, ropeTheta: 10000 },
};
const PROMPT = [3, 1, 4, 1, 5];
const isOutput = (name: string) => name.endsWith(".output_proj.weight") || name.endsWith(".w2.weight");
const zeroed = { zeroInitOutputs: true };

async function logitsOf(config: ModelConfig, weights: WeightSource): Promise<number[]> {
  await using backend = await createWasmBackend({ workers: 1 });
  const transformer = new Transformer(config);
  const forward = await fullForward(backend, transformer);
  await writeWeights(backend, transformer, weights);
  return Array.from(await forward(PROMPT));
}

Deno.test("with zeroed outputs, all other weights start with the same bits", async () => {
  for (const parts of [{}, { bias: "all", norm: "layer", position: "learned", ffn: "relu_squared" }] as const) {
    const config = { ...model, ...parts };
    const [plain, zero] = [initialWeights(config, 7), initialWeights(config, 7, zeroed)];
    let outputs = 0;
    for (const { name, shape } of parameterSpecs(config)) {
      const weights = await zero(name, shape);
      if (isOutput(name)) {
        assert(weights.every((weight) => weight === 0), name);
        outputs++;
      } else assertEquals(weights, await plain(name, shape), name);
    }
    assertEquals(outputs, 2 * model.numLayers);
  }
});

Deno.test("with zeroed outputs, blocks at first add nothing", async () => {
  const [other, twoLayers] = [initialWeights(model, 9, zeroed), initialWeights(model, 7, zeroed)];
  // Other blocks between the same embedding and the same head.
  const mixed: WeightSource = (name, shape) => name.startsWith("layers.") ? other(name, shape) : twoLayers(name, shape);
  const logits = await logitsOf(model, twoLayers);
  assertEquals(await logitsOf(model, mixed), logits);
  assertEquals(await logitsOf({ ...model, numLayers: 1 }, twoLayers), logits);
  assert((await logitsOf(model, initialWeights(model, 7))).some((logit, i) => logit !== logits[i]));
});

for (const optimizer of ["adamw", "muon"] as const) {
  Deno.test(`a model with zeroed outputs trains with ${optimizer}: every weight moves`, async () => {
    await using backend = await createWasmBackend({ workers: 1 });
    const { training: config } = mergeConfigs([{
      model: { vocabSize: 17 },
      training: { steps: 8, batchSize: 4, lr: 0.01, optimizer, weightDecay: 0, ...zeroed },
    }]);
    const transformer = new Transformer(model);
    const weights = initialWeights(model, config.seed, config);
    const tokens = tokensInMemory(Uint32Array.from({ length: 400 }, (_, i) => i * i % 17));
    const losses = [];
    for await (const { loss } of train({ backend, model: transformer, config, weights, train: tokens })) {
      losses.push(loss);
    }
    assert(losses.at(-1)! < losses[0], `the loss does not fall: ${losses}`);
    for (const { name, shape } of parameterSpecs(model)) {
      const [before, after] = [await weights(name, shape), await readWeight(backend, transformer, name)];
      assert(after.some((weight, i) => weight !== before[i]), `${name} stays as it was`);
    }
  });
}

Deno.test("zeroed outputs are a setting that is on or off, and refused where they cannot train", () => {
  const merged = (parts: ConfigParts) => mergeConfigs([{ model: { vocabSize: 17 } }, parts]);
  assertEquals("zeroInitOutputs" in merged({}).training, false);
  const run = (training: ConfigParts["training"]) => ({
    ...merged({ training }),
    ...{ data: { train: { name: "t", tokens: 9, sha256: "" } }, backend: "wasm" },
  });
  assertEquals(configDifferences(run({ zeroInitOutputs: false }), run({})), []);
  assertEquals(configDifferences(run(zeroed), run({})).map(({ field }) => field), ["training.zeroInitOutputs"]);
  const refused = (parts: ConfigParts, message: string) =>
    assertThrows(() => merged({ ...parts, training: { ...zeroed, ...parts.training } }), RangeError, message);
  refused({ training: { zeroInitOutputs: 1 as unknown as boolean } }, "got zeroInitOutputs 1, must be true or false");
  refused({ model: { normPlace: "output" } }, 'got zeroInitOutputs true with normPlace "output", must be without');
  merged({ model: { normPlace: "output", norm: "none" }, training: zeroed });
  merged({ model: { normPlace: "post" }, training: zeroed });
  assertThrows(
    () => initialWeights(new Gated(GATED), 1, zeroed),
    RangeError,
    "got zeroInitOutputs true, must be false for another architecture",
  );
});

Deno.test("value embeddings start as zeros: all other weights and the first logits are as without them", async () => {
  const config: ModelConfig = { ...model, valueEmbeddings: "all" };
  const [plain, more] = [initialWeights(model, 7), initialWeights(config, 7)];
  for (const { name, shape } of parameterSpecs(model)) {
    assertEquals(await more(name, shape), await plain(name, shape), name);
  }
  for (const layer of [0, 1]) {
    const table = await more(`layers.${layer}.attn.value_embeddings.weight`, [17, 16]);
    assert(table.every((weight) => weight === 0), `layer ${layer}`);
  }
  assertEquals(await logitsOf(config, more), await logitsOf(model, plain));
});

Deno.test("scaled embeddings start as large at the input as untied ones, and what they multiply by is √dModel", async () => {
  const wide: ModelConfig = { ...model, vocabSize: 500, dModel: 64, position: "learned", contextLength: 200 };
  const rms = async (config: ModelConfig, name: string) => {
    const { shape } = parameterSpecs(config).find((spec) => spec.name === name)!;
    const weights = await initialWeights(config, 5)(name, shape);
    return Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0) / weights.length);
  };
  // The spread of a normal distribution that is cut off at three standard deviations.
  const spread = 0.986;
  const close = (actual: number, expected: number) =>
    assert(Math.abs(actual / expected - 1) < 0.02, `${actual} instead of ${expected}`);
  for (const tieEmbeddings of [false, true]) {
    const config = { ...wide, tieEmbeddings, scaleEmbeddings: true };
    close(await rms(config, "token_embeddings.weight"), spread / 8);
    close(await rms(config, "position_embeddings.weight"), spread);
  }
  close(await rms({ ...wide, tieEmbeddings: true }, "token_embeddings.weight"), spread * Math.sqrt(2 / 564));
  close(await rms(wide, "token_embeddings.weight"), spread);
  // The same weights and the same factor, spelled otherwise.
  const tied: ModelConfig = { ...model, tieEmbeddings: true };
  const weights = initialWeights({ ...tied, scaleEmbeddings: true }, 5);
  assertEquals(
    await logitsOf({ ...tied, scaleEmbeddings: true }, weights),
    await logitsOf({ ...tied, embeddingScale: 4 }, weights),
  );
});
