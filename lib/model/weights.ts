import type { Backend } from "../backend/backend.ts";
import { option, OptionError, say } from "../errors.ts";
import { requireHostData } from "../graph/host_data.ts";
import { viewOf } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { dequantizeRows, quantizeRows } from "../ops/quantize.ts";
import { QuantizedTensor } from "../ops/quantized_tensor.ts";
import type { ModelConfig } from "./config.ts";
import { type LanguageModel, requireMembers } from "./language_model.ts";
import { isTransformerConfig } from "./own_config.ts";
import { parameterSpecs, sizeOf } from "./parameters.ts";
import { Philox } from "../random/philox.ts";

export { WEIGHTS_DTYPES, type WeightsDType } from "../ops/quantize.ts";

/** A source of weights: one parameter at a time, so that a large model is never in memory twice. */
export type WeightSource = (name: string, shape: readonly number[]) => Float32Array | Promise<Float32Array>;

/** The random stream that weights are drawn from. */
const RANDOM_STREAM_WEIGHTS = 0;

/** What is added up at the input: the two start equally large, so that neither drowns the other. */
const TOKENS = "token_embeddings.weight";
const POSITIONS = "position_embeddings.weight";

/** What a sublayer ends with: its output is added to the residual stream. */
const OUTPUTS = /\.(attn\.output_proj|ffn\.w2)\.weight$/;

/** What a Transformer adds to attention's values. Zeros do not keep it from learning: its gradient does not depend on it. */
const VALUE_EMBEDDINGS = ".attn.value_embeddings.weight";

/** Options for initial weights. */
export interface InitialWeightsOptions {
  /**
   * Whether the last linear map of each sublayer of a Transformer starts as zeros, so that a block at first passes its
   * input on. All other weights stay the same. Default: no. Source: Goyal et al. 2017, arXiv:1706.02677, section 5.1,
   * and Zhang et al. 2019, arXiv:1901.09321, for residual networks; modded-nanogpt, for Transformers.
   */
  readonly zeroInitOutputs?: boolean;
}

/**
 * Initial weights. Linear maps come from a normal distribution of variance 2 / (in + out), embeddings from one of
 * variance 1, both cut off at three standard deviations. A Transformer's biases and value embeddings are zeros. Norms, and
 * all other parameters with one dimension, are ones. Without an `lm_head.weight`, `token_embeddings.weight` is the output
 * head too, and starts as a linear map, as do a Transformer's learned positions. With a Transformer's `scaleEmbeddings`,
 * tied or not, token embeddings have a variance of 1 / dModel, and learned positions 1. Parameter i draws random numbers
 * from i · 2³² on, so that a weight depends only on the seed and its place.
 *
 * Source: Glorot & Bengio 2010 for the variance.
 *
 * @param of A Transformer's configuration, or any model.
 * @throws {OptionError} If `zeroInitOutputs` is true and it is no Transformer: which of its maps are outputs is not known.
 */
export function initialWeights(
  of: ModelConfig | LanguageModel,
  seed: number,
  { zeroInitOutputs = false }: InitialWeightsOptions = {},
): WeightSource {
  const random = new Philox(seed, RANDOM_STREAM_WEIGHTS);
  const specs = "parameters" in of ? of.parameters.specs : parameterSpecs(of);
  const config = "parameters" in of ? of.config : of;
  const isTransformer = isTransformerConfig(config);
  const isScaled = isTransformer && config.scaleEmbeddings === true;
  if (zeroInitOutputs && !isTransformer) {
    throw new OptionError(
      say`Cannot draw initial weights: got ${option("zeroInitOutputs")} true, must be false for another architecture`,
    );
  }
  const indexOf = new Map(specs.map((spec, i) => [spec.name, i]));
  return (name, shape) => {
    const weights = new Float32Array(sizeOf({ name, shape }));
    if (isTransformer && (name.endsWith(".bias") || name.endsWith(VALUE_EMBEDDINGS))) return weights;
    if (shape.length === 1) return weights.fill(1);
    if (zeroInitOutputs && OUTPUTS.test(name)) return weights;
    const isEmbedding = name === TOKENS || isTransformer && name === POSITIONS;
    const std = isScaled && name === TOKENS
      ? 1 / Math.sqrt(shape[1])
      : isEmbedding && (isScaled || indexOf.has("lm_head.weight"))
      ? 1
      : Math.sqrt(2 / (shape[0] + shape[1]));
    const first = indexOf.get(name)! * 2 ** 32;
    for (let i = 0; i < weights.length; i++) weights[i] = std * random.truncatedNormal(first + i, 3);
    return weights;
  };
}

/**
 * Fills the model's parameters on a backend on which one of its programs is loaded. Weights that are kept in bf16 or int8
 * are rounded one parameter at a time.
 *
 * @throws {UserError} If a weight is NaN, infinite or too large for the format that it is to be kept in.
 */
export async function writeWeights(backend: Backend, model: LanguageModel, source: WeightSource): Promise<void> {
  requireMembers("write weights", model, "parameters");
  for (const [name, part] of model.parameters.parts) {
    const weights = await source(name, part.shape);
    if (part instanceof QuantizedTensor) {
      requireHostData({ ...viewOf(part, part.placement!), dtype: "f32" }, weights);
      const { words, scales } = quantizeRows(name, weights, part.lastDim, part.dtype);
      backend.write(viewOf(part.words, part.words.placement!), words);
      backend.write(viewOf(part.scales, part.scales.placement!), scales);
    } else {
      backend.write(viewOf(part, part.placement!), weights);
    }
  }
}

/** Copies one parameter off the backend: what the model computes with. */
export async function readWeight(backend: Backend, model: LanguageModel, name: string): Promise<Float32Array> {
  const part = model.parameters.part(name);
  const read = (tensor: Tensor) => backend.read(viewOf(tensor, tensor.placement!));
  if (!(part instanceof QuantizedTensor)) return await read(part) as Float32Array;
  const words = await read(part.words) as Uint32Array<ArrayBuffer>;
  const scales = await read(part.scales) as Float32Array<ArrayBuffer>;
  return dequantizeRows({ words, scales }, part.lastDim, part.dtype);
}
