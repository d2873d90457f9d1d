import { linear } from "../../lib/ops/linear.ts";
import { type OpCase, type OpInput, type Tolerances, upstreamOf } from "./op_case.ts";
import { UNIT_ROUNDOFF } from "./assert_close.ts";
import { Random } from "./random.ts";
import { dotTolerance, largest } from "./tolerance.ts";

/** A linear map of given inputs. */
export function linearOf(x: OpInput, weight: OpInput, bias?: OpInput): OpCase {
  return {
    label: `linear (${x.shape}) · (${weight.shape})ᵀ${bias ? " + bias" : ""}`,
    inputs: { x, weight, ...(bias && { bias }) },
    build: (graph, { x, weight, bias }) => linear(graph, x, weight, bias),
  };
}

/** A linear map with a bias of seeded random inputs. */
export function randomLinearWithBias([rows, I, O]: readonly number[]): OpCase {
  const { x, weight } = randomLinear([rows, I, O]).inputs;
  return linearOf(x, weight, { shape: [O], data: new Random(rows + O).normal(O) });
}

/** A linear map of seeded random inputs. */
export function randomLinear([rows, I, O]: readonly number[]): OpCase {
  const random = new Random(rows + 1000 * I + 1000003 * O);
  return linearOf(
    { shape: [rows, I], data: random.normal(rows * I) },
    { shape: [O, I], data: random.normal(O * I) },
  );
}

/** Each result is a dot product: over I for y, over O for dX, over the rows for dW. */
export function linearTolerances(op: OpCase): Tolerances {
  const { x, weight, bias } = op.inputs;
  const [O, I] = weight.shape;
  const rows = x.data.length / I;
  const dY = upstreamOf(op, rows * O);
  const y = dotTolerance(I, x.data, weight.data);
  return {
    // The bias is one addition more.
    y: bias ? { ...y, absolute: y.absolute! + UNIT_ROUNDOFF * largest(bias.data) } : y,
    ...(bias && { d_bias: dotTolerance(rows, dY, Float64Array.of(1)) }),
    d_x: dotTolerance(O, dY, weight.data),
    d_weight: dotTolerance(rows, dY, x.data),
  };
}
