// The architectures of GGUF files that can be imported: what their metadata means, and where tensors lie.
import type { ModelConfig } from "../../model/config.ts";
import type { TensorPlaces } from "../parameter_map.ts";
import type { ForeignTensor } from "../tensor_files.ts";
import type { GgufKeys } from "./gguf_keys.ts";
import { readGgufRope } from "./rope_keys.ts";
import { GPT2_PLACES, GPT_NEOX_PLACES, LLAMA_PLACES, OLMO2_PLACES, PHI3_PLACES, QWEN_PLACES } from "./tensor_places.ts";

/** What is needed to read a model's shape. */
export interface GgufParts {
  readonly keys: GgufKeys;
  readonly tensors: ReadonlyMap<string, ForeignTensor>;
}

/** One architecture, by `general.architecture`. */
export interface GgufArchitecture {
  readonly places: TensorPlaces;
  /** Reads the model's shape. */
  readonly read: (parts: GgufParts) => ModelConfig | Promise<ModelConfig>;
}

/** The architectures, by their names in llama.cpp. */
export const ARCHITECTURES: Readonly<Record<string, GgufArchitecture>> = {
  llama: { places: LLAMA_PLACES, read: readRms },
  qwen2: { places: QWEN_PLACES, read: readRms },
  qwen3: { places: QWEN_PLACES, read: async (parts) => ({ ...await readRms(parts), qkNorm: "head" }) },
  olmo2: {
    places: OLMO2_PLACES,
    read: async (parts) => ({ ...await readRms(parts), qkNorm: "width", normPlace: "output" }),
  },
  phi3: { places: PHI3_PLACES, read: readRms },
  gemma: {
    places: QWEN_PLACES,
    read: async (parts) => {
      const config = await readRms(parts);
      return { ...config, ffn: "geglu", embeddingScale: Math.sqrt(config.dModel) };
    },
  },
  gpt2: {
    places: GPT2_PLACES,
    read: (parts) => ({ ...readLayerNorm(parts), position: "learned", ffn: "gelu", ropeTheta: 10_000 }),
  },
  gptneox: {
    places: GPT_NEOX_PLACES,
    read: async (parts) => ({
      ...readLayerNorm(parts),
      ...await readGgufRope(parts, sizesOf(parts)),
      ...(parts.keys.boolean("use_parallel_residual", true) && { parallelBlocks: true }),
      // GPT-NeoX has GELU's own definition; llama.cpp runs it with the approximation by tanh.
      ffn: "gelu_erf",
    }),
  },
};

/** The keys that all architectures have. */
function sizesOf({ keys, tensors }: GgufParts): Omit<ModelConfig, "ropeTheta"> {
  const dModel = keys.integer("embedding_length");
  const numHeads = keys.integer("attention.head_count");
  const numKeyValueHeads = keys.integer("attention.head_count_kv", numHeads);
  const headDim = keys.integer("attention.key_length", dModel / numHeads);
  if (keys.integer("attention.value_length", headDim) !== headDim) {
    keys.refuse("attention.value_length", `${headDim}, as long as keys`);
  }
  keys.mustBe("attention.causal", true);
  for (const key of ["expert_count", "expert_used_count"]) keys.mustBe(key, 0);
  const contextLength = keys.integer("context_length");
  const window = keys.integer("attention.sliding_window", contextLength);
  return {
    // A tensor that is missing, or has another shape, is refused later.
    vocabSize: tensors.get("token_embd.weight")?.shape[0] ?? 1,
    contextLength,
    dModel,
    numLayers: keys.integer("block_count"),
    numHeads,
    dFf: keys.integer("feed_forward_length"),
    ...(numKeyValueHeads !== numHeads && { numKeyValueHeads }),
    ...(headDim !== dModel / numHeads && { headDim }),
    ...(window < contextLength && { slidingWindow: window }),
    ...(!tensors.has("output.weight") && { tieEmbeddings: true }),
  };
}

async function readRms(parts: GgufParts): Promise<ModelConfig> {
  const { keys, tensors } = parts;
  const normEps = keys.number("attention.layer_norm_rms_epsilon");
  const has = (name: string) => tensors.has(`blk.0.${name}.bias`);
  const bias = has("ffn_down") ? "all" : has("attn_output") ? "attention" : has("attn_q") ? "qkv" : undefined;
  const sizes = sizesOf(parts);
  return {
    ...sizes,
    ...await readGgufRope(parts, sizes),
    ...(normEps !== 1e-5 && { normEps }),
    ...(bias && { bias }),
  };
}

function readLayerNorm(parts: GgufParts): Omit<ModelConfig, "ropeTheta"> {
  const normEps = parts.keys.number("attention.layer_norm_epsilon");
  return { ...sizesOf(parts), norm: "layer", bias: "all", ...(normEps !== 1e-5 && { normEps }) };
}
