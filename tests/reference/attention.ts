// q, y, dY, dQ: (B, T, H, headDim); k, v, dK, dV: (B, S, H, headDim), S = T in the backward pass; lse: (B, H, T).
import type { Named, Numbers } from "./kernel.ts";

/** Softmax of scale · q·k over keys 0 … start + t, written out: all scores first, then their softmax, then the sum. */
export function attentionForward({ q, k, v, start }: Named<Numbers>, { B, T, S, H, headDim }: Named<number>) {
  const y = new Float64Array(B * T * H * headDim);
  const lse = new Float64Array(B * H * T);
  const scale = 1 / Math.sqrt(headDim);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      for (let t = 0; t < T; t++) {
        const query = ((b * T + t) * H + h) * headDim;
        const keyAt = (j: number) => ((b * S + j) * H + h) * headDim;
        const scores = new Float64Array(start[0] + t + 1);
        for (let j = 0; j < scores.length; j++) scores[j] = scale * dot(q, query, k, keyAt(j), headDim);
        const max = scores.reduce((a, c) => Math.max(a, c));
        let sum = 0;
        for (const score of scores) sum += Math.exp(score - max);
        lse[(b * H + h) * T + t] = max + Math.log(sum);
        for (let j = 0; j < scores.length; j++) {
          const probability = Math.exp(scores[j] - max) / sum;
          for (let i = 0; i < headDim; i++) y[query + i] += probability * v[keyAt(j) + i];
        }
      }
    }
  }
  return { y, lse };
}

/**
 * With ds[t,j] = p[t,j] (dY[t]·v[j] − dY[t]·y[t]): dQ[t] = scale · Σⱼ ds[t,j] k[j]; dK[j] = scale · Σₜ ds[t,j] q[t];
 * dV[j] = Σₜ p[t,j] dY[t]; all over j ≤ t.
 */
export function attentionBackward({ q, k, v, y, lse, dY }: Named<Numbers>, sizes: Named<number>) {
  const { B, T, H, headDim } = sizes;
  const [dQ, dK, dV] = [0, 1, 2].map(() => new Float64Array(B * T * H * headDim));
  const scale = 1 / Math.sqrt(headDim);
  forEachPair(sizes, (row, query, key) => {
    const p = Math.exp(scale * dot(q, query, k, key, headDim) - lse[row]);
    const dScore = p * (dot(dY, query, v, key, headDim) - dot(dY, query, y, query, headDim));
    for (let i = 0; i < headDim; i++) {
      dQ[query + i] += scale * dScore * k[key + i];
      dK[key + i] += scale * dScore * q[query + i];
      dV[key + i] += p * dY[query + i];
    }
  });
  return { dQ, dK, dV };
}

/** Visits every query t and key j ≤ t: the row in lse, and where the query and the key begin. */
function forEachPair(
  { B, T, H, headDim }: Named<number>,
  visit: (row: number, query: number, key: number) => void,
): void {
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      for (let t = 0; t < T; t++) {
        for (let j = 0; j <= t; j++) {
          visit((b * H + h) * T + t, ((b * T + t) * H + h) * headDim, ((b * T + j) * H + h) * headDim);
        }
      }
    }
  }
}

function dot(a: Numbers, aOffset: number, b: Numbers, bOffset: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[aOffset + i] * b[bOffset + i];
  return sum;
}
