import { assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { addEmbedding } from "../../lib/ops/add_embedding.ts";
import { type OpCase, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { dotTolerance, roundings } from "../harness/tolerance.ts";

function randomEmbedding([N, V, D]: readonly [N: number, V: number, D: number]): OpCase {
  const random = new Random(N + 1000 * V + 1000003 * D);
  return {
    label: `addEmbedding of ${N} ids, weight (${V}, ${D})`,
    inputs: {
      x: { shape: [N, D], data: random.normal(N * D) },
      ids: { shape: [N], data: random.integers(N, V) },
      weight: { shape: [V, D], data: random.normal(V * D) },
    },
    build: (graph, { x, ids, weight }) => addEmbedding(graph, x, ids, weight),
  };
}

testOp<readonly [N: number, V: number, D: number]>({
  name: "addEmbedding",
  makeCase: randomEmbedding,
  // One addition; dX is a copy; a row's gradient is a sum over the places where its id stands.
  tolerances: (op) => {
    const { x, ids, weight } = op.inputs;
    const counts = new Uint32Array(weight.shape[0]);
    for (const id of ids.data) counts[id]++;
    const sum = dotTolerance(Math.max(...counts), upstreamOf(op, x.data.length), Float32Array.of(1));
    return { y: roundings(1), d_x: roundings(1), d_weight: sum };
  },
  differentiate: [[1, 1, 1], [7, 3, 2]],
  // Ids that repeat often, and never. The last two have more than 65,535 ids and rows of the weight.
  compare: [
    [1, 1, 1],
    [5, 1, 3],
    [1, 7, 4],
    [13, 3, 5],
    [31, 64, 8],
    [65, 63, 9],
    [127, 129, 33],
    [33, 9, 68],
    [3, 2, 257],
    [66_047, 4099, 1],
    [11, 65_539, 3],
  ],
  accumulate: [[13, 5, 7], [129, 65, 32]],
  repeat: [257, 31, 65],
});

Deno.test("addEmbedding refuses rows of another width or number, naming all three", () => {
  const graph = new Graph();
  const ids = graph.input("ids", [2, 3], { dtype: "u32" });
  const weight = graph.input("weight", [7, 4]);
  for (const shape of [[2, 3, 5], [3, 2, 4], [6, 4]]) {
    const error = assertThrows(() => addEmbedding(graph, graph.input("x", shape), ids, weight), RangeError);
    for (const part of [`x (${shape.join(", ")})`, "ids (2, 3)", "weight (7, 4)", "must be (…, width), (…) and"]) {
      if (!error.message.includes(part)) throw new Error(`${part} is not in: ${error.message}`);
    }
  }
});
