// A Transformer's shape as a GGUF file's metadata.
import { withDefaults } from "../../model/architecture.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { GgufValue } from "../../formats/gguf/gguf.ts";
import type { Abilities } from "../expressible.ts";

/** One entry of the metadata. */
export type GgufEntry = readonly [key: string, value: GgufValue];

/** An architecture of llama.cpp that a model can be exported as. */
export interface WritableArchitecture {
  /** What it can have besides the defaults. */
  readonly able: (config: ModelConfig) => Abilities;
}

const LLAMA: Abilities = {
  numKeyValueHeads: "any",
  headDim: "any",
  normEps: "any",
  ropeScaling: "any",
  tieEmbeddings: "any",
};

/**
 * The architectures, by their names in llama.cpp; the first that can express a model is taken. llama.cpp has no sliding
 * window in these, rotates whole heads, and knows no GELU but its approximation by tanh.
 */
export const WRITABLE: Readonly<Record<string, WritableArchitecture>> = {
  llama: { able: () => ({ ...LLAMA, bias: ["none", "attention", "all"] }) },
  qwen2: { able: () => ({ ...LLAMA, headDim: undefined, bias: ["qkv"] }) },
  qwen3: { able: () => ({ ...LLAMA, qkNorm: ["head"] }) },
  olmo2: { able: () => ({ ...LLAMA, headDim: undefined, normPlace: ["output"], qkNorm: ["width"] }) },
  gemma: {
    able: ({ dModel }) => ({
      ...LLAMA,
      ffn: ["geglu"],
      embeddingScale: [Math.sqrt(dModel)],
      tieEmbeddings: [true],
    }),
  },
  gpt2: {
    able: () => ({
      norm: ["layer"],
      position: ["learned"],
      ffn: ["gelu"],
      bias: ["all"],
      normEps: "any",
      tieEmbeddings: "any",
    }),
  },
  gptneox: {
    able: () => ({
      norm: ["layer"],
      ffn: ["gelu"],
      bias: ["all"],
      normEps: "any",
      rotaryDim: "any",
      parallelBlocks: "any",
    }),
  },
};

const uint32 = (value: number): GgufValue => ({ type: "uint32", value });
const float32 = (value: number): GgufValue => ({ type: "float32", value });

/** The metadata of a model's shape. */
export function shapeEntries(config: ModelConfig, architecture: string): GgufEntry[] {
  const full = withDefaults(config);
  const { numKeyValueHeads, headDim, normEps, rotaryDim, norm, position } = full;
  const eps = norm === "layer" ? "layer_norm_epsilon" : "layer_norm_rms_epsilon";
  const entries: [string, GgufValue][] = [
    ["vocab_size", uint32(config.vocabSize)],
    ["context_length", uint32(config.contextLength)],
    ["embedding_length", uint32(config.dModel)],
    ["block_count", uint32(config.numLayers)],
    ["feed_forward_length", uint32(config.dFf)],
    ["attention.head_count", uint32(config.numHeads)],
    ["attention.head_count_kv", uint32(numKeyValueHeads)],
    ["attention.key_length", uint32(headDim)],
    ["attention.value_length", uint32(headDim)],
    [`attention.${eps}`, float32(normEps)],
  ];
  if (position === "rope") {
    entries.push(["rope.dimension_count", uint32(rotaryDim)], ["rope.freq_base", float32(config.ropeTheta)]);
    entries.push(...scalingEntries(full));
  }
  if (architecture === "gptneox") {
    entries.push(["use_parallel_residual", { type: "bool", value: full.parallelBlocks }]);
  }
  return entries.map(([key, value]) => [`${architecture}.${key}`, value]);
}

/** Llama 3's scaling is a tensor. */
function scalingEntries({ ropeScaling }: Pick<ModelConfig, "ropeScaling">): [string, GgufValue][] {
  if (ropeScaling === undefined || ropeScaling.type === "llama3") return [];
  const entries: [string, GgufValue][] = [
    ["rope.scaling.type", { type: "string", value: ropeScaling.type }],
    ["rope.scaling.factor", float32(ropeScaling.factor)],
  ];
  if (ropeScaling.type === "linear") return entries;
  const { originalContextLength, betaFast = 32, betaSlow = 1 } = ropeScaling;
  return [
    ...entries,
    ["rope.scaling.original_context_length", uint32(originalContextLength)],
    ["rope.scaling.yarn_beta_fast", float32(betaFast)],
    ["rope.scaling.yarn_beta_slow", float32(betaSlow)],
  ];
}
