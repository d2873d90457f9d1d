// What config.json means in Llama and the families that came from it. Source: transformers' configuration_*.py.
import type { ModelConfig } from "../../model/config.ts";
import type { ConfigKeys } from "./config_keys.ts";
import { readRope } from "./rope_keys.ts";

/** What a family's configuration says where keys are absent. */
interface Defaults {
  readonly normEps?: number;
  readonly tied?: boolean;
  /** Default: as many as heads. */
  readonly numKeyValueHeads?: number;
  /** Default: hidden_size / num_attention_heads. */
  readonly headDim?: number;
}

/** The keys that all of these families have. */
function readCommon(keys: ConfigKeys, absent: Defaults = {}): ModelConfig {
  const dModel = keys.integer("hidden_size");
  const numHeads = keys.integer("num_attention_heads");
  const headDim = keys.integer("head_dim", absent.headDim ?? dModel / numHeads);
  const numKeyValueHeads = keys.integer("num_key_value_heads", absent.numKeyValueHeads ?? numHeads);
  const contextLength = keys.integer("max_position_embeddings");
  const normEps = keys.number("rms_norm_eps", absent.normEps ?? 1e-6);
  const tieEmbeddings = keys.boolean("tie_word_embeddings", absent.tied ?? false);
  return {
    vocabSize: keys.integer("vocab_size"),
    contextLength,
    dModel,
    numLayers: keys.integer("num_hidden_layers"),
    numHeads,
    dFf: keys.integer("intermediate_size"),
    ...(numKeyValueHeads !== numHeads && { numKeyValueHeads }),
    ...(headDim !== dModel / numHeads && { headDim }),
    ...(normEps !== 1e-5 && { normEps }),
    ...readRope(keys, { headDim, contextLength }),
    ...(tieEmbeddings && { tieEmbeddings }),
  };
}

/** A family without a gate other than SiLU's. */
function readSwiglu(keys: ConfigKeys, absent?: Defaults): ModelConfig {
  keys.oneOf("hidden_act", ["silu", "swish"], "silu");
  return readCommon(keys, absent);
}

const attentionBias = (keys: ConfigKeys): Pick<ModelConfig, "bias"> =>
  keys.boolean("attention_bias", false) ? { bias: "attention" } : {};

/** Keeps a window only where it hides something. */
function windowOf(
  slidingWindow: number | undefined,
  { contextLength }: ModelConfig,
): Pick<ModelConfig, "slidingWindow"> {
  return slidingWindow !== undefined && slidingWindow < contextLength ? { slidingWindow } : {};
}

/** Llama 1 to 3.2, TinyLlama, SmolLM. */
export function llamaReader(keys: ConfigKeys): ModelConfig {
  const [attention, feedForward] = [keys.boolean("attention_bias", false), keys.boolean("mlp_bias", false)];
  if (feedForward && !attention) keys.refuse("mlp_bias", "false where attention_bias is");
  return { ...readSwiglu(keys), ...(attention && { bias: feedForward ? "all" : "attention" }) };
}

/** Mistral 7B; its first version has a sliding window. */
export function readMistral(keys: ConfigKeys): ModelConfig {
  const config = readSwiglu(keys, { numKeyValueHeads: 8 });
  // Only null is none: without the key, transformers takes 4096.
  const isNone = keys.isNull("sliding_window");
  return { ...config, ...windowOf(isNone ? undefined : keys.integer("sliding_window", 4096), config) };
}

/** Phi-3: the fused matrices are in its table of tensors. */
export function readPhi3(keys: ConfigKeys): ModelConfig {
  const config = readSwiglu(keys, { normEps: 1e-5 });
  keys.mustBe("attention_bias", false);
  // What longrope needs, which is refused.
  keys.integer("original_max_position_embeddings", config.contextLength);
  return { ...config, ...windowOf(keys.has("sliding_window") ? keys.integer("sliding_window") : undefined, config) };
}

/** Qwen 1.5 to 2.5: biases of queries, keys and values. */
export function readQwen2(keys: ConfigKeys): ModelConfig {
  const config = readSwiglu(keys, { numKeyValueHeads: 32 });
  keys.mustBe("use_mrope", false);
  return { ...config, bias: "qkv", ...readQwenWindow(keys, config) };
}

/** Qwen 3: a norm of each head's queries and keys, and no biases. */
export function readQwen3(keys: ConfigKeys): ModelConfig {
  const config = readSwiglu(keys, { numKeyValueHeads: 32, headDim: 128 });
  return { ...config, qkNorm: "head", ...attentionBias(keys), ...readQwenWindow(keys, config) };
}

/** OLMo 2: norms on the sublayers' outputs, and over all queries and keys. */
export function readOlmo2(keys: ConfigKeys): ModelConfig {
  const config = readSwiglu(keys, { normEps: 1e-5 });
  return { ...config, normPlace: "output", qkNorm: "width", ...attentionBias(keys) };
}

/** Gemma 1: scaled embeddings, and a gate with GELU. */
export function readGemma(keys: ConfigKeys): ModelConfig {
  // Releases say "gelu", and mean the approximation by tanh, as transformers does.
  keys.oneOf("hidden_act", ["gelu_pytorch_tanh", "gelu"], "gelu");
  keys.oneOf("hidden_activation", ["gelu_pytorch_tanh"], "gelu_pytorch_tanh");
  keys.mustBe("use_bidirectional_attention", false);
  const config = readCommon(keys, { tied: true, headDim: 256, numKeyValueHeads: 16 });
  return { ...config, ffn: "geglu", embeddingScale: Math.sqrt(config.dModel), ...attentionBias(keys) };
}

/** Qwen's window is for the layers from max_window_layers on, and off unless use_sliding_window is true. */
function readQwenWindow(keys: ConfigKeys, config: ModelConfig): Pick<ModelConfig, "slidingWindow"> {
  const isUsed = keys.boolean("use_sliding_window", false);
  const window = keys.integer("sliding_window", 4096);
  const first = keys.integer("max_window_layers", 28, { min: 0 });
  const types = keys.words("layer_types") ??
    Array.from({ length: Math.min(config.numLayers, 2) }, (_, i) => (i === 0 ? 0 : config.numLayers - 1) >= first)
      .map((isWindowed) => isUsed && isWindowed ? "sliding_attention" : "full_attention");
  const kinds = new Set(types);
  const isUnknown = [...kinds].some((kind) => kind !== "full_attention" && kind !== "sliding_attention");
  if (isUnknown) keys.refuse("layer_types", "full_attention or sliding_attention for each layer");
  if (!kinds.has("sliding_attention") || window >= config.contextLength) return {};
  if (kinds.size > 1) {
    keys.refuse(
      keys.has("layer_types") ? "layer_types" : "max_window_layers",
      "such that all layers have the same window",
    );
  }
  return { slidingWindow: window };
}
