// The families of Hugging Face's models that can be imported: what their config.json means, and where tensors lie.
import type { ModelConfig } from "../../model/config.ts";
import type { TensorPlaces } from "../parameter_map.ts";
import type { ConfigKeys } from "./config_keys.ts";
import { readGpt2, readGptNeox } from "./gpt_keys.ts";
import { llamaReader, readGemma, readMistral, readOlmo2, readPhi3, readQwen2, readQwen3 } from "./llama_keys.ts";
import {
  GEMMA_PLACES,
  GPT2_PLACES,
  GPT_NEOX_PLACES,
  LLAMA_PLACES,
  OLMO2_PLACES,
  PHI3_PLACES,
} from "./tensor_places.ts";

/** One family, by the `model_type` that its config.json has. */
export interface Family {
  /** The class in transformers that computes logits, which `architectures` must name. */
  readonly causal: string;
  readonly places: TensorPlaces;
  /** What the names of all tensors but the head's begin with; some directories leave it out. */
  readonly prefix: string;
  /** Reads the model's shape. */
  readonly read: (keys: ConfigKeys) => ModelConfig;
  /** Tensors that are no parameters, and that may be there: masks and tables that follow from the configuration. */
  readonly buffers: RegExp;
}

const ROPE_TABLES = /\.rotary_emb\.inv_freq$/;
const llamaLike = { prefix: "model.", buffers: ROPE_TABLES, places: LLAMA_PLACES };

/** The families, by `model_type`. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  llama: { ...llamaLike, causal: "LlamaForCausalLM", read: llamaReader },
  mistral: { ...llamaLike, causal: "MistralForCausalLM", read: readMistral },
  qwen2: { ...llamaLike, causal: "Qwen2ForCausalLM", read: readQwen2 },
  qwen3: { ...llamaLike, causal: "Qwen3ForCausalLM", read: readQwen3 },
  olmo2: { ...llamaLike, causal: "Olmo2ForCausalLM", read: readOlmo2, places: OLMO2_PLACES },
  phi3: { ...llamaLike, causal: "Phi3ForCausalLM", read: readPhi3, places: PHI3_PLACES },
  gemma: { ...llamaLike, causal: "GemmaForCausalLM", read: readGemma, places: GEMMA_PLACES },
  gpt2: {
    causal: "GPT2LMHeadModel",
    prefix: "transformer.",
    places: GPT2_PLACES,
    read: readGpt2,
    buffers: /\.attn\.(?:bias|masked_bias)$/,
  },
  gpt_neox: {
    causal: "GPTNeoXForCausalLM",
    prefix: "gpt_neox.",
    places: GPT_NEOX_PLACES,
    read: readGptNeox,
    buffers: /\.attention\.(?:bias|masked_bias|rotary_emb\.inv_freq)$/,
  },
};
