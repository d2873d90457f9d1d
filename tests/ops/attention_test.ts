import { assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { attention } from "../../lib/ops/attention.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice, reference } from "../harness/backends.ts";
import { headsLast, loadFixture } from "../harness/fixtures.ts";
import { runGraph, type Trace } from "../harness/graph_run.ts";
import { type OpCase, type OpInput, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { dotTolerance, largest, rms } from "../harness/tolerance.ts";

function attentionOf(q: OpInput, k: OpInput, v: OpInput, numHeads: number): OpCase {
  return {
    label: `attention (${q.shape}), ${numHeads} heads`,
    inputs: { q, k, v, start: { shape: [1], data: Uint32Array.of(0) } },
    build: (graph, { q, k, v, start }) => attention(graph, q, k, v, numHeads, start),
    // A single position attends to itself alone, whatever its query and key are.
    cancels: q.shape[1] === 1,
  };
}

/** Relative error of a probability: that of its score, a dot product, and softmax's own (see softmax_test.ts). */
function probabilityError(q: ArrayLike<number>, k: ArrayLike<number>, headDim: number, keys: number): number {
  const score = dotTolerance(headDim, q, k).absolute! / Math.sqrt(headDim);
  return score + (10 + Math.sqrt(keys)) * UNIT_ROUNDOFF;
}

/**
 * y is a mean of v with weights p that sum to 1. A score's gradient is p (dY·v − delta), off by the error of p times
 * dY·v, and by that of the dot product; dQ weighs k with them. dK and dV sum over queries instead, whose weights for
 * one key need not sum to 1: the first key's sum to about 1 + ln T for random scores.
 */
function tolerances(op: OpCase) {
  const { q, k, v } = op.inputs;
  const numHeads = Number(/(\d+) heads/.exec(op.label)![1]);
  const headDim = q.shape[2] / numHeads;
  const T = q.shape[1];
  const dY = upstreamOf(op, q.data.length);
  const error = probabilityError(q.data, k.data, headDim, T);
  const dP = Math.sqrt(headDim) * rms(dY) * rms(v.data);
  const scoreGradient = (error * dP + dotTolerance(headDim, dY, v.data).absolute!) / Math.sqrt(headDim);
  const queries = 1 + Math.log(T);
  return {
    y: { absolute: error * largest(v.data) },
    d_q: { absolute: scoreGradient * largest(k.data) },
    d_k: { absolute: queries * scoreGradient * largest(q.data) },
    d_v: { absolute: queries * error * largest(dY) },
  };
}

testOp({
  name: "attention",
  makeCase: ([B, T, H, headDim]) => {
    const random = new Random(B + 10 * T + 1000 * H + 100003 * headDim);
    const input = () => ({ shape: [B, T, H * headDim], data: random.normal(B * T * H * headDim) });
    return attentionOf(input(), input(), input(), H);
  },
  tolerances,
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

const HUGE = 2 ** 60;

/**
 * Forward only, T queries from `start` on over a cache of S keys. Those after the last query are huge, so that any
 * weight but 0 shows; but finite, as what a cache holds is.
 */
function cached(B: number, T: number, S: number, H: number, headDim: number, start: number) {
  const random = new Random(B + T + S);
  const D = H * headDim;
  const q = random.normal(B * T * D);
  const [k, v] = [0, 1].map(() => {
    const rows = random.normal(B * S * D);
    for (let b = 0; b < B; b++) rows.fill(HUGE, (b * S + start + T) * D, (b + 1) * S * D);
    return rows;
  });
  const build = (trace: Trace) => ({
    y: attention(
      trace.graph,
      trace.input("q", [B, T, D], q),
      trace.input("k", [B, S, D], k),
      trace.input("v", [B, S, D], v),
      H,
      trace.input("start", [1], Uint32Array.of(start)),
    ),
  });
  const seen = (x: Float32Array) => x.filter((value) => value !== HUGE);
  const tolerance = probabilityError(q, seen(k), headDim, start + T) * largest(seen(v));
  return { build, tolerance };
}

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
    const { build, tolerance } = cached(B, T, S, H, headDim, start);
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
