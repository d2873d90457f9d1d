import { assertEquals } from "@std/assert";
import { embedding } from "../../lib/ops/embedding.ts";
import { selectRows } from "../../lib/ops/select_rows.ts";
import { forEachBackend } from "../harness/backends.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { runGraph } from "../harness/graph_run.ts";
import { type OpCase, type OpInput, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { dotTolerance } from "../harness/tolerance.ts";

function embeddingOf(ids: OpInput, weight: OpInput): OpCase {
  return {
    label: `embedding of ${ids.data.length} ids, weight (${weight.shape})`,
    inputs: { ids, weight },
    build: (graph, { ids, weight }) => embedding(graph, ids, weight),
  };
}

testOp({
  name: "embedding",
  makeCase: ([N, V, D]) => {
    const random = new Random(N + 1000 * V + 1000003 * D);
    return embeddingOf(
      { shape: [N], data: random.integers(N, V) },
      { shape: [V, D], data: random.normal(V * D) },
    );
  },
  // Looking up is exact; a row's gradient is a sum over the places where its id stands.
  tolerances: (op) => {
    const { ids, weight } = op.inputs;
    const counts = new Uint32Array(weight.shape[0]);
    for (const id of ids.data) counts[id]++;
    const dY = upstreamOf(op, ids.data.length * weight.shape[1]);
    return { y: {}, d_weight: dotTolerance(Math.max(...counts), dY, Float32Array.of(1)) };
  },
  fixture: () => {
    const { floats, integers, shape } = loadFixture("embedding");
    return {
      op: {
        ...embeddingOf(
          { shape: shape("ids"), data: integers("ids") },
          { shape: shape("weight"), data: floats("weight") },
        ),
        dY: floats("dy"),
      },
      expected: { y: floats("y"), d_weight: floats("d_weight") },
    };
  },
  differentiate: [[1, 1, 1], [7, 3, 2]],
  // Ids that repeat often, and never; rows that no id names must get a gradient of zero. The last two have more than
  // 65,535 ids and rows of the weight.
  compare: [
    [1, 1, 1],
    [5, 1, 3],
    [1, 7, 4],
    [13, 3, 5],
    [31, 64, 8],
    [65, 63, 9],
    [127, 129, 33],
    [257, 5, 65],
    [33, 9, 68],
    [5, 7, 1028],
    [3, 2, 257],
    [66_047, 4099, 1],
    [11, 65_539, 3],
  ],
  accumulate: [[13, 5, 7], [129, 65, 33]],
  repeat: [257, 31, 65],
});

forEachBackend("selectRows picks rows", async (backend) => {
  const x = new Random(1).normal(7 * 5);
  const indices = [6, 0, 3, 6];
  const { y } = await runGraph(backend, (trace) => ({
    y: selectRows(trace.graph, trace.input("x", [7, 5], x), trace.input("i", [4], Uint32Array.from(indices))),
  }));
  assertEquals([...y], indices.flatMap((row) => [...x.subarray(row * 5, row * 5 + 5)]));
});
