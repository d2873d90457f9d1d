import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";
import { requireBelow, requireShape, requireStarts } from "./shapes.ts";

/** Heads of two pairs and of three, with one start for all sequences, one for each, and one for each row. */
const TRIES = [4, 6].flatMap((headDim) => {
  const sizes = { rows: 10, D: 5 * headDim, headDim, positions: 9 };
  return [
    { constants: { ...sizes, T: 5, starts: 1 }, inputs: { start: [3] } },
    { constants: { ...sizes, rows: 134, T: 67, positions: 79, starts: 1 }, inputs: { start: [9] } },
    { constants: { ...sizes, T: 5, starts: 2 }, inputs: { start: [4, 1] } },
    { constants: { ...sizes, T: 1, starts: 10 }, inputs: { start: [0, 8, 3, 3, 1, 0, 7, 2, 5, 8] } },
  ];
});

/** The rows of the tables that a call reads at most. */
function touchedAngles({ rows, T, headDim, positions, starts }: Readonly<Record<string, number>>) {
  const angles = Math.min(starts === 1 ? T : rows, positions) * headDim / 2;
  return { cos: angles, sin: angles };
}

/**
 * Rotates the pair (2i, 2i+1) of each head of row r by the angle of its position:
 * y₂ᵢ = x₂ᵢ cos − x₂ᵢ₊₁ sin, y₂ᵢ₊₁ = x₂ᵢ sin + x₂ᵢ₊₁ cos.
 * T rows stand one after the other, from position start[0] on where there is one start, else from start[⌊r / T⌋] on.
 * x, y: (rows, D) with rows = B·T; cos, sin: (positions, headDim / 2); start: (starts) u32, starts 1 or B.
 */
export const ropeForward = defineKernel({
  name: "rope_forward",
  inputs: ["x", "cos", "sin", "start"],
  outputs: ["y"],
  integers: ["start"],
  constants: { rows: "u32", T: "u32", D: "u32", headDim: "u32", positions: "u32", starts: "u32" },
  halves: ["x", "y"],
  sizes: ({ rows, D, headDim, positions, starts }) => {
    const angles = positions * headDim / 2;
    return { x: rows * D, cos: angles, sin: angles, start: starts, y: rows * D };
  },
  touched: touchedAngles,
  below: ({ T, positions }) => ({ start: positions - T + 1 }),
  flops: ({ rows, D }) => otherFlops(3 * rows * D),
  tries: TRIES,
});

/** The inverse rotation of dY, which is its transpose: dX (+)= Rᵀ dY. Shapes as in the forward kernel. */
export const ropeBackward = defineKernel({
  name: "rope_backward",
  inputs: ["dY", "cos", "sin", "start"],
  outputs: ["dX"],
  integers: ["start"],
  constants: {
    rows: "u32",
    T: "u32",
    D: "u32",
    headDim: "u32",
    positions: "u32",
    starts: "u32",
    accumulate: "u32",
  },
  writes: { dX: { addedIf: "accumulate" } },
  halves: ["dY", "dX"],
  sizes: ({ rows, D, headDim, positions, starts }) => {
    const angles = positions * headDim / 2;
    return { dY: rows * D, cos: angles, sin: angles, start: starts, dX: rows * D };
  },
  touched: touchedAngles,
  below: ({ T, positions }) => ({ start: positions - T + 1 }),
  flops: ({ rows, D, accumulate }) => otherFlops((3 + accumulate) * rows * D),
  tries: TRIES.map(({ constants, inputs }) => ({ constants: { ...constants, accumulate: 1 }, inputs })),
});

/** The tables that `rope` reads, and where in them rows stand. */
export type RopeTables =
  & {
    /** (positions, headDim / 2) */
    readonly cos: Tensor;
    /** (positions, headDim / 2) */
    readonly sin: Tensor;
  }
  & ({
    /**
     * (1) of type u32: the position of each sequence's first row, at most positions − seqLen; 0 in training. Or (batch),
     * one for each sequence.
     */
    readonly start: Tensor;
    /** Either this or `start`. */
    readonly positions?: undefined;
  } | {
    /** Either this or `positions`. */
    readonly start?: undefined;
    /** (batch, seqLen) of type u32: the position of each row, such as its place in a document of several in a sequence. */
    readonly positions: Tensor;
  });

/**
 * Rotary position embedding.
 *
 * @param x (batch, seqLen, numHeads · headDim), the heads side by side
 * @param tables Cosines and sines by position, and either one `start` for all sequences or `positions`, one for each row.
 * @returns The same shape as `x`.
 * @throws {RangeError} If headDim is odd or does not divide the last dimension, or the tables or positions do not fit.
 * @throws {TypeError} If `start` or `positions` is not of type u32, or another is; if both are given, or neither.
 *
 * Source: Su et al. 2021, arXiv:2104.09864; pairs are neighbours (2i, 2i+1).
 */
export function rope(graph: Graph, x: Tensor, headDim: number, tables: RopeTables): Tensor {
  if (x.shape.length !== 3 || headDim % 2 !== 0 || x.lastDim % headDim !== 0) {
    throw new RangeError(
      `Cannot apply rope: got ${x} and head size ${headDim}, must be (B, T, heads · even head size)`,
    );
  }
  const { cos, sin } = tables;
  const [B, seqLen, D] = x.shape;
  const { start, T } = runsOf(tables, B, seqLen);
  requireShape("rope", sin, cos.shape);
  const [positions] = cos.shape;
  if (cos.shape.length !== 2 || cos.lastDim !== headDim / 2 || positions < T) {
    throw new RangeError(`Cannot apply rope: got ${cos}, must have at least ${T} rows of ${headDim / 2}`);
  }
  requireBelow("rope", start, positions - T + 1);
  const y = graph.activation(`rope(${x.name})`, x.shape);
  const sizes = { rows: B * seqLen, T, D, headDim, positions, starts: start.size };
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

/** The rows that stand one after the other, and where they start: sequences from one position, or each row for itself. */
function runsOf({ start, positions }: RopeTables, B: number, seqLen: number): { start: Tensor; T: number } {
  if (start !== undefined && positions === undefined) {
    requireStarts("rope", start, B);
    return { start, T: seqLen };
  }
  if (positions !== undefined && start === undefined) {
    requireShape("rope", positions, [B, seqLen]);
    return { start: positions, T: 1 };
  }
  const got = start === undefined ? "neither start nor positions" : `${start} as start and ${positions} as positions`;
  throw new TypeError(`Cannot apply rope: got ${got}, must be one of the two`);
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
