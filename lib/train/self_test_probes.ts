import { copyKernel } from "../graph/copy.ts";
import type { Kernel } from "../graph/kernel.ts";
import { addForward } from "../ops/add.ts";
import { attentionBackward, attentionForward } from "../ops/attention.ts";
import {
  crossEntropyBackward,
  crossEntropyBackwardInPlace,
  crossEntropyForward,
  meanForward,
} from "../ops/cross_entropy.ts";
import { embeddingBackward, embeddingForward } from "../ops/embedding.ts";
import { linearBackwardInput, linearBackwardWeight, linearForward } from "../ops/linear.ts";
import { rmsnormBackwardInput, rmsnormBackwardWeight, rmsnormForward } from "../ops/rmsnorm.ts";
import { ropeBackward, ropeForward } from "../ops/rope.ts";
import { siluBackward, siluForward } from "../ops/silu.ts";
import { softmaxBackward, softmaxForward } from "../ops/softmax.ts";
import { sumPartialsKernel } from "../ops/sum_partials.ts";
import { swigluBackward, swigluForward } from "../ops/swiglu.ts";
import { writeRowsKernel } from "../ops/write_rows.ts";
import { adamwKernel } from "./adamw.ts";
import { clipGradNormFactor, clipGradNormPartials } from "./clip_grad_norm.ts";
import { sgdKernel } from "./sgd.ts";

/** An input: so many random floats in (−1, 1), floats given, or integers given or drawn below a bound. */
export type ProbeInput =
  | number
  | { readonly floats: readonly number[] }
  | { readonly integers: readonly number[] }
  | { readonly count: number; readonly below: number };

/** One call of a kernel on random arrays. Outputs start random in (0, 1), which kernels that add to them must keep. */
export interface Probe {
  /** The kernel to try. */
  readonly kernel: Kernel;
  /** What it reads, by the names that the kernel gives its inputs. */
  readonly inputs: Readonly<Record<string, ProbeInput>>;
  /** Sizes of the outputs. */
  readonly outputs: Readonly<Record<string, number>>;
  /** Its constants, by name. */
  readonly constants: Readonly<Record<string, number>>;
  /** Arrays that are f16; none by default. */
  readonly halves?: readonly string[];
}

/** Declares a probe, holding it to the kernel's signature. */
function probe<I extends string, O extends string, C extends string>(
  kernel: Kernel<I, O, C>,
  constants: Record<C, number>,
  inputs: Record<I, ProbeInput>,
  outputs: Record<O, number>,
): Probe {
  return { kernel, constants, inputs, outputs };
}

/** The three products of a linear map. */
export function linearProbes(rows: number, I: number, O: number): Probe[] {
  const sizes = { rows, I, O };
  return [
    probe(linearForward, sizes, { x: rows * I, weight: O * I }, { y: rows * O }),
    probe(linearBackwardInput, { ...sizes, accumulate: 0 }, { dY: rows * O, weight: O * I }, { dX: rows * I }),
    probe(linearBackwardWeight, { ...sizes, accumulate: 1 }, { dY: rows * O, x: rows * I }, { dWeight: O * I }),
  ];
}

function attentionProbes(B: number, T: number, H: number, headDim: number): Probe[] {
  const sizes = { B, T, H, headDim };
  const heads = B * T * H * headDim;
  const rows = B * H * T;
  const qkv = { q: heads, k: heads, v: heads };
  return [
    probe(attentionForward, { ...sizes, S: T }, { ...qkv, start: { integers: [0] } }, { y: heads, lse: rows }),
    probe(
      attentionBackward,
      { ...sizes, accumulateQuery: 0, accumulateKey: 1, accumulateValue: 0 },
      { ...qkv, y: heads, lse: rows, dY: heads },
      { dQ: heads, dK: heads, dV: heads },
    ),
  ];
}

/** One query after `start` cached keys, as in generation. */
function cachedAttentionProbes(B: number, S: number, H: number, headDim: number, start: number): Probe[] {
  const [q, kv] = [B * H * headDim, B * S * H * headDim];
  const inputs = { q, k: kv, v: kv, start: { integers: [start] } };
  return [probe(attentionForward, { B, T: 1, S, H, headDim }, inputs, { y: q, lse: B * H })];
}

