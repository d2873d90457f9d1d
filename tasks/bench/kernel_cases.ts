// A call of each kernel, at the sizes of the large model of bench lm.
import { copyKernel } from "../../lib/graph/copy.ts";
import type { Kernel } from "../../lib/graph/kernel.ts";
import { addForward } from "../../lib/ops/add.ts";
import { attentionBackward, attentionForward } from "../../lib/ops/attention.ts";
import {
  crossEntropyBackward,
  crossEntropyBackwardInPlace,
  crossEntropyForward,
  meanForward,
} from "../../lib/ops/cross_entropy.ts";
import { embeddingBackward, embeddingForward } from "../../lib/ops/embedding.ts";
import { rmsnormBackwardInput, rmsnormBackwardWeight, rmsnormForward } from "../../lib/ops/rmsnorm.ts";
import { ropeBackward, ropeForward } from "../../lib/ops/rope.ts";
import { siluBackward, siluForward } from "../../lib/ops/silu.ts";
import { softmaxBackward, softmaxForward } from "../../lib/ops/softmax.ts";
import { sumPartialsKernel } from "../../lib/ops/sum_partials.ts";
import { swigluBackward, swigluForward } from "../../lib/ops/swiglu.ts";
import { writeRowsKernel } from "../../lib/ops/write_rows.ts";
import { adamwKernel } from "../../lib/train/adamw.ts";
import { clipGradNormFactor, clipGradNormPartials } from "../../lib/train/clip_grad_norm.ts";
import { sgdKernel } from "../../lib/train/sgd.ts";
import { LM_SHAPES } from "./lm_shapes.ts";
import type { ArraySpec, KernelCase } from "../../lib/measure/kernel_time.ts";

const EPS = 1e-5;
const PARTIALS = 64;
/** About the large model's parameters. */
const PARAMETERS = 22_000_000;

function kernelCase(kernel: Kernel, arrays: readonly ArraySpec[], ...constants: number[]): KernelCase {
  return { kernel, arrays, constants };
}

const integers = (size: number, below: number): ArraySpec => ({ size, dtype: "u32", below });

/** A call of each kernel but the linear layer's. Positions are 0, as in training. */
export function kernelCases(): KernelCase[] {
  const { config: { vocabSize: V, contextLength: T, dModel: D, numHeads: H, dFf }, batchSize: B } = LM_SHAPES.large;
  const rows = B * T;
  const [x, hidden, logits, table] = [rows * D, rows * dFf, rows * V, V * D];
  const headDim = D / H;
  const angles = T * headDim / 2;
  const position = integers(1, 1);
  const heads = B * H * T;
  const P = 1024;
  return [
    kernelCase(embeddingForward, [integers(rows, V), table, x], rows, V, D),
    kernelCase(embeddingBackward, [integers(rows, V), x, table], rows, V, D, 0),
    kernelCase(rmsnormForward, [x, D, x, rows], rows, D, EPS),
    kernelCase(rmsnormBackwardInput, [x, D, rows, x, x], rows, D, 0),
    kernelCase(rmsnormBackwardWeight, [x, rows, x, PARTIALS * D], rows, D, PARTIALS),
    kernelCase(sumPartialsKernel, [PARTIALS * D, D], PARTIALS, D, 0),
    kernelCase(ropeForward, [x, angles, angles, position, x], rows, T, D, headDim, T),
    kernelCase(ropeBackward, [x, angles, angles, position, x], rows, T, D, headDim, T, 0),
    kernelCase(attentionForward, [x, x, x, position, x, heads], B, T, T, H, headDim),
    kernelCase(attentionBackward, [x, x, x, x, heads, x, x, x, x], B, T, H, headDim, 0, 0, 0),
    kernelCase(addForward, [x, x, x], x),
    kernelCase(copyKernel, [x, x], x, 0),
    kernelCase(copyKernel, [table, table], table, 0),
    kernelCase(siluForward, [hidden, hidden], hidden),
    kernelCase(siluBackward, [hidden, hidden, hidden], hidden, 0),
    kernelCase(swigluForward, [hidden, hidden, hidden], hidden),
    kernelCase(swigluBackward, [hidden, hidden, hidden, hidden, hidden], hidden, 0, 0),
    kernelCase(softmaxForward, [logits, logits], rows, V),
    kernelCase(softmaxBackward, [logits, logits, logits], rows, V, 0),
    kernelCase(crossEntropyForward, [logits, integers(rows, V), rows, rows], rows, V),
    kernelCase(crossEntropyBackward, [logits, integers(rows, V), rows, 1, logits], rows, V, 0),
    kernelCase(crossEntropyBackwardInPlace, [integers(rows, V), rows, 1, logits], rows, V),
    kernelCase(meanForward, [rows, 1], rows),
    kernelCase(writeRowsKernel, [D, position, T * D], 1, 1, T, D),
    kernelCase(clipGradNormPartials, [PARAMETERS, P], PARAMETERS, P),
    kernelCase(clipGradNormFactor, [P, 2], P, 1),
    kernelCase(adamwKernel, [PARAMETERS, 2, 3, PARAMETERS, PARAMETERS, PARAMETERS], PARAMETERS, 0.9, 0.95, 1e-8, 0.1),
    kernelCase(sgdKernel, [PARAMETERS, 2, 1, PARAMETERS], PARAMETERS, 0.1),
  ];
}
