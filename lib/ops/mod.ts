/**
 * Operations on tensors of a graph, each with its hand-derived gradient.
 *
 * @module
 */
export { add } from "./add.ts";
export { addEmbedding } from "./add_embedding.ts";
export { addPositions } from "./add_positions.ts";
export { attention, type AttentionOptions } from "./attention.ts";
export { broadcast } from "./broadcast.ts";
export { concatenate } from "./concatenate.ts";
export { crossEntropy, type CrossEntropyOptions } from "./cross_entropy.ts";
export type { Dimensions } from "./dimensions.ts";
export { dropout, type DropoutOptions } from "./dropout.ts";
export { embedding } from "./embedding.ts";
export { geglu, gelu, type GeluOptions } from "./gelu.ts";
export { layernorm } from "./layernorm.ts";
export { linear } from "./linear.ts";
export { type LowRankAdapter, lowRankLinear } from "./low_rank_linear.ts";
export { maskedFill } from "./masked_fill.ts";
export { mul } from "./mul.ts";
export { matmul, type MatmulOptions } from "./matmul.ts";
export { permute, transpose } from "./permute.ts";
export {
  dequantizeRows,
  type QuantizedDType,
  type QuantizedRows,
  quantizeRows,
  WEIGHTS_DTYPES,
  type WeightsDType,
} from "./quantize.ts";
export { QuantizedTensor } from "./quantized_tensor.ts";
export { reluSquared } from "./relu_squared.ts";
export { reshape } from "./reshape.ts";
export { rmsnorm } from "./rmsnorm.ts";
export { rope, ropeAngles, type RopeTables } from "./rope.ts";
export { scale } from "./scale.ts";
export { scaledDotProductAttention, type ScaledDotProductAttentionOptions } from "./scaled_dot_product_attention.ts";
export { selectRows } from "./select_rows.ts";
export { silu } from "./silu.ts";
export { slice } from "./slice.ts";
export { softCap, type SoftCapOptions } from "./soft_cap.ts";
export { softmax } from "./softmax.ts";
export { sub } from "./sub.ts";
export { mean, type ReductionOptions, sum } from "./sum.ts";
export { swiglu } from "./swiglu.ts";
export { writeRows } from "./write_rows.ts";
