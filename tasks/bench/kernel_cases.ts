// A call of each kernel, at the sizes of the large model of bench lm.
import { copyKernel } from "../../lib/graph/copy.ts";
import type { Kernel } from "../../lib/graph/kernel.ts";
import { kernelCase } from "../../lib/measure/kernel_case.ts";
import type { KernelCase } from "../../lib/measure/kernel_time.ts";
import { meanForward } from "../../lib/ops/cross_entropy.ts";
import { copyColumnsKernel, writeColumnsKernel } from "../../lib/ops/copy_columns.ts";
import { dropoutKernel } from "../../lib/ops/dropout.ts";
import { gegluBackward, gegluForward, geluBackward, geluForward } from "../../lib/ops/gelu.ts";
import { embeddingQuantizedForward } from "../../lib/ops/embedding.ts";
import { linearBackwardInput, linearBackwardWeight, linearForward } from "../../lib/ops/linear.ts";
import { dequantizeWeight, linearQuantizedForward } from "../../lib/ops/linear_quantized.ts";
import { maskedFillKernel } from "../../lib/ops/masked_fill.ts";
import { ropeBackward, ropeForward } from "../../lib/ops/rope.ts";
import { batchedMatmulKernel } from "../../lib/ops/matmul.ts";
import { reluSquaredBackward, reluSquaredForward } from "../../lib/ops/relu_squared.ts";
import { siluBackward, siluForward } from "../../lib/ops/silu.ts";
import { softCapBackward, softCapBackwardInPlace, softCapForward } from "../../lib/ops/soft_cap.ts";
import {
  softmaxBackward,
  softmaxForward,
  softmaxStridedBackward,
  softmaxStridedForward,
} from "../../lib/ops/softmax.ts";
import { repeatDimensionKernel, sumDimensionKernel } from "../../lib/ops/sum_dimension.ts";
import { stridedCopyKernel } from "../../lib/ops/strided_copy.ts";
import { swigluBackward, swigluForward } from "../../lib/ops/swiglu.ts";
import { laneAttentionForward } from "../../lib/ops/lane_attention.ts";
import { writeRowsKernel } from "../../lib/ops/write_rows.ts";
import { clipGradNormFactor, clipGradNormPartials } from "../../lib/train/optimizer/clip_grad_norm.ts";
import { KERNELS } from "../../lib/train/kernels.ts";
import { OPTIMIZERS } from "../../lib/train/optimizer/registry.ts";
import { LM_SHAPES } from "./lm_shapes.ts";

type Sizes = Readonly<Record<string, number>>;

/** About the large model's parameters. */
const PARAMETERS = 22_000_000;

const { config: { vocabSize: V, contextLength: T, dModel: D, numHeads: H, dFf }, batchSize: B } = LM_SHAPES.large;
const rows = B * T;

/** What kernels mean by the names of their sizes, where nothing below says otherwise. */
const USUAL: Sizes = {
  B,
  T,
  S: T,
  positions: T,
  H,
  headDim: D / H,
  keyHeads: H / 4,
  window: T,
  rows,
  N: rows,
  D,
  V,
  n: rows * D,
  P: 64,
};

