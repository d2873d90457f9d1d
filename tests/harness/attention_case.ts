import { attention } from "../../lib/ops/attention.ts";
import { UNIT_ROUNDOFF } from "./assert_close.ts";
import type { Trace } from "./graph_run.ts";
import { type OpCase, type OpInput, type Tolerances, upstreamOf } from "./op_case.ts";
import { Random } from "./random.ts";
import { dotTolerance, largest, rms } from "./tolerance.ts";

/** Attention on given inputs. */
export function attentionOf(q: OpInput, k: OpInput, v: OpInput, numHeads: number): OpCase {
  return {
    label: `attention (${q.shape}), ${numHeads} heads`,
    inputs: { q, k, v, start: { shape: [1], data: Uint32Array.of(0) } },
    build: (graph, { q, k, v, start }) => attention(graph, q, k, v, numHeads, start),
    // A single position attends to itself alone, whatever its query and key are.
    cancels: q.shape[1] === 1,
  };
}

/** Attention on seeded random inputs. */
export function randomAttention([B, T, H, headDim]: readonly number[]): OpCase {
  const random = new Random(B + 10 * T + 1000 * H + 100003 * headDim);
  const input = () => ({ shape: [B, T, H * headDim], data: random.normal(B * T * H * headDim) });
  return attentionOf(input(), input(), input(), H);
}

/** Relative error of a probability: that of its score, a dot product, and softmax's own (see softmax_test.ts). */
export function probabilityError(q: ArrayLike<number>, k: ArrayLike<number>, headDim: number, keys: number): number {
  const score = dotTolerance(headDim, q, k).absolute! / Math.sqrt(headDim);
  return score + (10 + Math.sqrt(keys)) * UNIT_ROUNDOFF;
}

/** What attention's errors depend on. */
interface AttentionSizes {
  readonly headDim: number;
  /** Keys that a query sees at most. */
  readonly keys: number;
  /** What a key's weights may sum to over all queries. */
  readonly queries: number;
}

/**
 * y is a mean of v with weights p that sum to 1. A score's gradient is p (dY·v − delta), off by the error of p times
 * dY·v, and by that of the dot product; dQ weighs k with them. dK and dV sum over queries instead, whose weights for
 * one key need not sum to 1.
 */
export function attentionErrors(op: OpCase, { headDim, keys, queries }: AttentionSizes): Tolerances {
  const { q, k, v } = op.inputs;
  const valueDim = v.shape.at(-1)! * headDim / k.shape.at(-1)!;
  const dY = upstreamOf(op, q.data.length * valueDim / headDim);
  const error = probabilityError(q.data, k.data, headDim, keys);
  const dP = Math.sqrt(valueDim) * rms(dY) * rms(v.data);
  const scoreGradient = (error * dP + dotTolerance(valueDim, dY, v.data).absolute!) / Math.sqrt(headDim);
  return {
    y: { absolute: error * largest(v.data) },
    d_q: { absolute: scoreGradient * largest(k.data) },
    d_k: { absolute: queries * scoreGradient * largest(q.data) },
    d_v: { absolute: queries * error * largest(dY) },
  };
}

/** For causal attention: the first key's weights sum to about 1 + ln T for random scores. */
export function attentionTolerances(op: OpCase): Tolerances {
  const [, T, D] = op.inputs.q.shape;
  const numHeads = Number(/(\d+) heads/.exec(op.label)![1]);
  return attentionErrors(op, { headDim: D / numHeads, keys: T, queries: 1 + Math.log(T) });
}

const HUGE = 2 ** 60;

/**
 * Forward only, T queries from `start` on over a cache of S keys. Those after the last query are huge, so that any
 * weight but 0 shows; but finite, as what a cache holds is.
 */
export function cachedAttention(B: number, T: number, S: number, H: number, headDim: number, start: number) {
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
