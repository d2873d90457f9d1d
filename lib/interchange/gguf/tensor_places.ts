// The names of tensors in GGUF files, and how they hold the parameters of a Transformer.
// Source: llama.cpp, the Python package gguf's tensor_mapping.py, and convert_hf_to_gguf.py.
import type { TensorPlaces } from "../parameter_map.ts";
import { fusedGate, fusedHeads, qkNormRows, rotatedHalves } from "../row_order.ts";

const BLOCK = "blk.#";

/** Llama: it rotates neighbours, as is done here. Its other families rotate halves. */
export const LLAMA_PLACES: TensorPlaces = {
  token_embeddings: { stem: "token_embd" },
  ln1: { stem: `${BLOCK}.attn_norm` },
  "attn.q_proj": { stem: `${BLOCK}.attn_q` },
  "attn.k_proj": { stem: `${BLOCK}.attn_k` },
  "attn.v_proj": { stem: `${BLOCK}.attn_v` },
  "attn.output_proj": { stem: `${BLOCK}.attn_output` },
  ln2: { stem: `${BLOCK}.ffn_norm` },
  "ffn.w1": { stem: `${BLOCK}.ffn_gate` },
  "ffn.w3": { stem: `${BLOCK}.ffn_up` },
  "ffn.w2": { stem: `${BLOCK}.ffn_down` },
  ln_final: { stem: "output_norm" },
  lm_head: { stem: "output" },
};

/** Qwen 1.5 to 3, and Gemma, whose norms have 1 added already. */
export const QWEN_PLACES: TensorPlaces = {
  ...LLAMA_PLACES,
  "attn.q_proj": { stem: `${BLOCK}.attn_q`, rows: rotatedHalves("q") },
  "attn.k_proj": { stem: `${BLOCK}.attn_k`, rows: rotatedHalves("k") },
  "attn.q_norm": { stem: `${BLOCK}.attn_q_norm`, rows: qkNormRows("q") },
  "attn.k_norm": { stem: `${BLOCK}.attn_k_norm`, rows: qkNormRows("k") },
};

/** OLMo 2: the norms are on the sublayers' outputs. */
export const OLMO2_PLACES: TensorPlaces = {
  ...QWEN_PLACES,
  ln1: { stem: `${BLOCK}.post_attention_norm` },
  ln2: { stem: `${BLOCK}.post_ffw_norm` },
};

/** Phi-3: one matrix for queries, keys and values, and one for the gate and what it multiplies. */
export const PHI3_PLACES: TensorPlaces = {
  ...LLAMA_PLACES,
  "attn.q_proj": { stem: `${BLOCK}.attn_qkv`, rows: fusedHeads("q") },
  "attn.k_proj": { stem: `${BLOCK}.attn_qkv`, rows: fusedHeads("k") },
  "attn.v_proj": { stem: `${BLOCK}.attn_qkv`, rows: fusedHeads("v") },
  "ffn.w1": { stem: `${BLOCK}.ffn_up`, rows: fusedGate("gate") },
  "ffn.w3": { stem: `${BLOCK}.ffn_up`, rows: fusedGate("up") },
};

/** GPT-NeoX: all queries, then all keys, then all values. */
export const GPT_NEOX_PLACES: TensorPlaces = {
  ...PHI3_PLACES,
  "ffn.w1": { stem: `${BLOCK}.ffn_up` },
};

/** GPT-2, whose linear maps are (out, in) here. */
export const GPT2_PLACES: TensorPlaces = {
  ...LLAMA_PLACES,
  position_embeddings: { stem: "position_embd" },
  "attn.q_proj": { stem: `${BLOCK}.attn_qkv`, rows: fusedHeads("q", false) },
  "attn.k_proj": { stem: `${BLOCK}.attn_qkv`, rows: fusedHeads("k", false) },
  "attn.v_proj": { stem: `${BLOCK}.attn_qkv`, rows: fusedHeads("v", false) },
  "ffn.w1": { stem: `${BLOCK}.ffn_up` },
};
