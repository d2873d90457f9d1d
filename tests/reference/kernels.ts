import { adamw } from "./adamw.ts";
import { addForward } from "./add.ts";
import { addBias } from "./add_bias.ts";
import { addEmbeddingForward } from "./add_embedding.ts";
import { addPositionsBackward, addPositionsForward } from "./add_positions.ts";
import { attentionBackward, attentionForward } from "./attention.ts";
import { batchedMatmul } from "./batched_matmul.ts";
import { clipGradNormFactor, clipGradNormPartials } from "./clip_grad_norm.ts";
import { copy } from "./copy.ts";
import { copyColumns, writeColumns } from "./copy_columns.ts";
import {
  crossEntropyBackward,
  crossEntropyBackwardInPlace,
  crossEntropyForward,
  meanForward,
} from "./cross_entropy.ts";
import { dropout } from "./dropout.ts";
import { embeddingBackward, embeddingForward } from "./embedding.ts";
import { gegluBackward, gegluForward, geluBackward, geluForward } from "./gelu.ts";
import { groupedAttentionBackward, groupedAttentionForward, laneAttentionForward } from "./grouped_attention.ts";
import type { ReferenceKernel } from "./kernel.ts";
import { layernormBackwardInput, layernormBackwardWeight, layernormForward } from "./layernorm.ts";
import { linearBackwardInput, linearBackwardWeight, linearForward } from "./linear.ts";
import { maskedFill } from "./masked_fill.ts";
import { mulForward } from "./mul.ts";
import { axpby, divideByNorm, muonMomentum, muonUpdate } from "./muon.ts";
import { dequantizeWeight, embeddingQuantizedForward, linearQuantizedForward } from "./quantized.ts";
import { reluSquaredBackward, reluSquaredForward } from "./relu_squared.ts";
import { rmsnormBackwardInput, rmsnormBackwardWeight, rmsnormForward } from "./rmsnorm.ts";
import { ropeBackward, ropeForward } from "./rope.ts";
import { scale } from "./scale.ts";
import { scaleRows } from "./scale_rows.ts";
import { sgd } from "./sgd.ts";
import { siluBackward, siluForward } from "./silu.ts";
import { softCapBackward, softCapBackwardInPlace, softCapForward } from "./soft_cap.ts";
import { softmaxBackward, softmaxForward } from "./softmax.ts";
import { subForward } from "./sub.ts";
import { softmaxStridedBackward, softmaxStridedForward } from "./softmax_strided.ts";
import { repeatDimension, sumDimension } from "./sum_dimension.ts";
import { stridedCopy } from "./strided_copy.ts";
import { sumPartials } from "./sum_partials.ts";
import { swigluBackward, swigluForward } from "./swiglu.ts";
import { writeRows } from "./write_rows.ts";

/** Every kernel by the name that its signature in lib/ gives it. */
export const REFERENCE_KERNELS: ReadonlyMap<string, ReferenceKernel> = new Map<string, ReferenceKernel>([
  ["adamw", adamw],
  ["add_forward", addForward],
  ["add_bias", addBias],
  ["add_embedding_forward", addEmbeddingForward],
  ["add_positions_forward", addPositionsForward],
  ["add_positions_backward", addPositionsBackward],
  ["attention_forward", attentionForward],
  ["attention_backward", attentionBackward],
  ["axpby", axpby],
  ["batched_matmul", batchedMatmul],
  ["clip_grad_norm_partials", clipGradNormPartials],
  ["clip_grad_norm_factor", clipGradNormFactor],
  ["copy", copy],
  ["copy_columns", copyColumns],
  ["cross_entropy_forward", crossEntropyForward],
  ["cross_entropy_backward", crossEntropyBackward],
  ["cross_entropy_backward_in_place", crossEntropyBackwardInPlace],
  ["divide_by_norm", divideByNorm],
  ["mean_forward", meanForward],
  ["dropout", dropout],
  ["embedding_forward", embeddingForward],
  ["embedding_backward", embeddingBackward],
  ["geglu_forward", gegluForward],
  ["geglu_backward", gegluBackward],
  ["gelu_forward", geluForward],
  ["gelu_backward", geluBackward],
  ["layernorm_forward", layernormForward],
  ["layernorm_backward_input", layernormBackwardInput],
  ["layernorm_backward_weight", layernormBackwardWeight],
  ["grouped_attention_forward", groupedAttentionForward],
  ["lane_attention_forward", laneAttentionForward],
  ["grouped_attention_backward", groupedAttentionBackward],
  ["embedding_quantized_forward", embeddingQuantizedForward],
  ["linear_forward", linearForward],
  ["linear_backward_input", linearBackwardInput],
  ["linear_backward_weight", linearBackwardWeight],
  ["linear_quantized_forward", linearQuantizedForward],
  ["dequantize_weight", dequantizeWeight],
  ["masked_fill", maskedFill],
  ["mul_forward", mulForward],
  ["muon_momentum", muonMomentum],
  ["muon_update", muonUpdate],
  ["relu_squared_forward", reluSquaredForward],
  ["relu_squared_backward", reluSquaredBackward],
  ["rmsnorm_forward", rmsnormForward],
  ["rmsnorm_backward_input", rmsnormBackwardInput],
  ["rmsnorm_backward_weight", rmsnormBackwardWeight],
  ["rope_forward", ropeForward],
  ["rope_backward", ropeBackward],
  ["scale", scale],
  ["scale_rows", scaleRows],
  ["sgd", sgd],
  ["silu_forward", siluForward],
  ["silu_backward", siluBackward],
  ["soft_cap_forward", softCapForward],
  ["soft_cap_backward", softCapBackward],
  ["soft_cap_backward_in_place", softCapBackwardInPlace],
  ["softmax_forward", softmaxForward],
  ["softmax_backward", softmaxBackward],
  ["sub_forward", subForward],
  ["softmax_strided_forward", softmaxStridedForward],
  ["softmax_strided_backward", softmaxStridedBackward],
  ["sum_dimension", sumDimension],
  ["repeat_dimension", repeatDimension],
  ["strided_copy", stridedCopy],
  ["sum_partials", sumPartials],
  ["swiglu_forward", swigluForward],
  ["swiglu_backward", swigluBackward],
  ["write_columns", writeColumns],
  ["write_rows", writeRows],
]);
