import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";
import { requireBelow, requireShape, requireStarts } from "./shapes.ts";

/**
 * out[b, start[b] + t] = x[b, t], those beyond S dropped; one start is that of all b. x: (B, T, W), out: (B, S, W),
 * start: (starts) u32, starts 1 or B.
 */
export const writeRowsKernel = defineKernel({
  name: "write_rows",
  inputs: ["x", "start"],
  outputs: ["out"],
  integers: ["start"],
  constants: { B: "u32", T: "u32", S: "u32", W: "u32", starts: "u32" },
  writes: { out: "partly overwritten" },
  halves: ["x"],
  sizes: ({ B, T, S, W, starts }) => ({ x: B * T * W, start: starts, out: B * S * W }),
  touched: ({ B, T, W }) => ({ out: B * T * W }),
  below: ({ T, S }) => ({ start: S - T + 1 }),
  flops: () => otherFlops(0),
  tries: [
    { constants: { B: 2, T: 5, S: 9, W: 20, starts: 1 }, inputs: { start: [3] } },
    { constants: { B: 2, T: 37, S: 50, W: 61, starts: 1 }, inputs: { start: [9] } },
    { constants: { B: 5, T: 3, S: 9, W: 7, starts: 5 }, inputs: { start: [6, 0, 3, 3, 1] } },
  ],
});

/**
 * Writes rows into a longer array at a position known only when the program runs: new keys and values into a KV cache,
 * a step's loss into a log that is read back now and then. No gradient flows through it.
 *
 * @param x (B, T, W)
 * @param start (1) of type u32: the row that the first goes to, at most S − T; or (B), one for each b.
 * @param out (B, S, W)
 * @throws {RangeError} If shapes disagree.
 * @throws {TypeError} If `start` is not of type u32, or another is.
 */
export function writeRows(graph: Graph, x: Tensor, start: Tensor, out: Tensor): void {
  const [B, T, W] = x.shape;
  const S = out.shape[1];
  if (x.shape.length !== 3 || out.shape.length !== 3 || out.shape[0] !== B || out.shape[2] !== W || S < T) {
    throw new RangeError(`Cannot write rows: got ${x} and ${out}, must be (B, T, W) and (B, S ≥ T, W)`);
  }
  requireStarts("writeRows", start, B);
  requireBelow("writeRows", start, S - T + 1);
  graph.call(writeRowsKernel, {
    inputs: { x, start },
    outputs: { out },
    constants: { B, T, S, W, starts: start.size },
  });
}

/**
 * Writes all of `x` into row `row[0]` of a log, so that many steps' values can be read back together.
 *
 * @param x Any shape, W elements.
 * @param row (1) of type u32.
 * @param log (rows, W)
 * @throws {RangeError} If shapes disagree.
 * @throws {TypeError} If `row` is not of type u32, or another is.
 */
export function logRow(graph: Graph, x: Tensor, row: Tensor, log: Tensor): void {
  const [S, W] = log.shape;
  if (log.shape.length !== 2 || W !== x.size) {
    throw new RangeError(`Cannot log ${x}: got ${log}, must be (rows, ${x.size})`);
  }
  requireShape("logRow", row, [1]);
  requireBelow("logRow", row, S);
  graph.call(writeRowsKernel, {
    inputs: { x, start: row },
    outputs: { out: log },
    constants: { B: 1, T: 1, S, W, starts: 1 },
  });
}
