import { numbers, type SelfTestCase } from "./self_test_cases.ts";

/** Attention with more queries than a block has, and a last block that is not whole. */
const ATTENTION = { B: 1, T: 73, S: 73, H: 2, headDim: 19 };

/** Where each pair of a query t and a key j stands, in each head of queries. */
function forEachPair(
  keyHeads: number,
  visit: (head: number, t: number, j: number, queryAt: number, keyAt: number) => void,
): void {
  const { T, H, headDim } = ATTENTION;
  for (let head = 0; head < H; head++) {
    const keyHead = Math.floor(head * keyHeads / H);
    for (let t = 0; t < T; t++) {
      for (let j = 0; j <= t; j++) visit(head, t, j, (t * H + head) * headDim, (j * keyHeads + keyHead) * headDim);
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

/** Both passes of attention, with a head of keys for each of queries, and with one for all. */
export function attention(): SelfTestCase[] {
  const { B, T, H, headDim } = ATTENTION;
  const flags = { accumulateQuery: 0, accumulateKey: 0, accumulateValue: 0 };
  const grouping = { keyHeads: 1, window: T };
  return [
    ...passes("attention", H, ATTENTION, { B, T, H, headDim, ...flags }),
    ...passes("grouped_attention", 1, { ...ATTENTION, ...grouping }, { B, T, H, headDim, ...grouping, ...flags }),
  ];
}

function passes(
  name: string,
  keyHeads: number,
  forward: SelfTestCase["constants"],
  backward: SelfTestCase["constants"],
): SelfTestCase[] {
  const { T, H, headDim } = ATTENTION;
  const scale = 1 / Math.sqrt(headDim);
  const [size, keySize] = [T * H * headDim, T * keyHeads * headDim];
  const [q, dY] = [7, 10].map((seed) => numbers(size, seed));
  const [k, v] = [8, 9].map((seed) => numbers(keySize, seed));
  const denominators = new Float64Array(H * T);
  forEachPair(keyHeads, (head, t, _j, queryAt, keyAt) => {
    denominators[head * T + t] += Math.exp(scale * dot(q, queryAt, k, keyAt));
  });
  const lse = denominators.map(Math.log);
  const weight = (head: number, t: number, queryAt: number, keyAt: number) =>
    Math.exp(scale * dot(q, queryAt, k, keyAt) - lse[head * T + t]);
  const y = new Float64Array(size);
  forEachPair(keyHeads, (head, t, _j, queryAt, keyAt) => addTo(y, queryAt, weight(head, t, queryAt, keyAt), v, keyAt));
  const [dQ, dK, dV] = [new Float64Array(size), new Float64Array(keySize), new Float64Array(keySize)];
  forEachPair(keyHeads, (head, t, _j, queryAt, keyAt) => {
    const p = weight(head, t, queryAt, keyAt);
    const slope = scale * p * (dot(dY, queryAt, v, keyAt) - dot(dY, queryAt, y, queryAt));
    addTo(dQ, queryAt, slope, k, keyAt);
    addTo(dK, keyAt, slope, q, queryAt);
    addTo(dV, keyAt, p, dY, queryAt);
  });
  const start = new Float32Array(1);
  return [
    { name: `${name}_forward`, constants: forward, inputs: [q, k, v, start], expected: [y, lse] },
    {
      name: `${name}_backward`,
      constants: backward,
      inputs: [q, k, v, Float32Array.from(y), Float32Array.from(lse), dY],
      expected: [dQ, dK, dV],
    },
  ];
}
