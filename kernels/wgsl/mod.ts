/** Every WGSL kernel by name: its source, and how many workgroups it takes. */

import addBias from "./add_bias.wgsl" with { type: "text" };
import addEmbeddingForward from "./add_embedding_forward.wgsl" with { type: "text" };
import addForward from "./add_forward.wgsl" with { type: "text" };
import addPositionsBackward from "./add_positions_backward.wgsl" with { type: "text" };
import addPositionsForward from "./add_positions_forward.wgsl" with { type: "text" };
import advanceSchedule from "./advance_schedule.wgsl" with { type: "text" };
import axpby from "./axpby.wgsl" with { type: "text" };
import clipGradNormFactor from "./clip_grad_norm_factor.wgsl" with { type: "text" };
import copy from "./copy.wgsl" with { type: "text" };
import crossEntropyBackward from "./cross_entropy_backward.wgsl" with { type: "text" };
import crossEntropyBackwardInPlace from "./cross_entropy_backward_in_place.wgsl" with { type: "text" };
import divideByNorm from "./divide_by_norm.wgsl" with { type: "text" };
import embeddingBackward from "./embedding_backward.wgsl" with { type: "text" };
import embeddingForward from "./embedding_forward.wgsl" with { type: "text" };
import gegluBackward from "./geglu_backward.wgsl" with { type: "text" };
import gegluForward from "./geglu_forward.wgsl" with { type: "text" };
import geluBackward from "./gelu_backward.wgsl" with { type: "text" };
import geluForward from "./gelu_forward.wgsl" with { type: "text" };
import lossScaleApply from "./loss_scale_apply.wgsl" with { type: "text" };
import lossScaleUpdate from "./loss_scale_update.wgsl" with { type: "text" };
import mulForward from "./mul_forward.wgsl" with { type: "text" };
import muonMomentum from "./muon_momentum.wgsl" with { type: "text" };
import muonUpdate from "./muon_update.wgsl" with { type: "text" };
import peakFmaWorkgroups from "./peak_fma_workgroups.wgsl" with { type: "text" };
import peakRead from "./peak_read.wgsl" with { type: "text" };
import reluSquaredBackward from "./relu_squared_backward.wgsl" with { type: "text" };
import reluSquaredForward from "./relu_squared_forward.wgsl" with { type: "text" };
import scale from "./scale.wgsl" with { type: "text" };
import scaleRows from "./scale_rows.wgsl" with { type: "text" };
import repeatDimension from "./repeat_dimension.wgsl" with { type: "text" };
import sgd from "./sgd.wgsl" with { type: "text" };
import siluBackward from "./silu_backward.wgsl" with { type: "text" };
import siluForward from "./silu_forward.wgsl" with { type: "text" };
import softCapBackward from "./soft_cap_backward.wgsl" with { type: "text" };
import softCapBackwardInPlace from "./soft_cap_backward_in_place.wgsl" with { type: "text" };
import softCapForward from "./soft_cap_forward.wgsl" with { type: "text" };
import softmaxBackward from "./softmax_backward.wgsl" with { type: "text" };
import softmaxForward from "./softmax_forward.wgsl" with { type: "text" };
import subForward from "./sub_forward.wgsl" with { type: "text" };
import swigluBackward from "./swiglu_backward.wgsl" with { type: "text" };
import swigluForward from "./swiglu_forward.wgsl" with { type: "text" };
import writeRows from "./write_rows.wgsl" with { type: "text" };
import { adamw } from "./adamw.ts";
import {
  attentionBackward,
  attentionForward,
  groupedAttentionBackward,
  groupedAttentionForward,
  laneAttentionForward,
} from "./attention/attention.ts";
import { clipGradNormPartials } from "./clip_grad_norm_partials.ts";
import { dropout } from "./dropout.ts";
import { crossEntropyForward } from "./cross_entropy_forward.ts";
import {
  bitsOf,
  type Constants,
  elementwise,
  flatElementwise,
  rowElementwise,
  type WgslKernel,
  workgroupPer,
  workgroupPerRow,
} from "./dispatch.ts";
import { batchedMatmul } from "./matmul/batched_matmul.ts";
import { copyColumns, stridedCopy, writeColumns } from "./layout.ts";
import { layernormBackwardInput, layernormBackwardWeight, layernormForward } from "./layernorm.ts";
import { linearBackwardInput, linearBackwardWeight, linearForward } from "./matmul/linear.ts";
import { maskedFill } from "./masked_fill.ts";
import { meanForward } from "./mean_forward.ts";
import { dequantizeWeight, embeddingQuantizedForward, linearQuantizedForward } from "./quantized.ts";
import { rmsnormBackwardInput, rmsnormBackwardWeight, rmsnormForward } from "./rmsnorm.ts";
import { ropeBackward, ropeForward } from "./rope.ts";
import { sampleToken } from "./sample_token.ts";
import { withFunctions } from "./specialize.ts";
import { softmaxStridedBackward, softmaxStridedForward } from "./softmax_strided.ts";
import { sumDimension } from "./sum_dimension.ts";
import { sumPartials } from "./sum_partials.ts";

