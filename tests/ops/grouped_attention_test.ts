import { assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { attention } from "../../lib/ops/attention.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachBackend, forEachDevice, forHardwareKernels, reference } from "../harness/backends.ts";
import { headsLast, loadFixture } from "../harness/fixtures.ts";
import { runGraph } from "../harness/graph_run.ts";
import {
  cachedGroupedAttention,
  groupedAttentionOf,
  groupedAttentionTolerances,
  type GroupedSizes,
  randomGroupedAttention,
} from "../harness/grouped_attention_case.ts";
import { assertResults, runOp } from "../harness/op_case.ts";
import { testOp } from "../harness/test_op.ts";

/** Six heads of queries and two of keys, as PyTorch has them. */
function fixtureOf(suffix: "_all" | "_window", window: number) {
  const { floats, shape } = loadFixture("grouped_attention");
  const input = (name: string) => {
    const [B, H, T, headDim] = shape(name);
    return { shape: [B, T, H * headDim], data: headsLast(floats(name), [B, H, T, headDim]) };
  };
  const [H, keyHeads] = [shape("q")[1], shape("k")[1]];
  const op = groupedAttentionOf(["q", "k", "v"].map(input), H, keyHeads, window);
  const expected = { y: input(`y${suffix}`).data, ...gradients((name) => input(`${name}${suffix}`).data) };
  return { op: { ...op, dY: input(`dy${suffix}`).data }, expected };
}

function gradients(read: (name: string) => Float32Array) {
  return { d_q: read("d_q"), d_k: read("d_k"), d_v: read("d_v") };
}

forEachBackend("attention with shared keys and no window equals PyTorch", async (backend) => {
  const { op, expected } = fixtureOf("_all", 19);
  assertResults(await runOp(backend, op), expected, groupedAttentionTolerances(op), op.label);
});

testOp<GroupedSizes>({
  name: "attention with shared keys and a window",
  makeCase: randomGroupedAttention,
  tolerances: groupedAttentionTolerances,
  fixture: () => fixtureOf("_window", 5),
  differentiate: [[1, 3, 2, 1, 2, 3], [2, 5, 4, 2, 3, 2], [1, 6, 3, 3, 2, 4], [1, 4, 2, 1, 2, 1]],
  compare: [
    [1, 1, 2, 1, 1, 1],
    [1, 2, 3, 1, 2, 2],
    [2, 3, 4, 2, 2, 1],
    [1, 5, 3, 3, 4, 2],
    [3, 7, 6, 2, 6, 7],
    [1, 9, 2, 1, 8, 3],
    [1, 31, 2, 1, 16, 31],
    [2, 33, 4, 2, 6, 8],
    [1, 63, 2, 2, 8, 31],
    [1, 64, 3, 1, 64, 32],
    [1, 65, 2, 1, 8, 33],
    [1, 73, 4, 1, 6, 73],
    [1, 97, 2, 2, 16, 64],
    [1, 129, 4, 2, 16, 65],
    [1, 145, 2, 1, 4, 5],
    // More keys than are packed at once, with windows within one group of them, over two, and over all.
    [1, 263, 2, 1, 16, 7],
    [1, 300, 2, 1, 8, 255],
    [1, 521, 2, 1, 4, 258],
    [1, 521, 2, 1, 4, 521],
    [1, 11, 2, 1, 132, 6],
    [131, 2, 2, 1, 2, 1],
  ],
  accumulate: [[2, 7, 4, 2, 4, 3], [2, 73, 4, 2, 4, 73], [1, 33, 2, 1, 16, 20], [1, 300, 2, 1, 4, 40]],
  repeat: [2, 65, 4, 2, 16, 40],
  hasHardwareKernels: true,
});

for (const forEach of [forEachDevice, forHardwareKernels]) {
  forEach(
    "attention with shared keys over a cache sees the keys in each query's window and no others",
    async (backend) => {
      const sizes: [GroupedSizes, S: number, start: number][] = [
        [[1, 1, 2, 1, 2, 1], 1, 0],
        [[1, 1, 2, 2, 4, 3], 9, 0],
        [[2, 1, 4, 2, 4, 3], 9, 8],
        [[1, 1, 3, 1, 8, 64], 65, 63],
        [[1, 1, 3, 1, 8, 63], 65, 64],
        [[2, 3, 4, 2, 6, 4], 8, 4],
        [[1, 7, 2, 1, 16, 20], 130, 100],
        // One query: keys are split over workgroups, 64 to each.
        [[2, 1, 4, 1, 64, 64], 129, 64],
        [[2, 1, 2, 1, 6, 129], 129, 127],
        [[1, 1, 4, 2, 16, 1], 2048, 2047],
        [[1, 1, 4, 2, 16, 1000], 2048, 2047],
        [[1, 33, 4, 2, 8, 17], 100, 31],
        [[1, 270, 2, 1, 8, 20], 600, 310],
      ];
      for (const [grouped, S, start] of sizes) {
        const { build, tolerance } = cachedGroupedAttention(grouped, S, start);
        const expected = await runGraph(await reference(), build);
        const actual = await runGraph(backend, build);
        assertClose(actual.y, expected.y, { absolute: tolerance }, `attention ${grouped}, ${S} keys from ${start}`);
      }
    },
  );
}

Deno.test("attention refuses keys that cannot be shared, and a window without any", () => {
  const graph = new Graph();
  const [q, start] = [graph.input("q", [1, 4, 12]), graph.input("start", [1], { dtype: "u32" })];
  const keys = (D: number) => new Tensor("k", [1, 4, D]);
  const apply = (k: Tensor, options: Parameters<typeof attention>[6]) => () =>
    attention(graph, q, k, k, 4, start, options);
  for (const numKeyValueHeads of [3, 0, 8, 1.5, NaN]) {
    assertThrows(apply(keys(6), { numKeyValueHeads }), RangeError, `got ${numKeyValueHeads} heads of keys for 4 heads`);
  }
  assertThrows(apply(keys(12), { numKeyValueHeads: 2 }), RangeError, "k (1, 4, 12), must have shape (1, 4, 6)");
  for (const slidingWindow of [0, -1, 2.5, NaN]) {
    assertThrows(apply(keys(12), { slidingWindow }), RangeError, `got a window of ${slidingWindow} keys`);
  }
});