/** Row by row kernels and those between elements, at one size. */
function rowProbes(rows: number, D: number): Probe[] {
  const n = rows * D;
  const P = 4;
  const targets = { count: rows, below: D };
  return [
    probe(rmsnormForward, { rows, D, eps: 1e-5 }, { x: n, weight: D }, { y: n, rstd: rows }),
    probe(rmsnormBackwardInput, { rows, D, accumulate: 1 }, { x: n, weight: D, rstd: rows, dY: n }, { dX: n }),
    probe(rmsnormBackwardWeight, { rows, D, P }, { x: n, rstd: rows, dY: n }, { partials: P * D }),
    probe(sumPartialsKernel, { P, D, accumulate: 1 }, { partials: P * D }, { y: D }),
    probe(softmaxForward, { rows, D }, { x: n }, { y: n }),
    probe(softmaxBackward, { rows, D, accumulate: 0 }, { y: n, dY: n }, { dX: n }),
    probe(crossEntropyForward, { rows, V: D }, { logits: n, targets }, { losses: rows, lse: rows }),
    probe(
      crossEntropyBackward,
      { rows, V: D, accumulate: 1 },
      { logits: n, targets, lse: rows, dLoss: 1 },
      { dLogits: n },
    ),
    probe(crossEntropyBackwardInPlace, { rows, V: D }, { targets, lse: rows, dLoss: 1 }, { logits: n }),
    probe(meanForward, { n }, { x: n }, { y: 1 }),
    probe(addForward, { n }, { a: n, b: n }, { y: n }),
    probe(copyKernel, { n, accumulate: 1 }, { x: n }, { y: n }),
    probe(siluForward, { n }, { x: n }, { y: n }),
    probe(siluBackward, { n, accumulate: 0 }, { x: n, dY: n }, { dX: n }),
    probe(swigluForward, { n }, { gate: n, up: n }, { y: n }),
    probe(
      swigluBackward,
      { n, accumulateGate: 1, accumulateUp: 0 },
      { gate: n, up: n, dY: n },
      { dGate: n, dUp: n },
    ),
  ];
}

/** Embedding, positions, caches and optimizers. */
function otherProbes(): Probe[] {
  const [N, V, D] = [300, 37, 20];
  const [B, T, S, headDim] = [2, 5, 9, 4];
  const rope = { rows: B * T, T, D, headDim, positions: S };
  const tables = { cos: S * headDim / 2, sin: S * headDim / 2, start: { integers: [3] } };
  const n = 5003;
  return [
    probe(embeddingForward, { N, V, D }, { ids: { count: N, below: V }, weight: V * D }, { y: N * D }),
    probe(
      embeddingBackward,
      { N, V, D, accumulate: 1 },
      { ids: { count: N, below: V }, dY: N * D },
      { dWeight: V * D },
    ),
    probe(ropeForward, rope, { x: B * T * D, ...tables }, { y: B * T * D }),
    probe(ropeBackward, { ...rope, accumulate: 1 }, { dY: B * T * D, ...tables }, { dX: B * T * D }),
    probe(writeRowsKernel, { B, T, S, W: D }, { x: B * T * D, start: { integers: [3] } }, { out: B * S * D }),
    probe(clipGradNormPartials, { n, P: 7 }, { gradients: n }, { partials: 7 }),
    probe(clipGradNormFactor, { P: 3, maxNorm: 0.5 }, { partials: { floats: [0.7, 0.2, 0.5] } }, { clip: 2 }),
    probe(
      adamwKernel,
      { n, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1 },
      { gradients: n, clip: 2, schedule: { floats: [0.01, 0.2, 0.1] } },
      { parameters: n, m: n, v: n },
    ),
    probe(sgdKernel, { n, weightDecay: 0.1 }, { gradients: n, clip: 2, schedule: 1 }, { parameters: n }),
  ];
}

/** The arrays that a graph in f16 holds in f16, by kernel. */
const HALF_ARRAYS: Readonly<Record<string, readonly string[]>> = {
  linear_forward: ["x", "weight", "y"],
  linear_backward_input: ["dY", "weight", "dX"],
  linear_backward_weight: ["dY", "x"],
  attention_forward: ["q", "k", "v", "y"],
  attention_backward: ["q", "k", "v", "y", "dY", "dQ", "dK", "dV"],
  rmsnorm_forward: ["y"],
  rmsnorm_backward_input: ["dY"],
  rmsnorm_backward_weight: ["dY"],
  rope_forward: ["x", "y"],
  rope_backward: ["dY", "dX"],
  silu_forward: ["x", "y"],
  silu_backward: ["x", "dY", "dX"],
  swiglu_forward: ["gate", "up", "y"],
  swiglu_backward: ["gate", "up", "dY", "dGate", "dUp"],
  add_forward: ["b"],
  copy: ["y"],
  cross_entropy_forward: ["logits"],
  cross_entropy_backward: ["logits", "dLogits"],
  cross_entropy_backward_in_place: ["logits"],
  write_rows: ["x"],
};

/** The probes of kernels that a graph in f16 calls otherwise than one in f32, with those arrays in f16. */
export function inHalf(probes: readonly Probe[]): Probe[] {
  return probes.filter(({ kernel }) => Object.hasOwn(HALF_ARRAYS, kernel.name))
    .map((probe) => ({ ...probe, halves: HALF_ARRAYS[probe.kernel.name] }));
}

/** Every kernel, at sizes that need several workgroups and do not divide evenly, and at some that do. */
export function smallProbes(): Probe[] {
  return [
    ...linearProbes(1, 260, 9),
    ...linearProbes(5, 7, 6),
    ...linearProbes(67, 45, 83),
    ...linearProbes(64, 96, 32),
    ...attentionProbes(2, 37, 2, 6),
    ...attentionProbes(1, 65, 2, 64),
    ...cachedAttentionProbes(2, 150, 3, 64, 130),
    ...rowProbes(21, 301),
    ...otherProbes(),
  ];
}

/** Products large enough for the largest tiles and for split sums. */
export function largeProbes(): Probe[] {
  return [...linearProbes(2048, 32, 2048), ...linearProbes(32, 2048, 2048), ...linearProbes(4096, 256, 256)];
}
