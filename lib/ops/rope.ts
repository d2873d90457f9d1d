import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";
import { requireBelow, requireShape } from "./shapes.ts";

/**
 * Rotates the pair (2i, 2i+1) of each head of row r by the angle of position start[0] + r mod T:
 * y₂ᵢ = x₂ᵢ cos − x₂ᵢ₊₁ sin, y₂ᵢ₊₁ = x₂ᵢ sin + x₂ᵢ₊₁ cos.
 * x, y: (rows, D) with rows = B·T; cos, sin: (positions, headDim / 2); start: (1) u32.
 */
export const ropeForward = defineKernel({
  name: "rope_forward",
  inputs: ["x", "cos", "sin", "start"],
  outputs: ["y"],
  integers: ["start"],
  constants: { rows: "u32", T: "u32", D: "u32", headDim: "u32", positions: "u32" },
  halves: ["x", "y"],
  sizes: ({ rows, D, headDim, positions }) => {
    const angles = positions * headDim / 2;
    return { x: rows * D, cos: angles, sin: angles, start: 1, y: rows * D };
  },
  touched: ({ T, headDim }) => ({ cos: T * headDim / 2, sin: T * headDim / 2 }),
  below: ({ T, positions }) => ({ start: positions - T + 1 }),
  flops: ({ rows, D }) => otherFlops(3 * rows * D),
  tries: [4, 6].map((headDim) => ({
    constants: { rows: 10, T: 5, D: 5 * headDim, headDim, positions: 9 },
    inputs: { start: [3] },
  })),
});

/** The inverse rotation of dY, which is its transpose: dX (+)= Rᵀ dY. Shapes as in the forward kernel. */
export const ropeBackward = defineKernel({
  name: "rope_backward",
  inputs: ["dY", "cos", "sin", "start"],
  outputs: ["dX"],
  integers: ["start"],
  constants: { rows: "u32", T: "u32", D: "u32", headDim: "u32", positions: "u32", accumulate: "u32" },
  writes: { dX: { addedIf: "accumulate" } },
  halves: ["dY", "dX"],
  sizes: ({ rows, D, headDim, positions }) => {
    const angles = positions * headDim / 2;
    return { dY: rows * D, cos: angles, sin: angles, start: 1, dX: rows * D };
  },
  touched: ({ T, headDim }) => ({ cos: T * headDim / 2, sin: T * headDim / 2 }),
  below: ({ T, positions }) => ({ start: positions - T + 1 }),
  flops: ({ rows, D, accumulate }) => otherFlops((3 + accumulate) * rows * D),
  tries: [4, 6].map((headDim) => ({
    constants: { rows: 10, T: 5, D: 5 * headDim, headDim, positions: 9, accumulate: 1 },
    inputs: { start: [3] },
  })),
});

/** The tables and position that `rope` reads. */
export interface RopeTables {
  /** (positions, headDim / 2) */
  readonly cos: Tensor;
  /** (positions, headDim / 2) */
  readonly sin: Tensor;
  /** (1) of type u32: the position of each sequence's first row, at most positions − seqLen; 0 in training. */
  readonly start: Tensor;
}

/**
 * Rotary position embedding.
 *
 * @param x (batch, seqLen, numHeads · headDim), the heads side by side
 * @returns The same shape.
 * @throws {RangeError} If headDim is odd or does not divide the last dimension, or the tables do not fit.
 * @throws {TypeError} If `start` is not of type u32, or another is.
 *
 * Source: Su et al. 2021, arXiv:2104.09864; pairs are neighbours (2i, 2i+1).
 */
export function rope(graph: Graph, x: Tensor, headDim: number, { cos, sin, start }: RopeTables): Tensor {
  if (x.shape.length !== 3 || headDim % 2 !== 0 || x.lastDim % headDim !== 0) {
    throw new RangeError(
      `Cannot apply rope: got ${x} and head size ${headDim}, must be (B, T, heads · even head size)`,
    );
  }
  const [B, T, D] = x.shape;
  requireShape("rope", sin, cos.shape);
  requireShape("rope", start, [1]);
  const [positions] = cos.shape;
  if (cos.shape.length !== 2 || cos.lastDim !== headDim / 2 || positions < T) {
    throw new RangeError(`Cannot apply rope: got ${cos}, must have at least ${T} rows of ${headDim / 2}`);
  }
  requireBelow("rope", start, positions - T + 1);
  const rows = B * T;
  const y = graph.activation(`rope(${x.name})`, x.shape);
  const sizes = { rows, T, D, headDim, positions };
  graph.call(ropeForward, { inputs: { x, cos, sin, start }, outputs: { y }, constants: sizes });
  return graph.record({
    op: "rope",
    inputs: [x],
    output: y,
    backward: (dY, gradients) => {
      const { target: dX, accumulate } = gradients.into(x);
      graph.call(ropeBackward, {
        inputs: { dY, cos, sin, start },
        outputs: { dX },
        constants: { ...sizes, accumulate },
      });
    },
  });
}

/**
 * The cosines and sines that `rope` reads, computed in float64: angle(position, i) = position · theta^(−2i / headDim).
 *
 * @returns Two arrays of shape (positions, headDim / 2).
 */
export function ropeAngles(positions: number, headDim: number, ropeTheta: number): {
  cos: Float32Array<ArrayBuffer>;
  sin: Float32Array<ArrayBuffer>;
} {
  const half = headDim / 2;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * ropeTheta ** (-2 * i / headDim);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
