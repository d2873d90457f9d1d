import { assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { attention } from "../../lib/ops/attention.ts";
import {
  attentionOf,
  attentionTolerances,
  cachedAttention,
  probabilityError,
  randomAttention,
} from "../harness/attention_case.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachDevice, reference } from "../harness/backends.ts";
import { headsLast, loadFixture } from "../harness/fixtures.ts";
import { runGraph, type Trace } from "../harness/graph_run.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { largest } from "../harness/tolerance.ts";

testOp({
  name: "attention",
  makeCase: randomAttention,
  tolerances: attentionTolerances,
  fixture: () => {
    const { floats, shape } = loadFixture("attention_causal");
    const [B, H, T, headDim] = shape("q");
    const heads = (name: string) => headsLast(floats(name), [B, H, T, headDim]);
    const input = (name: string) => ({ shape: [B, T, H * headDim], data: heads(name) });
    return {
      op: { ...attentionOf(input("q"), input("k"), input("v"), H), dY: heads("dy") },
      expected: { y: heads("y"), d_q: heads("d_q"), d_k: heads("d_k"), d_v: heads("d_v") },
    };
  },
  differentiate: [[1, 1, 1, 1], [2, 3, 1, 2], [1, 5, 2, 3]],
  compare: [
    [1, 1, 1, 1],
    [1, 2, 1, 2],
    [2, 3, 1, 3],
    [1, 5, 3, 4],
    [3, 7, 2, 5],
    [1, 8, 1, 8],
    [2, 9, 2, 6],
    [1, 15, 1, 16],
    [1, 17, 2, 12],
    [1, 31, 1, 32],
    [2, 33, 1, 10],
    [1, 63, 2, 8],
    [1, 64, 1, 64],
    [1, 65, 1, 31],
    [1, 129, 1, 16],
    [1, 33, 1, 128],
    [1, 73, 1, 6],
    [1, 257, 1, 5],
    [1, 263, 1, 16],
    [1, 11, 1, 260],
    [131, 2, 2, 2],
  ],
  accumulate: [[2, 7, 3, 4], [1, 33, 2, 16]],
  repeat: [2, 65, 2, 16],
});

forEachDevice("attention over a KV cache sees the keys up to each query's position and no others", async (backend) => {
  const sizes = [
    [1, 1, 1, 1, 2, 0],
    [1, 1, 9, 2, 4, 0],
    [2, 1, 9, 2, 4, 8],
    [1, 1, 65, 3, 8, 63],
    [2, 3, 8, 2, 6, 4],
    [1, 7, 130, 1, 16, 100],
    // One query: keys are split over workgroups, 64 to each.
    [3, 1, 31, 2, 5, 30],
    [2, 1, 63, 1, 16, 62],
    [2, 1, 64, 2, 16, 63],
    [1, 1, 67, 2, 3, 66],
    [1, 1, 64, 1, 64, 30],
    [2, 1, 129, 3, 64, 64],
    [2, 1, 129, 1, 10, 127],
    [1, 1, 2048, 2, 32, 2047],
    [2, 1, 2111, 1, 8, 2109],
    [1, 1, 4200, 2, 4, 4100],
    [1, 1, 70, 1, 260, 69],
    [1, 33, 100, 2, 8, 31],
  ] as const;
  for (const [B, T, S, H, headDim, start] of sizes) {
    const { build, tolerance } = cachedAttention(B, T, S, H, headDim, start);
    const expected = await runGraph(await reference(), build);
    const actual = await runGraph(backend, build);
    assertClose(actual.y, expected.y, { absolute: tolerance }, `attention ${[B, T, S, H, headDim]} from ${start}`);
  }
});

forEachDevice("attention takes scores that no exponential could", async (backend) => {
  const random = new Random(3);
  const [T, D] = [9, 4];
  const [q, k] = [random.normal(T * D, 10), random.normal(T * D, 10)];
  const v = random.normal(T * D);
  const build = (trace: Trace) => {
    const [qT, kT, vT] = [q, k, v].map((data, i) => trace.input("qkv"[i], [1, T, D], data));
    return { y: attention(trace.graph, qT, kT, vT, 1, trace.input("start", [1], Uint32Array.of(0))) };
  };
  const expected = await runGraph(await reference(), build);
  const actual = await runGraph(backend, build);
  assertClose(actual.y, expected.y, { absolute: probabilityError(q, k, D, T) * largest(v) });
});

Deno.test("attention refuses shapes that do not fit", () => {
  const graph = new Graph();
  const [q, start] = [graph.input("q", [1, 4, 6]), graph.input("start", [1], { dtype: "u32" })];
  const keys = (T: number, D = 6) => new Tensor("k", [1, T, D]);
  const cases: [Tensor, Tensor, number, string][] = [
    [keys(4), keys(4), 4, "4 heads"],
    [keys(4, 5), keys(4), 2, "k (1, 4, 5), must have shape (1, 4, 6)"],
    [keys(5), keys(4), 2, "same shape"],
    [keys(3), keys(3), 2, "4 queries and 3 keys"],
  ];
  for (const [k, v, heads, message] of cases) {
    assertThrows(() => attention(graph, q, k, v, heads, start), RangeError, message);
  }
});
