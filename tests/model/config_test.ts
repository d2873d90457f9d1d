import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type ModelConfig, PRESETS, validateModelConfig } from "../../lib/model/config.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { parameterSpecs, sizeOf } from "../../lib/model/parameters.ts";

const tiny: ModelConfig = { vocabSize: 300, ...PRESETS.tiny };
const SIZES = ["vocabSize", "contextLength", "dModel", "numLayers", "numHeads", "dFf"] as const;

Deno.test("a shape that passes has few enough parameters to be listed, and counted by 32 bits", () => {
  const size = fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 0, max: 24 }).map((power) => 2 ** power));
  const shape = fc.record(
    Object.fromEntries(SIZES.map((key) => [key, size])) as Record<typeof SIZES[number], typeof size>,
  );
  const tables = fc.constantFrom("none", "alternate", "all");
  let passed = 0;
  fc.assert(
    fc.property(shape, fc.boolean(), tables, (sizes, tieEmbeddings, valueEmbeddings) => {
      const config: ModelConfig = { ...sizes, ropeTheta: 10_000, tieEmbeddings, valueEmbeddings };
      try {
        validateModelConfig(config);
      } catch (error) {
        assert(error instanceof RangeError && /^Cannot build the model: got .+, must be /.test(error.message));
        return;
      }
      passed++;
      const elements = parameterSpecs(config).reduce((sum, spec) => sum + Math.ceil(sizeOf(spec) / 64) * 64, 0);
      assert(elements < 2 ** 32 && config.contextLength * config.dModel < 2 ** 32, JSON.stringify(config));
    }),
    { seed: 1, numRuns: 2000 },
  );
  assert(passed > 50, `${passed} of 2000 shapes were possible`);
});

Deno.test("a shape that is too large is refused by the name of what makes it so", () => {
  for (const [key, value] of [["numLayers", 2 ** 31], ["vocabSize", 2 ** 31], ["dFf", 2 ** 31], ["dModel", 2 ** 20]]) {
    assertThrows(() => validateModelConfig({ ...tiny, [key]: value }), RangeError, `got ${key} ${value}`);
  }
  assertThrows(
    () => validateModelConfig({ ...tiny, contextLength: 2 ** 31 }),
    RangeError,
    "got contextLength 2147483648",
  );
  const tables = { ...tiny, numLayers: 8, vocabSize: 2 ** 22 };
  assertEquals(validateModelConfig(tables), tables);
  assertThrows(() => validateModelConfig({ ...tables, valueEmbeddings: "all" }), RangeError, "got vocabSize 4194304");
  for (const preset of Object.values(PRESETS)) {
    const config = { vocabSize: 50_257, ...preset };
    assertEquals(validateModelConfig(config), config);
  }
});

Deno.test("heads, windows and switches that cannot work are refused, with what they must be", () => {
  const wrong: [Partial<Record<keyof ModelConfig, unknown>>, string][] = [
    [{ numKeyValueHeads: 3 }, "got numKeyValueHeads 3 and numHeads 4, must be a divisor of it"],
    [{ numKeyValueHeads: 8 }, "got numKeyValueHeads 8 and numHeads 4, must be a divisor of it"],
    [{ numKeyValueHeads: 0 }, "got numKeyValueHeads 0, must be a positive integer"],
    [{ headDim: 7 }, "got head size 7, must be even for rotary positions"],
    [{ headDim: 1.5 }, "got headDim 1.5, must be a positive integer"],
    [{ rotaryDim: 34 }, "got rotaryDim 34, must be even and at most the head size 32"],
    [{ rotaryDim: 3 }, "got rotaryDim 3, must be even and at most the head size 32"],
    [{ rotaryDim: 4, position: "none" }, 'got rotaryDim 4 with position "none", must be with "rope"'],
    [
      { ropeScaling: { type: "linear", factor: 2 }, position: "learned" },
      'with position "learned", must be with "rope"',
    ],
    [{ slidingWindow: 0 }, "got slidingWindow 0, must be a positive integer"],
    [{ normEps: 0 }, "got normEps 0, must be a number above 0"],
    [{ embeddingScale: Infinity }, "got embeddingScale Infinity, must be a number above 0"],
    [{ logitSoftCap: 0 }, "got logitSoftCap 0, must be a number above 0, from 1e-18 to 1e18"],
    [{ logitSoftCap: -30 }, "got logitSoftCap -30, must be a number above 0"],
    [{ logitSoftCap: Infinity }, "got logitSoftCap Infinity, must be a number above 0"],
    [{ logitSoftCap: "30" }, 'got logitSoftCap "30", must be a number above 0'],
    [{ scaleEmbeddings: "yes" }, 'got scaleEmbeddings "yes", must be true or false'],
    [
      { scaleEmbeddings: true, embeddingScale: 2 },
      "got embeddingScale 2 with scaleEmbeddings true, must be only one of them",
    ],
    [{ parallelBlocks: true, normPlace: "post" }, 'got parallelBlocks true with normPlace "post", must be with "pre"'],
    [{ parallelBlocks: 1 }, "got parallelBlocks 1, must be true or false"],
    [{ bias: true }, "got bias true, must be none, qkv, attention or all"],
    [{ valueEmbeddings: 2 }, "got valueEmbeddings 2, must be none, alternate or all"],
    [{ qkNorm: "layer" }, 'got qkNorm "layer", must be none, head or width'],
    [{ headDim: 2 ** 30 }, "headDim 1073741824 and 4 heads"],
  ];
  for (const [change, message] of wrong) {
    assertThrows(() => validateModelConfig({ ...tiny, ...change } as ModelConfig), RangeError, message);
  }
  // A width that heads do not divide, with heads of a size of their own.
  const config = { ...tiny, dModel: 130, headDim: 32 };
  assertEquals(validateModelConfig(config), config);
});

