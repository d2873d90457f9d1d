/** Every WGSL kernel by name: its source, and how many workgroups it takes. */

import addForward from "./add_forward.wgsl" with { type: "text" };
import clipGradNormFactor from "./clip_grad_norm_factor.wgsl" with { type: "text" };
import copy from "./copy.wgsl" with { type: "text" };
import crossEntropyBackward from "./cross_entropy_backward.wgsl" with { type: "text" };
import crossEntropyBackwardInPlace from "./cross_entropy_backward_in_place.wgsl" with { type: "text" };
import crossEntropyForward from "./cross_entropy_forward.wgsl" with { type: "text" };
import embeddingBackward from "./embedding_backward.wgsl" with { type: "text" };
import embeddingForward from "./embedding_forward.wgsl" with { type: "text" };
import lossScaleApply from "./loss_scale_apply.wgsl" with { type: "text" };
import lossScaleUpdate from "./loss_scale_update.wgsl" with { type: "text" };
import meanForward from "./mean_forward.wgsl" with { type: "text" };
import peakFma from "./peak_fma.wgsl" with { type: "text" };
import peakRead from "./peak_read.wgsl" with { type: "text" };
import rmsnormBackwardInput from "./rmsnorm_backward_input.wgsl" with { type: "text" };
import rmsnormBackwardWeight from "./rmsnorm_backward_weight.wgsl" with { type: "text" };
import rmsnormForward from "./rmsnorm_forward.wgsl" with { type: "text" };
import ropeBackward from "./rope_backward.wgsl" with { type: "text" };
import ropeForward from "./rope_forward.wgsl" with { type: "text" };
import sgd from "./sgd.wgsl" with { type: "text" };
import siluBackward from "./silu_backward.wgsl" with { type: "text" };
import siluForward from "./silu_forward.wgsl" with { type: "text" };
import softmaxBackward from "./softmax_backward.wgsl" with { type: "text" };
import softmaxForward from "./softmax_forward.wgsl" with { type: "text" };
import sumPartials from "./sum_partials.wgsl" with { type: "text" };
import swigluBackward from "./swiglu_backward.wgsl" with { type: "text" };
import swigluForward from "./swiglu_forward.wgsl" with { type: "text" };
import writeRows from "./write_rows.wgsl" with { type: "text" };
import { adamw } from "./adamw.ts";
import { attentionBackward, attentionForward } from "./attention.ts";
import { clipGradNormPartials } from "./clip_grad_norm_partials.ts";
import {
  bitsOf,
  type Constants,
  elementwise,
  flatElementwise,
  type WgslKernel,
  workgroupPer,
  workgroupPerRow,
} from "./dispatch.ts";
import { linearBackwardInput, linearBackwardWeight, linearForward } from "./linear.ts";
import { sampleToken } from "./sample_token.ts";

/** Rows of dWeight that one workgroup of embedding_backward owns: ROWS in its source. */
const EMBEDDING_ROWS = 16;

const one = () => 1;
/** Every array has one element for each invocation. */
const all = (arrays: number) => Array<boolean>(arrays).fill(true);
const rows = (c: Constants) => c.rows;
const width = (c: Constants) => c.D;
const vocabulary = (c: Constants) => c.V;
const pairs = (c: Constants) => c.rows * (c.D / 2);

/** How each kernel runs on a GPU, by the name that `lib/` gives it. */
export const wgslKernels: ReadonlyMap<string, WgslKernel> = new Map(Object.entries({
  adamw,
  add_forward: flatElementwise("add_forward", addForward, 2, all(3)),
  attention_backward: attentionBackward,
  attention_forward: attentionForward,
  clip_grad_norm_factor: workgroupPer("clip_grad_norm_factor", clipGradNormFactor, one),
  clip_grad_norm_partials: clipGradNormPartials,
  copy: flatElementwise("copy", copy, 1, all(2)),
  cross_entropy_backward: elementwise("cross_entropy_backward", crossEntropyBackward, (c) => c.rows * c.V),
  cross_entropy_backward_in_place: elementwise(
    "cross_entropy_backward_in_place",
    crossEntropyBackwardInPlace,
    (c) => c.rows * c.V,
  ),
  cross_entropy_forward: workgroupPerRow("cross_entropy_forward", crossEntropyForward, rows, vocabulary),
  embedding_backward: workgroupPer("embedding_backward", embeddingBackward, (c) => Math.ceil(c.V / EMBEDDING_ROWS)),
  embedding_forward: elementwise("embedding_forward", embeddingForward, (c) => c.N * c.D),
  linear_backward_input: linearBackwardInput,
  linear_backward_weight: linearBackwardWeight,
  linear_forward: linearForward,
  loss_scale_apply: workgroupPer("loss_scale_apply", lossScaleApply, one),
  loss_scale_update: workgroupPer("loss_scale_update", lossScaleUpdate, one),
  mean_forward: workgroupPer("mean_forward", meanForward, one),
  // These two measure the device; no program of this library calls them.
  peak_fma: workgroupPer("peak_fma", peakFma, (c) => c.workgroups),
  peak_read: workgroupPer("peak_read", peakRead, (c) => c.workgroups),
  rmsnorm_backward_input: workgroupPerRow("rmsnorm_backward_input", rmsnormBackwardInput, rows, width),
  rmsnorm_backward_weight: elementwise("rmsnorm_backward_weight", rmsnormBackwardWeight, (c) => c.P * c.D),
  rmsnorm_forward: workgroupPerRow("rmsnorm_forward", rmsnormForward, rows, width),
  rope_backward: elementwise("rope_backward", ropeBackward, pairs),
  rope_forward: elementwise("rope_forward", ropeForward, pairs),
  sample_token: sampleToken,
  sgd: flatElementwise("sgd", sgd, 3, [true, false, false, true], ({ weightDecay }) => bitsOf([weightDecay])),
  silu_backward: flatElementwise("silu_backward", siluBackward, 2, all(3)),
  silu_forward: flatElementwise("silu_forward", siluForward, 1, all(2)),
  softmax_backward: workgroupPerRow("softmax_backward", softmaxBackward, rows, width),
  softmax_forward: workgroupPerRow("softmax_forward", softmaxForward, rows, width),
  sum_partials: elementwise("sum_partials", sumPartials, (c) => c.D),
  swiglu_backward: flatElementwise("swiglu_backward", swigluBackward, 3, all(5)),
  swiglu_forward: flatElementwise("swiglu_forward", swigluForward, 2, all(3)),
  write_rows: elementwise("write_rows", writeRows, (c) => c.B * c.T * c.W),
}));