/** Rows of dWeight that one workgroup of embedding_backward owns: ROWS in its source. */
const EMBEDDING_ROWS = 16;

const one = () => 1;
/** Every array has one element for each invocation. */
const all = (arrays: number) => Array<boolean>(arrays).fill(true);
const rows = (c: Constants) => c.rows;
const width = (c: Constants) => c.D;
/** What both forms of GELU need. */
const GELU = ["sigmoid", "gelu_tanh", "normal"] as const;
const vocabulary = (c: Constants) => c.V;

/** How each kernel runs on a GPU, by the name that `lib/` gives it. */
export const wgslKernels: ReadonlyMap<string, WgslKernel> = new Map(Object.entries({
  adamw,
  add_bias: rowElementwise("add_bias", addBias, rows, width),
  add_embedding_forward: rowElementwise("add_embedding_forward", addEmbeddingForward, (c) => c.N, width),
  add_forward: flatElementwise("add_forward", addForward, 2, all(3)),
  add_positions_backward: rowElementwise("add_positions_backward", addPositionsBackward, (c) => c.S, width),
  add_positions_forward: rowElementwise("add_positions_forward", addPositionsForward, (c) => c.B * c.T, width),
  advance_schedule: workgroupPer("advance_schedule", advanceSchedule, one),
  attention_backward: attentionBackward,
  attention_forward: attentionForward,
  axpby: flatElementwise("axpby", axpby, 1, all(2), ({ alpha, beta }) => bitsOf([alpha, beta])),
  clip_grad_norm_factor: workgroupPer("clip_grad_norm_factor", withFunctions(clipGradNormFactor, "workgroup_sum"), one),
  batched_matmul: batchedMatmul,
  clip_grad_norm_partials: clipGradNormPartials,
  copy: flatElementwise("copy", copy, 1, all(2)),
  copy_columns: copyColumns,
  cross_entropy_backward: rowElementwise("cross_entropy_backward", crossEntropyBackward, rows, vocabulary),
  cross_entropy_backward_in_place: rowElementwise(
    "cross_entropy_backward_in_place",
    crossEntropyBackwardInPlace,
    rows,
    vocabulary,
  ),
  cross_entropy_forward: crossEntropyForward,
  divide_by_norm: flatElementwise("divide_by_norm", divideByNorm, 2, [true, false, true], ({ eps }) => bitsOf([eps])),
  dropout,
  embedding_backward: workgroupPer("embedding_backward", embeddingBackward, (c) => Math.ceil(c.V / EMBEDDING_ROWS)),
  embedding_forward: rowElementwise("embedding_forward", embeddingForward, (c) => c.N, width),
  geglu_backward: flatElementwise("geglu_backward", withFunctions(gegluBackward, "sigmoid", "gelu_tanh"), 3, all(5)),
  geglu_forward: flatElementwise("geglu_forward", withFunctions(gegluForward, "sigmoid", "gelu_tanh"), 2, all(3)),
  gelu_backward: flatElementwise("gelu_backward", withFunctions(geluBackward, ...GELU), 2, all(3)),
  gelu_forward: flatElementwise("gelu_forward", withFunctions(geluForward, ...GELU), 1, all(2)),
  grouped_attention_backward: groupedAttentionBackward,
  grouped_attention_forward: groupedAttentionForward,
  lane_attention_forward: laneAttentionForward,
  layernorm_backward_input: layernormBackwardInput,
  layernorm_backward_weight: layernormBackwardWeight,
  layernorm_forward: layernormForward,
  dequantize_weight: dequantizeWeight,
  embedding_quantized_forward: embeddingQuantizedForward,
  linear_backward_input: linearBackwardInput,
  linear_backward_weight: linearBackwardWeight,
  linear_forward: linearForward,
  linear_quantized_forward: linearQuantizedForward,
  loss_scale_apply: workgroupPer("loss_scale_apply", lossScaleApply, one),
  loss_scale_update: workgroupPer("loss_scale_update", lossScaleUpdate, one),
  masked_fill: maskedFill,
  mean_forward: meanForward,
  mul_forward: flatElementwise("mul_forward", mulForward, 2, all(3)),
  muon_momentum: flatElementwise(
    "muon_momentum",
    muonMomentum,
    2,
    [true, false, true, true],
    ({ beta }) => bitsOf([beta, 1 - beta]),
  ),
  muon_update: flatElementwise(
    "muon_update",
    muonUpdate,
    3,
    [true, false, false, true],
    ({ factor, weightDecay }) => bitsOf([factor, weightDecay]),
  ),
  // These two measure the device; no program of this library calls them.
  peak_fma_workgroups: workgroupPer("peak_fma_workgroups", peakFmaWorkgroups, (c) => c.workgroups),
  peak_read: workgroupPer("peak_read", peakRead, (c) => c.workgroups),
  relu_squared_backward: flatElementwise("relu_squared_backward", reluSquaredBackward, 2, all(3)),
  relu_squared_forward: flatElementwise("relu_squared_forward", reluSquaredForward, 1, all(2)),
  repeat_dimension: elementwise("repeat_dimension", repeatDimension, (c) => c.outer * c.length * c.inner),
  rmsnorm_backward_input: rmsnormBackwardInput,
  rmsnorm_backward_weight: rmsnormBackwardWeight,
  rmsnorm_forward: rmsnormForward,
  rope_backward: ropeBackward,
  rope_forward: ropeForward,
  sample_token: sampleToken,
  scale: flatElementwise("scale", scale, 1, all(2), ({ accumulate, factor }) => [accumulate, ...bitsOf([factor])]),
  scale_rows: rowElementwise("scale_rows", scaleRows, rows, width),
  sgd: flatElementwise("sgd", sgd, 3, [true, false, false, true], ({ weightDecay }) => bitsOf([weightDecay])),
  silu_backward: flatElementwise("silu_backward", withFunctions(siluBackward, "sigmoid"), 2, all(3)),
  silu_forward: flatElementwise("silu_forward", withFunctions(siluForward, "sigmoid"), 1, all(2)),
  soft_cap_backward: flatElementwise(
    "soft_cap_backward",
    withFunctions(softCapBackward, "tanh"),
    2,
    all(3),
    ({ accumulate, cap }) => [accumulate, ...bitsOf([cap])],
  ),
  soft_cap_backward_in_place: flatElementwise(
    "soft_cap_backward_in_place",
    withFunctions(softCapBackwardInPlace, "tanh"),
    1,
    all(2),
    ({ cap }) => bitsOf([cap]),
  ),
  soft_cap_forward: flatElementwise(
    "soft_cap_forward",
    withFunctions(softCapForward, "tanh"),
    1,
    all(2),
    ({ cap }) => bitsOf([cap]),
  ),
  softmax_backward: workgroupPerRow("softmax_backward", withFunctions(softmaxBackward, "workgroup_sum"), rows, width),
  softmax_forward: workgroupPerRow(
    "softmax_forward",
    withFunctions(softmaxForward, "join", "workgroup_join"),
    rows,
    width,
  ),
  sub_forward: flatElementwise("sub_forward", subForward, 2, all(3)),
  softmax_strided_backward: softmaxStridedBackward,
  softmax_strided_forward: softmaxStridedForward,
  sum_dimension: sumDimension,
  sum_partials: sumPartials,
  swiglu_backward: flatElementwise("swiglu_backward", withFunctions(swigluBackward, "sigmoid"), 3, all(5)),
  swiglu_forward: flatElementwise("swiglu_forward", withFunctions(swigluForward, "sigmoid"), 2, all(3)),
  strided_copy: stridedCopy,
  write_columns: writeColumns,
  write_rows: elementwise("write_rows", writeRows, (c) => c.B * c.T * c.W),
}));
