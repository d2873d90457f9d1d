import { addPositions } from "../../lib/ops/add_positions.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachDevice, reference } from "../harness/backends.ts";
import { runGraph, type Trace } from "../harness/graph_run.ts";
import { type OpCase, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { dotTolerance, roundings } from "../harness/tolerance.ts";

/** Batch, sequence, positions, width, and the first position. */
type Sizes = readonly [B: number, T: number, S: number, D: number, start: number];

function randomPositions([B, T, S, D, start]: Sizes): OpCase {
  const random = new Random(B + 10 * T + 100 * S + 10007 * D + start);
  return {
    label: `addPositions (${B}, ${T}, ${D}) of ${S} from ${start}`,
    inputs: {
      x: { shape: [B, T, D], data: random.normal(B * T * D) },
      table: { shape: [S, D], data: random.normal(S * D) },
      start: { shape: [1], data: Uint32Array.of(start) },
    },
    build: (graph, { x, table, start }) => addPositions(graph, x, table, start),
  };
}

testOp<Sizes>({
  name: "addPositions",
  makeCase: randomPositions,
  // One addition; dX is a copy; the table's gradient is a sum over the batch.
  tolerances: (op) => {
    const { x } = op.inputs;
    const [B] = x.shape;
    const sum = dotTolerance(B, upstreamOf(op, x.data.length), Float64Array.of(1));
    return { y: roundings(1), d_x: roundings(1), d_table: sum };
  },
  differentiate: [[1, 1, 1, 1, 0], [3, 4, 4, 2, 0], [2, 3, 7, 3, 2]],
  compare: [
    [1, 1, 1, 1, 0],
    [2, 3, 5, 1, 2],
    [1, 1, 9, 2, 8],
    [3, 7, 7, 3, 0],
    [2, 5, 11, 4, 6],
    [1, 31, 33, 5, 1],
    [4, 16, 20, 8, 3],
    [2, 65, 129, 7, 64],
    [131, 2, 3, 12, 1],
    [3, 17, 17, 257, 0],
  ],
  accumulate: [[2, 5, 9, 7, 3], [3, 16, 16, 8, 0]],
  repeat: [5, 33, 40, 65, 6],
});

forEachDevice("rows that would lie beyond the positions are taken for the last ones", async (backend) => {
  const random = new Random(3);
  const [x, table] = [random.normal(2 * 3 * 4), random.normal(5 * 4)];
  const from = (start: number) => (trace: Trace) => ({
    y: addPositions(
      trace.graph,
      trace.input("x", [2, 3, 4], x),
      trace.input("table", [5, 4], table),
      trace.input("start", [1], Uint32Array.of(start)),
    ),
  });
  const expected = await runGraph(await reference(), from(2));
  assertClose((await runGraph(backend, from(2))).y, expected.y, roundings(1), "the last rows");
});
