// q, y, dY, dQ: (B, T, H, headDim); k, v, dK, dV: (B, S, keyHeads, headDim), S = T in the backward pass; lse: (B, H, T).
import type { Named, Numbers } from "./kernel.ts";

/** A query of a head, and where it and the keys that it sees begin. */
interface Query {
  readonly row: number;
  readonly at: number;
  readonly keys: readonly number[];
}

/** Every query: it sees the `window` keys up to its own position, of the head of keys that its head belongs to. */
function* queriesOf({ B, T, S, H, keyHeads, headDim, window }: Named<number>, start: number): Generator<Query> {
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const keyHead = Math.floor(h / (H / keyHeads));
      for (let t = 0; t < T; t++) {
        const keys: number[] = [];
        for (let j = 0; j < S; j++) {
          const back = start + t - j;
          if (back >= 0 && back < window) keys.push(((b * S + j) * keyHeads + keyHead) * headDim);
        }
        yield { row: (b * H + h) * T + t, at: ((b * T + t) * H + h) * headDim, keys };
      }
    }
  }
}

/** All scores first, then their softmax, then the sum. */
export function groupedAttentionForward({ q, k, v, start }: Named<Numbers>, sizes: Named<number>) {
  const { B, T, H, headDim } = sizes;
  const y = new Float64Array(B * T * H * headDim);
  const lse = new Float64Array(B * H * T);
  for (const { row, at, keys } of queriesOf(sizes, start[0])) {
    const scores = keys.map((key) => dot(q, at, k, key, headDim) / Math.sqrt(headDim));
    const max = Math.max(...scores);
    const sum = scores.reduce((total, score) => total + Math.exp(score - max), 0);
    lse[row] = max + Math.log(sum);
    keys.forEach((key, j) => {
      for (let i = 0; i < headDim; i++) y[at + i] += Math.exp(scores[j] - max) / sum * v[key + i];
    });
  }
  return { y, lse };
}

/** Each sequence by itself, with its own start. */
export function laneAttentionForward({ q, k, v, start }: Named<Numbers>, sizes: Named<number>) {
  const { B, S, H, keyHeads, headDim } = sizes;
  const each = Array.from({ length: B }, (_, b) => {
    const of = (x: Numbers, width: number) => Float64Array.from(x).slice(b * width, (b + 1) * width);
    const keys = S * keyHeads * headDim;
    const inputs = { q: of(q, H * headDim), k: of(k, keys), v: of(v, keys), start: of(start, 1) };
    return groupedAttentionForward(inputs, { ...sizes, B: 1 });
  });
  return {
    y: Float64Array.from(each.flatMap(({ y }) => [...y])),
    lse: Float64Array.from(each.flatMap(({ lse }) => [...lse])),
  };
}

/** With ds = p (dY·v − dY·y): dQ = scale · Σ ds k, dK = scale · Σ ds q, dV = Σ p dY, each over whatever meets. */
export function groupedAttentionBackward({ q, k, v, y, lse, dY }: Named<Numbers>, sizes: Named<number>) {
  const { B, T, H, keyHeads, headDim } = sizes;
  const dQ = new Float64Array(B * T * H * headDim);
  const [dK, dV] = [0, 1].map(() => new Float64Array(B * T * keyHeads * headDim));
  const scale = 1 / Math.sqrt(headDim);
  for (const { row, at, keys } of queriesOf({ ...sizes, S: T }, 0)) {
    for (const key of keys) {
      const p = Math.exp(scale * dot(q, at, k, key, headDim) - lse[row]);
      const dScore = p * (dot(dY, at, v, key, headDim) - dot(dY, at, y, at, headDim));
      for (let i = 0; i < headDim; i++) {
        dQ[at + i] += scale * dScore * k[key + i];
        dK[key + i] += scale * dScore * q[at + i];
        dV[key + i] += p * dY[at + i];
      }
    }
  }
  return { dQ, dK, dV };
}

function dot(a: Numbers, aOffset: number, b: Numbers, bOffset: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[aOffset + i] * b[bOffset + i];
  return sum;
}
