import { AssertionError, assertThrows } from "@std/assert";
import { ReferenceBackend } from "../reference/backend.ts";
import { GARBAGE, GraphRun } from "./graph_run.ts";
import { type OpCase, traceOp, upstreamOf } from "./op_case.ts";
import { Random } from "./random.ts";

/** A derivative along a random direction, found without any backward rule. */
export interface DirectionalDerivative {
  readonly direction: Float64Array;
  readonly numeric: number;
  /** What rounding of f's values can do to `numeric`. */
  readonly rounding: number;
}

/** Directions tried for each input: each of them sees every element. */
const DIRECTIONS = 3;

/** The stencil's own error is of order STEP⁴, and rounding's 2⁻⁵³ / STEP: both about 1e-12 for values near 1. */
const STEP = 1e-3;

/** Share of Σ |gradient · direction| by which the two may differ: STEP⁴ with room for large fifth derivatives. */
const TOLERANCE = 1e-8;

/** Rounding errors of 2⁻⁵³ that the terms of one value of f may add up to, in units of that value. */
const ROUNDINGS = 1000;

/**
 * Differentiates f along random directions by the five-point central difference
 * (8 (f(x + hv) − f(x − hv)) − (f(x + 2hv) − f(x − 2hv))) / 12h, in float64.
 */
export async function differentiate(
  f: (x: Float64Array) => Promise<number>,
  x: Float64Array,
  seed: number,
): Promise<DirectionalDerivative[]> {
  const random = new Random(seed);
  const derivatives: DirectionalDerivative[] = [];
  for (let k = 0; k < DIRECTIONS; k++) {
    const direction = Float64Array.from(x, () => (random.next() < 0.5 ? -1 : 1) * (0.5 + random.next()));
    const at = (steps: number) => f(x.map((value, i) => value + steps * STEP * direction[i]));
    const [farBelow, below, above, farAbove] = [await at(-2), await at(-1), await at(1), await at(2)];
    derivatives.push({
      direction,
      numeric: (8 * (above - below) - (farAbove - farBelow)) / (12 * STEP),
      rounding: ROUNDINGS * 2 ** -53 * Math.max(Math.abs(above), Math.abs(below)) / STEP,
    });
  }
  return derivatives;
}

/**
 * Asserts that a gradient has the derivatives found numerically.
 * @param share The share of Σ |gradient · direction| by which the two may differ.
 * @throws {AssertionError} With the analytic and the numeric value of the first direction in which it has not.
 */
export function assertGradient(
  gradient: ArrayLike<number>,
  derivatives: readonly DirectionalDerivative[],
  label: string,
  share = TOLERANCE,
): void {
  derivatives.forEach(({ direction, numeric, rounding }, k) => {
    let analytic = 0;
    let magnitude = 0;
    for (let i = 0; i < direction.length; i++) {
      analytic += gradient[i] * direction[i];
      magnitude += Math.abs(gradient[i] * direction[i]);
    }
    const tolerance = share * magnitude + rounding;
    if (!(Math.abs(analytic - numeric) <= tolerance)) {
      throw new AssertionError(
        `${label}: along direction ${k} the gradient gives ${analytic}, central differences ${numeric}, ` +
          `tolerance ${tolerance}`,
      );
    }
  });
}

/**
 * Asserts that an op's backward rule, on the reference loops, is the derivative of its forward pass; and that the
 * comparison would have noticed a gradient that is 0.05 % off, unless the exact gradient cancels to nothing.
 */
export async function assertOpDifferentiates(op: OpCase, seed = 1): Promise<void> {
  const run = await GraphRun.load(new ReferenceBackend(), traceOp(op));
  const { y, ...gradients } = await run.run();
  const dY = upstreamOf(op, y.length);
  for (const [name, gradient] of Object.entries(gradients)) {
    const input = name.slice("d_".length);
    const label = `${op.label}: ${name}, seed ${seed}`;
    const f = async (x: Float64Array) => {
      const { y } = await run.run(GARBAGE[0], { [input]: x });
      let sum = 0;
      for (let i = 0; i < y.length; i++) sum += y[i] * dY[i];
      return sum;
    };
    const derivatives = await differentiate(f, Float64Array.from(op.inputs[input].data), seed);
    assertGradient(gradient, derivatives, label);
    if (op.cancels) continue;
    const planted = gradient.map((value) => value * 1.0005);
    assertThrows(() => assertGradient(planted, derivatives, label), AssertionError, "central differences", label);
  }
}
