// A Transformer's shape as a Hugging Face config.json: with the keys of transformers 4, which 5 reads too.
import type { RopeScaling } from "../../model/architecture.ts";
import { withDefaults } from "../../model/architecture.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { Abilities } from "../expressible.ts";

/** The contents of a config.json. */
export type ConfigJson = Readonly<Record<string, unknown>>;

/** An architecture that a model can be exported as, by its `model_type`. */
export interface WritableFamily {
  /** What it can have besides the defaults. */
  readonly able: (config: ModelConfig) => Abilities;
  /** The keys of its own. */
  readonly keys: (config: ModelConfig) => ConfigJson;
}

const LLAMA: Abilities = {
  numKeyValueHeads: "any",
  headDim: "any",
  normEps: "any",
  ropeScaling: "any",
  tieEmbeddings: "any",
};

const hasAttentionBias = ({ bias }: ModelConfig) => bias === "attention" || bias === "all";

const GPT: Abilities = {
  norm: ["layer"],
  ffn: ["gelu", "gelu_erf"],
  bias: ["all"],
  normEps: "any",
  tieEmbeddings: "any",
};

/** The architectures, by `model_type`; the first that can express a model is taken. */
export const WRITABLE: Readonly<Record<string, WritableFamily>> = {
  llama: {
    able: () => ({ ...LLAMA, bias: ["none", "attention", "all"] }),
    keys: (config) => ({
      ...llamaKeys(config),
      attention_bias: hasAttentionBias(config),
      mlp_bias: config.bias === "all",
    }),
  },
  mistral: {
    able: () => ({ ...LLAMA, slidingWindow: "any" }),
    keys: (config) => ({ ...llamaKeys(config), sliding_window: config.slidingWindow ?? null }),
  },
  qwen2: {
    able: () => ({ ...LLAMA, headDim: undefined, bias: ["qkv"], slidingWindow: "any" }),
    keys: (config) => ({ ...llamaKeys(config), ...qwenWindow(config) }),
  },
  qwen3: {
    able: () => ({ ...LLAMA, qkNorm: ["head"], bias: ["none", "attention"], slidingWindow: "any" }),
    keys: (config) => ({ ...llamaKeys(config), ...qwenWindow(config), attention_bias: hasAttentionBias(config) }),
  },
  olmo2: {
    able: () => ({
      ...LLAMA,
      headDim: undefined,
      normPlace: ["output"],
      qkNorm: ["width"],
      bias: ["none", "attention"],
    }),
    keys: (config) => ({ ...llamaKeys(config), attention_bias: hasAttentionBias(config) }),
  },
  phi3: {
    able: () => ({ ...LLAMA, headDim: undefined, rotaryDim: "any", slidingWindow: "any" }),
    keys: (config) => ({
      ...llamaKeys(config),
      partial_rotary_factor: rotaryShare(config),
      sliding_window: config.slidingWindow ?? null,
      original_max_position_embeddings: config.contextLength,
      pad_token_id: null,
    }),
  },
  gemma: {
    able: ({ dModel }) => ({
      ...LLAMA,
      ffn: ["geglu"],
      embeddingScale: [Math.sqrt(dModel)],
      bias: ["none", "attention"],
    }),
    keys: (config) => ({
      ...llamaKeys(config),
      hidden_act: "gelu_pytorch_tanh",
      hidden_activation: "gelu_pytorch_tanh",
      attention_bias: hasAttentionBias(config),
    }),
  },
  gpt2: { able: () => ({ ...GPT, position: ["learned"] }), keys: gpt2Keys },
  gpt_neox: {
    able: () => ({ ...GPT, rotaryDim: "any", ropeScaling: "any", parallelBlocks: "any" }),
    keys: gptNeoxKeys,
  },
};

function llamaKeys(config: ModelConfig): ConfigJson {
  const { numKeyValueHeads, headDim, normEps, tieEmbeddings } = withDefaults(config);
  return {
    vocab_size: config.vocabSize,
    hidden_size: config.dModel,
    intermediate_size: config.dFf,
    num_hidden_layers: config.numLayers,
    num_attention_heads: config.numHeads,
    num_key_value_heads: numKeyValueHeads,
    head_dim: headDim,
    hidden_act: "silu",
    max_position_embeddings: config.contextLength,
    rms_norm_eps: normEps,
    ...ropeKeys(config),
    tie_word_embeddings: tieEmbeddings,
  };
}

const rotaryShare = (config: ModelConfig) => withDefaults(config).rotaryDim / withDefaults(config).headDim;

const ropeKeys = ({ ropeTheta, ropeScaling }: ModelConfig): ConfigJson => ({
  rope_theta: ropeTheta,
  rope_scaling: ropeScaling === undefined ? null : scalingKeys(ropeScaling),
});

function scalingKeys(scaling: RopeScaling): ConfigJson {
  if (scaling.type === "linear") return { rope_type: "linear", factor: scaling.factor };
  const common = {
    rope_type: scaling.type,
    factor: scaling.factor,
    original_max_position_embeddings: scaling.originalContextLength,
  };
  if (scaling.type === "llama3") {
    return { ...common, low_freq_factor: scaling.lowFreqFactor, high_freq_factor: scaling.highFreqFactor };
  }
  const { betaFast, betaSlow, attentionFactor } = scaling;
  return {
    ...common,
    ...(betaFast !== undefined && { beta_fast: betaFast }),
    ...(betaSlow !== undefined && { beta_slow: betaSlow }),
    ...(attentionFactor !== undefined && { attention_factor: attentionFactor }),
  };
}

/** All layers have the window, or none. */
const qwenWindow = ({ slidingWindow }: ModelConfig): ConfigJson => ({
  use_sliding_window: slidingWindow !== undefined,
  ...(slidingWindow !== undefined && { sliding_window: slidingWindow, max_window_layers: 0 }),
});

const geluName = ({ ffn }: ModelConfig) => ffn === "gelu_erf" ? "gelu" : "gelu_new";

function gpt2Keys(config: ModelConfig): ConfigJson {
  const { normEps, tieEmbeddings } = withDefaults(config);
  return {
    vocab_size: config.vocabSize,
    n_embd: config.dModel,
    n_inner: config.dFf,
    n_layer: config.numLayers,
    n_head: config.numHeads,
    n_positions: config.contextLength,
    activation_function: geluName(config),
    layer_norm_epsilon: normEps,
    tie_word_embeddings: tieEmbeddings,
    // The defaults would drop something at random in training.
    attn_pdrop: 0,
    embd_pdrop: 0,
    resid_pdrop: 0,
  };
}

function gptNeoxKeys(config: ModelConfig): ConfigJson {
  const { normEps, tieEmbeddings, parallelBlocks } = withDefaults(config);
  return {
    vocab_size: config.vocabSize,
    hidden_size: config.dModel,
    intermediate_size: config.dFf,
    num_hidden_layers: config.numLayers,
    num_attention_heads: config.numHeads,
    max_position_embeddings: config.contextLength,
    hidden_act: geluName(config),
    layer_norm_eps: normEps,
    rotary_pct: rotaryShare(config),
    rotary_emb_base: config.ropeTheta,
    rope_scaling: ropeKeys(config).rope_scaling,
    use_parallel_residual: parallelBlocks,
    attention_bias: true,
    tie_word_embeddings: tieEmbeddings,
  };
}
