import { attention } from "./self_test_attention.ts";
import { fewRows } from "./self_test_few_rows.ts";

/** A call to try a kernel with, and its outputs as plain loops in float64 compute them. */
export interface SelfTestCase {
  readonly name: string;
  readonly constants: Readonly<Record<string, number>>;
  readonly inputs: readonly Float32Array[];
  /** What the outputs hold at first, where that is read. */
  readonly before?: readonly Float32Array[];
  readonly expected: readonly Float64Array[];
}

/** Numbers between −1 and 1 that repeat late. */
export function numbers(size: number, seed: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7 + seed));
}

function same(value: number): number {
  return value;
}

const BITS = new Uint32Array(1);
const NUMBER = new Float32Array(BITS.buffer);

/** To the nearest of bf16, which is float32's upper half, and of two the even one. */
function roundToBf16(value: number): number {
  NUMBER[0] = value;
  BITS[0] = BITS[0] + 0x7fff + (BITS[0] >>> 16 & 1) & 0xffff0000;
  return NUMBER[0];
}

/** Sizes that need a tile of each height, whole panels and one at the edge, and two blocks of depth. */
const [MANY, SOME, FEW] = [300, 73, 35];

function linearForward(linear: "linear" | "linear_bf16", round = same): SelfTestCase {
  const [rows, I, O] = [FEW, MANY, SOME];
  const [x, weight] = [numbers(rows * I, 1), numbers(O * I, 2)];
  const y = new Float64Array(rows * O);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) y[r * O + o] += round(x[r * I + i]) * round(weight[o * I + i]);
    }
  }
  return { name: `${linear}_forward`, constants: { rows, I, O }, inputs: [x, weight], expected: [y] };
}

function linearBackwardInput(linear: "linear" | "linear_bf16", round = same): SelfTestCase {
  const [rows, I, O] = [FEW, SOME, MANY];
  const [dY, weight] = [numbers(rows * O, 3), numbers(O * I, 4)];
  const dX = new Float64Array(rows * I);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) dX[r * I + i] += round(dY[r * O + o]) * round(weight[o * I + i]);
    }
  }
  const constants = { rows, I, O, accumulate: 0 };
  return { name: `${linear}_backward_input`, constants, inputs: [dY, weight], expected: [dX] };
}

function linearBackwardWeight(linear: "linear" | "linear_bf16", round = same): SelfTestCase {
  const [rows, I, O] = [MANY, SOME, FEW];
  const [dY, x] = [numbers(rows * O, 5), numbers(rows * I, 6)];
  const dWeight = new Float64Array(O * I);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) dWeight[o * I + i] += round(dY[r * O + o]) * round(x[r * I + i]);
    }
  }
  const constants = { rows, I, O, accumulate: 0 };
  return { name: `${linear}_backward_weight`, constants, inputs: [dY, x], expected: [dWeight] };
}

/** Elements, or columns, that end in the midst of a vector. */
const ELEMENTS = 77;

function swiglu(): SelfTestCase[] {
  const [gate, up, dY] = [11, 12, 13].map((seed) => numbers(ELEMENTS, seed).map((value) => 3 * value));
  const [y, dGate, dUp] = [0, 1, 2].map(() => new Float64Array(ELEMENTS));
  for (let i = 0; i < ELEMENTS; i++) {
    const sigmoid = 1 / (1 + Math.exp(-gate[i]));
    y[i] = gate[i] * sigmoid * up[i];
    dGate[i] = dY[i] * up[i] * sigmoid * (1 + gate[i] * (1 - sigmoid));
    dUp[i] = dY[i] * gate[i] * sigmoid;
  }
  const flags = { accumulateGate: 0, accumulateUp: 0 };
  return [
    { name: "swiglu_forward", constants: { n: ELEMENTS }, inputs: [gate, up], expected: [y] },
    {
      name: "swiglu_backward",
      constants: { n: ELEMENTS, ...flags },
      inputs: [gate, up, dY],
      expected: [dGate, dUp],
    },
  ];
}

function crossEntropy(): SelfTestCase[] {
  const [rows, V] = [5, ELEMENTS];
  const logits = numbers(rows * V, 14).map((value) => 4 * value);
  const ids = Uint32Array.from({ length: rows }, (_, r) => r * 17 % V);
  const [losses, lse] = [new Float64Array(rows), new Float64Array(rows)];
  const z = 0.05;
  const [gradient, withZ] = [new Float64Array(rows * V), new Float64Array(rows * V)];
  for (let r = 0; r < rows; r++) {
    const row = logits.subarray(r * V, (r + 1) * V);
    lse[r] = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
    losses[r] = lse[r] - row[ids[r]];
    row.forEach((value, v) => {
      const [share, hit] = [Math.exp(value - lse[r]), v === ids[r] ? 1 : 0];
      gradient[r * V + v] = (share - hit) / rows;
      withZ[r * V + v] = (share * (1 + 2 * z * lse[r]) - hit) / rows;
    });
  }
  // An array's bits, whatever they mean.
  const targets = new Float32Array(ids.buffer);
  const [sizes, known] = [{ rows, V }, [targets, Float32Array.from(lse), Float32Array.of(1)]];
  return [
    { name: "cross_entropy_forward", constants: sizes, inputs: [logits, targets], expected: [losses, lse] },
    {
      name: "cross_entropy_backward",
      constants: { ...sizes, accumulate: 0, z: 0 },
      inputs: [logits, ...known],
      expected: [gradient],
    },
    {
      name: "cross_entropy_backward_in_place",
      constants: { ...sizes, z },
      inputs: known,
      before: [logits],
      expected: [withZ],
    },
  ];
}

/** A call of each product of numbers rounded to bf16. */
export function bf16Cases(): SelfTestCase[] {
  return [linearForward, linearBackwardInput, linearBackwardWeight].map((make) => make("linear_bf16", roundToBf16));
}

/** At least one call of each other kernel that computes something. */
export function selfTestCases(): SelfTestCase[] {
  return [
    linearForward("linear"),
    linearBackwardInput("linear"),
    linearBackwardWeight("linear"),
    ...fewRows(),
    ...attention(),
    ...swiglu(),
    ...crossEntropy(),
  ];
}
