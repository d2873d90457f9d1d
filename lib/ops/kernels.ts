import { copyKernel } from "../graph/copy.ts";
import type { Kernel } from "../graph/kernel.ts";
import { addForward } from "./add.ts";
import { addBiasKernel } from "./add_bias.ts";
import { addEmbeddingForward } from "./add_embedding.ts";
import { addPositionsBackward, addPositionsForward } from "./add_positions.ts";
import { attentionBackward, attentionForward } from "./attention.ts";
import { copyColumnsKernel, writeColumnsKernel } from "./copy_columns.ts";
import {
  crossEntropyBackward,
  crossEntropyBackwardInPlace,
  crossEntropyForward,
  meanForward,
} from "./cross_entropy.ts";
import { dropoutKernel } from "./dropout.ts";
import { embeddingBackward, embeddingForward, embeddingQuantizedForward } from "./embedding.ts";
import { gegluBackward, gegluForward, geluBackward, geluForward } from "./gelu.ts";
import { groupedAttentionBackward, groupedAttentionForward } from "./grouped_attention.ts";
import { laneAttentionForward } from "./lane_attention.ts";
import { layernormBackwardInput, layernormBackwardWeight, layernormForward } from "./layernorm.ts";
import { linearBackwardInput, linearBackwardWeight, linearForward } from "./linear.ts";
import { dequantizeWeight, linearQuantizedForward } from "./linear_quantized.ts";
import { linearBf16BackwardInput, linearBf16BackwardWeight, linearBf16Forward } from "./linear_bf16.ts";
import { maskedFillKernel } from "./masked_fill.ts";
import { mulForward } from "./mul.ts";
import { batchedMatmulKernel } from "./matmul.ts";
import { reluSquaredBackward, reluSquaredForward } from "./relu_squared.ts";
import { rmsnormBackwardInput, rmsnormBackwardWeight, rmsnormForward } from "./rmsnorm.ts";
import { ropeBackward, ropeForward } from "./rope.ts";
import { sampleTokenKernel } from "./sample_token.ts";
import { scaleKernel } from "./scale.ts";
import { scaleRowsKernel } from "./scale_rows.ts";
import { siluBackward, siluForward } from "./silu.ts";
import { subForward } from "./sub.ts";
import { softCapBackward, softCapBackwardInPlace, softCapForward } from "./soft_cap.ts";
import { softmaxBackward, softmaxForward, softmaxStridedBackward, softmaxStridedForward } from "./softmax.ts";
import { repeatDimensionKernel, sumDimensionKernel } from "./sum_dimension.ts";
import { stridedCopyKernel } from "./strided_copy.ts";
import { sumPartialsKernel } from "./sum_partials.ts";
import { swigluBackward, swigluForward } from "./swiglu.ts";
import { writeRowsKernel } from "./write_rows.ts";

/** The kernels that ops and the tape call: what is here is self-tested, benched, and looked for on every backend. */
export const OP_KERNELS: readonly Kernel[] = [
  copyKernel,
  copyColumnsKernel,
  addBiasKernel,
  addEmbeddingForward,
  addForward,
  addPositionsForward,
  addPositionsBackward,
  attentionForward,
  attentionBackward,
  crossEntropyForward,
  crossEntropyBackward,
  crossEntropyBackwardInPlace,
  meanForward,
  dropoutKernel,
  embeddingForward,
  embeddingQuantizedForward,
  embeddingBackward,
  gegluForward,
  gegluBackward,
  geluForward,
  geluBackward,
  groupedAttentionForward,
  groupedAttentionBackward,
  laneAttentionForward,
  layernormForward,
  layernormBackwardInput,
  layernormBackwardWeight,
  linearForward,
  linearBackwardInput,
  linearBackwardWeight,
  linearQuantizedForward,
  dequantizeWeight,
  linearBf16Forward,
  linearBf16BackwardInput,
  linearBf16BackwardWeight,
  maskedFillKernel,
  mulForward,
  batchedMatmulKernel,
  reluSquaredForward,
  reluSquaredBackward,
  rmsnormForward,
  rmsnormBackwardInput,
  rmsnormBackwardWeight,
  ropeForward,
  ropeBackward,
  sampleTokenKernel,
  scaleKernel,
  scaleRowsKernel,
  siluForward,
  siluBackward,
  softCapForward,
  softCapBackward,
  softCapBackwardInPlace,
  softmaxForward,
  softmaxBackward,
  subForward,
  softmaxStridedForward,
  softmaxStridedBackward,
  sumDimensionKernel,
  repeatDimensionKernel,
  stridedCopyKernel,
  sumPartialsKernel,
  swigluForward,
  swigluBackward,
  writeColumnsKernel,
  writeRowsKernel,
];
