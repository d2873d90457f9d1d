import { attention } from "../../lib/ops/attention.ts";
import { attentionErrors, probabilityError } from "./attention_case.ts";
import type { Trace } from "./graph_run.ts";
import type { OpCase, OpInput, Tolerances } from "./op_case.ts";
import { Random } from "./random.ts";
import { largest } from "./tolerance.ts";

/** Batch, sequence, heads, heads of keys, head size, and keys that a query sees. */
export type GroupedSizes = readonly [
  B: number,
  T: number,
  H: number,
  keyHeads: number,
  headDim: number,
  window: number,
];

/** Attention with shared keys and a window on given inputs. */
export function groupedAttentionOf(
  [q, k, v]: readonly OpInput[],
  numHeads: number,
  numKeyValueHeads: number,
  slidingWindow: number,
): OpCase {
  return {
    label: `attention (${q.shape}), ${numHeads} heads, ${numKeyValueHeads} of keys, window ${slidingWindow}`,
    inputs: { q, k, v, start: { shape: [1], data: Uint32Array.of(0) } },
    build: (graph, { q, k, v, start }) =>
      attention(graph, q, k, v, numHeads, start, { numKeyValueHeads, slidingWindow }),
    // A single position attends to itself alone, whatever its query and key are.
    cancels: q.shape[1] === 1 || slidingWindow === 1,
  };
}

/** The same on seeded random inputs. */
export function randomGroupedAttention([B, T, H, keyHeads, headDim, window]: GroupedSizes): OpCase {
  const random = new Random(B + 10 * T + 1000 * H + 100003 * headDim + 7 * keyHeads + 31 * window);
  const input = (heads: number) => {
    return { shape: [B, T, heads * headDim], data: random.normal(B * T * heads * headDim) };
  };
  return groupedAttentionOf([input(H), input(keyHeads), input(keyHeads)], H, keyHeads, window);
}

/** A key's weights sum to about 1 + ln T over the queries of a head, and more heads add theirs. */
export function groupedAttentionTolerances(op: OpCase): Tolerances {
  const [, T, D] = op.inputs.q.shape;
  const [H, keyHeads] = [/(\d+) heads/, /(\d+) of keys/].map((pattern) => Number(pattern.exec(op.label)![1]));
  return attentionErrors(op, { headDim: D / H, keys: T, queries: (1 + Math.log(T)) * H / keyHeads });
}

const HUGE = 2 ** 60;

/** Forward only, T queries from `start` on over a cache of S keys: those that no query sees are huge. */
export function cachedGroupedAttention([B, T, H, keyHeads, headDim, window]: GroupedSizes, S: number, start: number) {
  const random = new Random(B + T + S + window);
  const q = random.normal(B * T * H * headDim);
  const width = keyHeads * headDim;
  const [k, v] = [0, 1].map(() => {
    const rows = random.normal(B * S * width);
    for (let b = 0; b < B; b++) {
      rows.fill(HUGE, (b * S + start + T) * width, (b + 1) * S * width);
      rows.fill(HUGE, b * S * width, (b * S + Math.max(0, start + 1 - window)) * width);
    }
    return rows;
  });
  const build = (trace: Trace) => ({
    y: attention(
      trace.graph,
      trace.input("q", [B, T, H * headDim], q),
      trace.input("k", [B, S, width], k),
      trace.input("v", [B, S, width], v),
      H,
      trace.input("start", [1], Uint32Array.of(start)),
      { numKeyValueHeads: keyHeads, slidingWindow: window },
    ),
  });
  const seen = (x: Float32Array) => x.filter((value) => value !== HUGE);
  const tolerance = probabilityError(q, seen(k), headDim, start + T) * largest(seen(v));
  return { build, tolerance };
}