/** Kernels that are called at other sizes, each set of them a case. */
const OTHERWISE: ReadonlyMap<Kernel, readonly Sizes[]> = new Map<Kernel, readonly Sizes[]>([
  [copyKernel, [{}, { n: V * D }]],
  ...[
    reluSquaredForward,
    reluSquaredBackward,
    siluForward,
    siluBackward,
    swigluForward,
    swigluBackward,
    gegluForward,
    gegluBackward,
  ].map((
    kernel,
  ): [Kernel, Sizes[]] => [
    kernel,
    [{ n: rows * dFf }],
  ]),
  ...[geluForward, geluBackward].map((kernel): [Kernel, Sizes[]] => [
    kernel,
    [0, 1].map((exact) => ({ n: rows * dFf, exact })),
  ]),
  ...[ropeForward, ropeBackward].map((kernel): [Kernel, Sizes[]] => [kernel, [{ starts: 1 }, { T: 1, starts: rows }]]),
  ...[softCapForward, softCapBackward, softCapBackwardInPlace].map((kernel): [Kernel, Sizes[]] => [
    kernel,
    [{ n: rows * V }],
  ]),
  [softmaxForward, [{ D: V }]],
  [softmaxBackward, [{ D: V }]],
  [dropoutKernel, [{ n: rows * D, site: 0, threshold: 2 ** 30 }]],
  [maskedFillKernel, [{ n: B * H * T * T, maskSize: T * T }]],
  [softmaxStridedForward, [{ outer: B, D: T, inner: D }]],
  [softmaxStridedBackward, [{ outer: B, D: T, inner: D }]],
  // Over rows, over columns, and the first part of a sum over everything.
  [sumDimensionKernel, [
    { outer: rows, length: D, inner: 1, parts: 1 },
    { outer: 1, length: rows, inner: D, parts: 1 },
    { outer: 1, length: rows * D, inner: 1, parts: 256 },
  ]],
  [repeatDimensionKernel, [{ outer: rows, length: D, inner: 1 }, { outer: 1, length: rows, inner: D }]],
  [meanForward, [{ n: rows }]],
  // The products of attention: all scores of a batch.
  [batchedMatmulKernel, [{ batch: B * H, M: T, N: T, K: D / H, transposeA: 0, transposeB: 1 }]],
  // Projections in one: to part them, to put them together, and to bring heads before positions; then a plain transpose.
  [copyColumnsKernel, [{ xWidth: 3 * D, yWidth: D, xFirst: D, yFirst: 0, count: D }]],
  [writeColumnsKernel, [{ xWidth: D, yWidth: 3 * D, yFirst: D }]],
  [stridedCopyKernel, [
    permuted([B, H, T, D / H], [T * D, D / H, D, 1]),
    permuted([1, 1, D, rows], [0, 0, 1, D]),
  ]],
  // The head for one token's row; a whole head; and the rows that a batch looks up.
  [linearQuantizedForward, [{ rows: 1, I: D, O: V, bits: 16 }, { rows: 1, I: D, O: V, bits: 8 }]],
  [dequantizeWeight, [{ I: D, O: V, bits: 16 }, { I: D, O: V, bits: 8 }]],
  [embeddingQuantizedForward, [{ bits: 16 }, { bits: 8 }]],
  [laneAttentionForward, [{ T: 1 }]],
  [writeRowsKernel, [{ B: 1, T: 1, W: D, starts: 1 }]],
  [clipGradNormPartials, [{ n: PARAMETERS, P: 1024 }]],
  [clipGradNormFactor, [{ P: 1024 }]],
  ...Object.values(OPTIMIZERS).flatMap(({ kernels }) => kernels).map((kernel): [Kernel, Sizes[]] => [
    kernel,
    [{ n: PARAMETERS }],
  ]),
]);

/** Sizes of what is written, and how far apart what is read lies. */
function permuted([n0, n1, n2, n3]: readonly number[], [stride0, stride1, stride2, stride3]: readonly number[]): Sizes {
  return { n0, n1, n2, n3, stride0, stride1, stride2, stride3 };
}

/** What bench matmul measures. */
const PRODUCTS: readonly Kernel[] = [linearForward, linearBackwardInput, linearBackwardWeight];

/** A call of each kernel that declares tries but the linear layer's, which overwrites its outputs where it has a choice. */
export function kernelCases(): KernelCase[] {
  return KERNELS.filter((kernel) => kernel.tries && !PRODUCTS.includes(kernel)).flatMap((kernel) =>
    (OTHERWISE.get(kernel) ?? [{}]).map((sizes) => kernelCase(kernel, constantsOf(kernel, sizes)))
  );
}

/** Sizes by their names; flags off; other numbers as in the kernel's first try. */
function constantsOf(kernel: Kernel, sizes: Sizes): Record<string, number> {
  const flags = Object.values(kernel.writes ?? {}).map((write) => typeof write === "object" ? write.addedIf : "");
  const constants = Object.entries(kernel.constants).map(([name, type]): [string, number] => {
    if (flags.includes(name)) return [name, 0];
    if (type === "f32") return [name, kernel.tries![0].constants[name]];
    const size = sizes[name] ?? USUAL[name];
    if (size === undefined) {
      throw new RangeError(`Cannot bench ${kernel.name}: got no usual ${name}, must be given here`);
    }
    return [name, size];
  });
  return Object.fromEntries(constants);
}
