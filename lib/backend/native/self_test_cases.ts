/** A call to try a kernel with, and its outputs as plain loops in float64 compute them. */
export interface SelfTestCase {
  readonly name: string;
  readonly constants: Readonly<Record<string, number>>;
  readonly inputs: readonly Float32Array[];
  readonly expected: readonly Float64Array[];
}

/** Numbers between −1 and 1 that repeat late. */
function numbers(size: number, seed: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7 + seed));
}

/** Sizes that need a tile of each height, whole panels and one at the edge, and two blocks of depth. */
const [MANY, SOME, FEW] = [300, 73, 35];

function linearForward(): SelfTestCase {
  const [rows, I, O] = [FEW, MANY, SOME];
  const [x, weight] = [numbers(rows * I, 1), numbers(O * I, 2)];
  const y = new Float64Array(rows * O);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) y[r * O + o] += x[r * I + i] * weight[o * I + i];
    }
  }
  return { name: "linear_forward", constants: { rows, I, O }, inputs: [x, weight], expected: [y] };
}

function linearBackwardInput(): SelfTestCase {
  const [rows, I, O] = [FEW, SOME, MANY];
  const [dY, weight] = [numbers(rows * O, 3), numbers(O * I, 4)];
  const dX = new Float64Array(rows * I);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) dX[r * I + i] += dY[r * O + o] * weight[o * I + i];
    }
  }
  const constants = { rows, I, O, accumulate: 0 };
  return { name: "linear_backward_input", constants, inputs: [dY, weight], expected: [dX] };
}

function linearBackwardWeight(): SelfTestCase {
  const [rows, I, O] = [MANY, SOME, FEW];
  const [dY, x] = [numbers(rows * O, 5), numbers(rows * I, 6)];
  const dWeight = new Float64Array(O * I);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) dWeight[o * I + i] += dY[r * O + o] * x[r * I + i];
    }
  }
  const constants = { rows, I, O, accumulate: 0 };
  return { name: "linear_backward_weight", constants, inputs: [dY, x], expected: [dWeight] };
}

/** At least one call of each kernel. */
export function selfTestCases(): SelfTestCase[] {
  return [linearForward(), linearBackwardInput(), linearBackwardWeight()];
}