Deno.test("parameters have the names and shapes of the parts", () => {
  const shapes = (change: Partial<ModelConfig>) =>
    Object.fromEntries(parameterSpecs({ ...tiny, numLayers: 1, ...change }).map(({ name, shape }) => [name, shape]));
  const plain = shapes({});
  /** What a change adds, or gives another shape. */
  const changed = (change: Partial<ModelConfig>) =>
    Object.entries(shapes(change)).filter(([name, shape]) => plain[name]?.join() !== shape.join());
  assertEquals(changed({ numKeyValueHeads: 2, headDim: 16 }), [
    ["layers.0.attn.q_proj.weight", [64, 128]],
    ["layers.0.attn.k_proj.weight", [32, 128]],
    ["layers.0.attn.v_proj.weight", [32, 128]],
    ["layers.0.attn.output_proj.weight", [128, 64]],
  ]);
  assertEquals(changed({ bias: "qkv", numKeyValueHeads: 1 }).filter(([name]) => name.endsWith("bias")), [
    ["layers.0.attn.q_proj.bias", [128]],
    ["layers.0.attn.k_proj.bias", [32]],
    ["layers.0.attn.v_proj.bias", [32]],
  ]);
  assertEquals(changed({ bias: "all", norm: "layer" }), [
    ["layers.0.ln1.bias", [128]],
    ["layers.0.attn.q_proj.bias", [128]],
    ["layers.0.attn.k_proj.bias", [128]],
    ["layers.0.attn.v_proj.bias", [128]],
    ["layers.0.attn.output_proj.bias", [128]],
    ["layers.0.ln2.bias", [128]],
    ["layers.0.ffn.w1.bias", [344]],
    ["layers.0.ffn.w3.bias", [344]],
    ["layers.0.ffn.w2.bias", [128]],
    ["ln_final.bias", [128]],
  ]);
  assertEquals(changed({ qkNorm: "head" }), [["layers.0.attn.q_norm.weight", [32]], ["layers.0.attn.k_norm.weight", [
    32,
  ]]]);
  assertEquals(changed({ qkNorm: "width", numKeyValueHeads: 2 }).slice(-2), [
    ["layers.0.attn.q_norm.weight", [128]],
    ["layers.0.attn.k_norm.weight", [64]],
  ]);
  assertEquals(changed({ valueEmbeddings: "all", numKeyValueHeads: 2, vocabSize: 20 }).at(-1), [
    "layers.0.attn.value_embeddings.weight",
    [20, 64],
  ]);
  for (const [numLayers, alternate] of [[1, [0]], [4, [1, 3]], [5, [0, 2, 4]]] as const) {
    const tables = (valueEmbeddings: ModelConfig["valueEmbeddings"]) =>
      parameterSpecs({ ...tiny, numLayers, valueEmbeddings }).filter(({ name }) => name.includes("value_embeddings"));
    const names = (layers: readonly number[]) => layers.map((i) => `layers.${i}.attn.value_embeddings.weight`);
    assertEquals(tables("alternate").map(({ name }) => name), names(alternate));
    assertEquals(tables("all").map(({ name }) => name), names([...Array(numLayers).keys()]));
    assertEquals(tables("none"), []);
  }
  assertEquals(changed({ position: "learned" }), [["position_embeddings.weight", [128, 128]]]);
});

Deno.test("biases begin as zeros, norms as ones, and learned positions as tokens do", async () => {
  const config: ModelConfig = { ...tiny, norm: "layer", bias: "all", position: "learned", qkNorm: "head" };
  const source = initialWeights(config, 1);
  const rms = new Map<string, number>();
  for (const { name, shape } of parameterSpecs(config)) {
    const weights = await source(name, shape);
    if (name.endsWith(".bias")) assert(weights.every((weight) => weight === 0), name);
    else if (shape.length === 1) assert(weights.every((weight) => weight === 1), name);
    rms.set(name, Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0) / weights.length));
  }
  // A normal distribution cut off at three standard deviations, of some ten thousand numbers.
  for (const name of ["token_embeddings.weight", "position_embeddings.weight"]) {
    assert(Math.abs(rms.get(name)! - 0.986) < 0.02, `${name}: ${rms.get(name)}`);
  }
});
