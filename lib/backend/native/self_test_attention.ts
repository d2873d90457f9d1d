import { numbers, type SelfTestCase } from "./self_test_cases.ts";

/** Attention with more queries than a block has, and a last block that is not whole. */
const ATTENTION = { B: 1, T: 73, S: 73, H: 2, headDim: 19 };

/** The rows of each head, by a rule of what stands at [query t, key j]. */
function forEachPair(visit: (head: number, t: number, j: number, queryAt: number, keyAt: number) => void): void {
  const { T, H, headDim } = ATTENTION;
  for (let head = 0; head < H; head++) {
    for (let t = 0; t < T; t++) {
      for (let j = 0; j <= t; j++) visit(head, t, j, (t * H + head) * headDim, (j * H + head) * headDim);
    }
  }
}

function dot(a: ArrayLike<number>, aAt: number, b: ArrayLike<number>, bAt: number): number {
  let sum = 0;
  for (let i = 0; i < ATTENTION.headDim; i++) sum += a[aAt + i] * b[bAt + i];
  return sum;
}

function addTo(sums: Float64Array, at: number, factor: number, values: ArrayLike<number>, from: number): void {
  for (let i = 0; i < ATTENTION.headDim; i++) sums[at + i] += factor * values[from + i];
}

/** Both passes of attention. */
export function attention(): SelfTestCase[] {
  const { B, T, H, headDim } = ATTENTION;
  const scale = 1 / Math.sqrt(headDim);
  const size = T * H * headDim;
  const [q, k, v, dY] = [7, 8, 9, 10].map((seed) => numbers(size, seed));
  const denominators = new Float64Array(H * T);
  forEachPair((head, t, _j, queryAt, keyAt) => {
    denominators[head * T + t] += Math.exp(scale * dot(q, queryAt, k, keyAt));
  });
  const lse = denominators.map(Math.log);
  const weight = (head: number, t: number, queryAt: number, keyAt: number) =>
    Math.exp(scale * dot(q, queryAt, k, keyAt) - lse[head * T + t]);
  const y = new Float64Array(size);
  forEachPair((head, t, _j, queryAt, keyAt) => addTo(y, queryAt, weight(head, t, queryAt, keyAt), v, keyAt));
  const [dQ, dK, dV] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  forEachPair((head, t, _j, queryAt, keyAt) => {
    const p = weight(head, t, queryAt, keyAt);
    const slope = scale * p * (dot(dY, queryAt, v, keyAt) - dot(dY, queryAt, y, queryAt));
    addTo(dQ, queryAt, slope, k, keyAt);
    addTo(dK, keyAt, slope, q, queryAt);
    addTo(dV, keyAt, p, dY, queryAt);
  });
  const start = new Float32Array(1);
  const flags = { accumulateQuery: 0, accumulateKey: 0, accumulateValue: 0 };
  return [
    { name: "attention_forward", constants: ATTENTION, inputs: [q, k, v, start], expected: [y, lse] },
    {
      name: "attention_backward",
      constants: { B, T, H, headDim, ...flags },
      inputs: [q, k, v, Float32Array.from(y), Float32Array.from(lse), dY],
      expected: [dQ, dK, dV],
    },
  ];
}
