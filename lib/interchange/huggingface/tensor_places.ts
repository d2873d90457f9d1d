// The names of tensors in Hugging Face's model directories, and how they hold the parameters of a Transformer.
import type { TensorPlace, TensorPlaces } from "../parameter_map.ts";
import { fusedGate, fusedHeads, interleavedHeads, type Projection, qkNormRows, rotatedHalves } from "../row_order.ts";

const LAYER = "model.layers.#";

const attention = (projection: Projection): TensorPlace => ({
  stem: `${LAYER}.self_attn.${projection}_proj`,
  ...(projection !== "v" && { rows: rotatedHalves(projection) }),
});

/** Llama, Mistral, Qwen2 and Qwen3. */
export const LLAMA_PLACES: TensorPlaces = {
  token_embeddings: { stem: "model.embed_tokens" },
  ln1: { stem: `${LAYER}.input_layernorm` },
  "attn.q_proj": attention("q"),
  "attn.k_proj": attention("k"),
  "attn.v_proj": attention("v"),
  "attn.q_norm": { stem: `${LAYER}.self_attn.q_norm`, rows: qkNormRows("q") },
  "attn.k_norm": { stem: `${LAYER}.self_attn.k_norm`, rows: qkNormRows("k") },
  "attn.output_proj": { stem: `${LAYER}.self_attn.o_proj` },
  ln2: { stem: `${LAYER}.post_attention_layernorm` },
  "ffn.w1": { stem: `${LAYER}.mlp.gate_proj` },
  "ffn.w3": { stem: `${LAYER}.mlp.up_proj` },
  "ffn.w2": { stem: `${LAYER}.mlp.down_proj` },
  ln_final: { stem: "model.norm" },
  lm_head: { stem: "lm_head" },
};

/** The norms are on the sublayers' outputs. */
export const OLMO2_PLACES: TensorPlaces = {
  ...LLAMA_PLACES,
  ln1: { stem: `${LAYER}.post_attention_layernorm` },
  ln2: { stem: `${LAYER}.post_feedforward_layernorm` },
};

/** Norms multiply by 1 + the weight that is kept. */
export const GEMMA_PLACES: TensorPlaces = {
  ...LLAMA_PLACES,
  ln1: { ...LLAMA_PLACES.ln1, offset: 1 },
  ln2: { ...LLAMA_PLACES.ln2, offset: 1 },
  ln_final: { ...LLAMA_PLACES.ln_final, offset: 1 },
};

/** One matrix for queries, keys and values, and one for the gate and what it multiplies. */
export const PHI3_PLACES: TensorPlaces = {
  ...LLAMA_PLACES,
  "attn.q_proj": { stem: `${LAYER}.self_attn.qkv_proj`, rows: fusedHeads("q") },
  "attn.k_proj": { stem: `${LAYER}.self_attn.qkv_proj`, rows: fusedHeads("k") },
  "attn.v_proj": { stem: `${LAYER}.self_attn.qkv_proj`, rows: fusedHeads("v") },
  "ffn.w1": { stem: `${LAYER}.mlp.gate_up_proj`, rows: fusedGate("gate") },
  "ffn.w3": { stem: `${LAYER}.mlp.gate_up_proj`, rows: fusedGate("up") },
};

const BLOCK = "transformer.h.#";

/** GPT-2's linear maps are (in, out). */
export const GPT2_PLACES: TensorPlaces = {
  token_embeddings: { stem: "transformer.wte" },
  position_embeddings: { stem: "transformer.wpe" },
  ln1: { stem: `${BLOCK}.ln_1` },
  "attn.q_proj": { stem: `${BLOCK}.attn.c_attn`, rows: fusedHeads("q", false), transposed: true },
  "attn.k_proj": { stem: `${BLOCK}.attn.c_attn`, rows: fusedHeads("k", false), transposed: true },
  "attn.v_proj": { stem: `${BLOCK}.attn.c_attn`, rows: fusedHeads("v", false), transposed: true },
  "attn.output_proj": { stem: `${BLOCK}.attn.c_proj`, transposed: true },
  ln2: { stem: `${BLOCK}.ln_2` },
  "ffn.w1": { stem: `${BLOCK}.mlp.c_fc`, transposed: true },
  "ffn.w2": { stem: `${BLOCK}.mlp.c_proj`, transposed: true },
  ln_final: { stem: "transformer.ln_f" },
  lm_head: { stem: "lm_head" },
};

const NEOX_LAYER = "gpt_neox.layers.#";

/** Pythia and other GPT-NeoX models: one matrix holds each head's query, key and value. */
export const GPT_NEOX_PLACES: TensorPlaces = {
  token_embeddings: { stem: "gpt_neox.embed_in" },
  ln1: { stem: `${NEOX_LAYER}.input_layernorm` },
  "attn.q_proj": { stem: `${NEOX_LAYER}.attention.query_key_value`, rows: interleavedHeads("q") },
  "attn.k_proj": { stem: `${NEOX_LAYER}.attention.query_key_value`, rows: interleavedHeads("k") },
  "attn.v_proj": { stem: `${NEOX_LAYER}.attention.query_key_value`, rows: interleavedHeads("v") },
  "attn.output_proj": { stem: `${NEOX_LAYER}.attention.dense` },
  ln2: { stem: `${NEOX_LAYER}.post_attention_layernorm` },
  "ffn.w1": { stem: `${NEOX_LAYER}.mlp.dense_h_to_4h` },
  "ffn.w2": { stem: `${NEOX_LAYER}.mlp.dense_4h_to_h` },
  ln_final: { stem: "gpt_neox.final_layer_norm" },
  lm_head: { stem: "embed_out" },
};
