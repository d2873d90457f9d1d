import { numbers, type SelfTestCase } from "./self_test_cases.ts";

/** Rows in two groups, columns that leave some over, and rows of weights that end in the midst of a vector. */
const [ROWS, I, O] = [9, 83, 21];

/** y = x Wᵀ of each column's numbers and scale. */
function product(x: Float32Array, weightAt: (o: number, i: number) => number): Float64Array {
  const y = new Float64Array(ROWS * O);
  for (let r = 0; r < ROWS; r++) {
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) y[r * O + o] += x[r * I + i] * weightAt(o, i);
    }
  }
  return y;
}

/** A linear layer of few rows, with weights in each format. */
export function fewRows(): SelfTestCase[] {
  const [x, weight] = [numbers(ROWS * I, 21), numbers(O * I, 22)];
  const scales = numbers(O, 23).map((value) => value / 127);
  const constants = { rows: ROWS, I, O };
  const quantized = (bits: 8 | 16) => {
    const rowNumbers = Math.ceil(I * bits / 32) * 32 / bits;
    const memory = new Float32Array(O * rowNumbers * bits / 32);
    const bytes = new Int8Array(memory.buffer);
    const halves = new Uint16Array(memory.buffer);
    const upper = new Uint16Array(weight.buffer);
    const rounded = new Float32Array(1);
    const weightAt = (o: number, i: number) => {
      if (bits === 8) return bytes[o * rowNumbers + i] * scales[o];
      new Uint32Array(rounded.buffer)[0] = halves[o * rowNumbers + i] << 16;
      return rounded[0] * scales[o];
    };
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) {
        if (bits === 8) bytes[o * rowNumbers + i] = 127 * weight[o * I + i];
        else halves[o * rowNumbers + i] = upper[2 * (o * I + i) + 1];
      }
    }
    return {
      name: "linear_quantized_forward",
      constants: { ...constants, bits },
      inputs: [x, memory, scales],
      expected: [product(x, weightAt)],
    };
  };
  return [
    {
      name: "linear_forward",
      constants,
      inputs: [x, weight],
      expected: [product(x, (o, i) => weight[o * I + i])],
    },
    quantized(16),
    quantized(8),
  ];
}
