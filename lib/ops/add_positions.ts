import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import { requireBelow, requireShape } from "./shapes.ts";

/** y[b,t] = x[b,t] + table[start[0] + t]. x, y: (B, T, D), table: (S, D), start: (1) u32, at most S − T. */
export const addPositionsForward = defineKernel({
  name: "add_positions_forward",
  inputs: ["x", "table", "start"],
  outputs: ["y"],
  integers: ["start"],
  constants: { B: "u32", T: "u32", S: "u32", D: "u32" },
  sizes: ({ B, T, S, D }) => ({ x: B * T * D, table: S * D, start: 1, y: B * T * D }),
  touched: ({ T, D }) => ({ table: T * D }),
  below: ({ T, S }) => ({ start: S - T + 1 }),
  flops: ({ B, T, D }) => otherFlops(B * T * D),
  tries: [
    { constants: { B: 3, T: 37, S: 50, D: 61 }, inputs: { start: [9] } },
    { constants: { B: 2, T: 40, S: 40, D: 64 } },
  ],
});

/** dTable[start[0] + t] (+)= Σ over b of dY[b,t]; the other rows have a gradient of 0. Shapes as in the forward kernel. */
export const addPositionsBackward = defineKernel({
  name: "add_positions_backward",
  inputs: ["dY", "start"],
  outputs: ["dTable"],
  integers: ["start"],
  constants: { B: "u32", T: "u32", S: "u32", D: "u32", accumulate: "u32" },
  writes: { dTable: { addedIf: "accumulate" } },
  sizes: ({ B, T, S, D }) => ({ dY: B * T * D, start: 1, dTable: S * D }),
  below: ({ T, S }) => ({ start: S - T + 1 }),
  flops: ({ B, T, D }) => otherFlops(B * T * D),
  tries: [
    { constants: { B: 3, T: 37, S: 50, D: 61, accumulate: 0 }, inputs: { start: [9] } },
    { constants: { B: 2, T: 40, S: 40, D: 64, accumulate: 1 } },
  ],
});

/**
 * Adds a learned vector to each position.
 *
 * @param x (batch, seqLen, dModel)
 * @param table (positions, dModel)
 * @param start (1) of type u32: the position of each sequence's first row, at most positions − seqLen; 0 in training.
 * @returns The shape of `x`.
 * @throws {RangeError} If shapes disagree, or there are fewer positions than rows.
 * @throws {TypeError} If `start` is not of type u32, or another is.
 *
 * Source: Gehring et al. 2017, arXiv:1705.03122.
 */
export function addPositions(graph: Graph, x: Tensor, table: Tensor, start: Tensor): Tensor {
  const [B, T, D] = x.shape;
  const [S] = table.shape;
  if (x.shape.length !== 3 || table.shape.length !== 2 || table.lastDim !== D || S < T) {
    throw new RangeError(
      `Cannot add positions: got ${x} and ${table}, must be (B, T, width) and (T or more positions, width)`,
    );
  }
  requireShape("addPositions", start, [1]);
  requireBelow("addPositions", start, S - T + 1);
  const y = new Tensor(`positions(${x.name})`, x.shape);
  graph.call(addPositionsForward, { inputs: { x, table, start }, outputs: { y }, constants: { B, T, S, D } });
  return graph.record({
    op: "addPositions",
    inputs: [x, table],
    output: y,
    backward: (dY, gradients) => {
      if (gradients.wants(table)) {
        const { target: dTable, accumulate } = gradients.into(table);
        graph.call(addPositionsBackward, {
          inputs: { dY, start },
          outputs: { dTable },
          constants: { B, T, S, D, accumulate },
        });
      }
      gradients.pass(x, dY);
    },
  });
}
