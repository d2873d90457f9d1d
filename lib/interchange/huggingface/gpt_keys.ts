// What config.json means in GPT-2 and GPT-NeoX. Source: transformers' configuration_*.py.
import type { ModelConfig } from "../../model/config.ts";
import type { ConfigKeys } from "./config_keys.ts";
import { readRope } from "./rope_keys.ts";

/** GELU's approximation by tanh, by transformers' names of it. */
const TANH = ["gelu_new", "gelu_pytorch_tanh", "gelu_fast"] as const;

const geluOf = (name: typeof TANH[number] | "gelu"): ModelConfig["ffn"] => name === "gelu" ? "gelu_erf" : "gelu";

/** GPT-2: LayerNorm, learned positions, biases. */
export function readGpt2(keys: ConfigKeys): ModelConfig {
  const dModel = keys.integer("n_embd");
  const contextLength = keys.integer("n_positions");
  keys.mustBe("n_ctx", contextLength);
  keys.mustBe("scale_attn_weights", true);
  keys.mustBe("scale_attn_by_inverse_layer_idx", false);
  keys.mustBe("add_cross_attention", false);
  const normEps = keys.number("layer_norm_epsilon", 1e-5);
  const tieEmbeddings = keys.boolean("tie_word_embeddings", true);
  return {
    vocabSize: keys.integer("vocab_size"),
    contextLength,
    dModel,
    numLayers: keys.integer("n_layer"),
    numHeads: keys.integer("n_head"),
    dFf: keys.integer("n_inner", 4 * dModel),
    ropeTheta: 10_000, // without rotary positions, of no effect
    norm: "layer",
    position: "learned",
    ffn: geluOf(keys.oneOf("activation_function", [...TANH, "gelu"], "gelu_new")),
    bias: "all",
    ...(normEps !== 1e-5 && { normEps }),
    ...(tieEmbeddings && { tieEmbeddings }),
  };
}

/** GPT-NeoX, Pythia: LayerNorm, biases, both sublayers side by side, and a part of each head rotated. */
export function readGptNeox(keys: ConfigKeys): ModelConfig {
  const dModel = keys.integer("hidden_size");
  const numHeads = keys.integer("num_attention_heads");
  const contextLength = keys.integer("max_position_embeddings");
  keys.mustBe("attention_bias", true);
  const normEps = keys.number("layer_norm_eps", 1e-5);
  const tieEmbeddings = keys.boolean("tie_word_embeddings", false);
  const parallelBlocks = keys.boolean("use_parallel_residual", true);
  return {
    vocabSize: keys.integer("vocab_size"),
    contextLength,
    dModel,
    numLayers: keys.integer("num_hidden_layers"),
    numHeads,
    dFf: keys.integer("intermediate_size"),
    ...readRope(keys, {
      headDim: dModel / numHeads,
      contextLength,
      thetaKey: "rotary_emb_base",
      shareKey: "rotary_pct",
      share: 0.25,
    }),
    norm: "layer",
    ffn: geluOf(keys.oneOf("hidden_act", [...TANH, "gelu"], "gelu")),
    bias: "all",
    ...(parallelBlocks && { parallelBlocks }),
    ...(normEps !== 1e-5 && { normEps }),
    ...(tieEmbeddings && { tieEmbeddings }),
  };
}
