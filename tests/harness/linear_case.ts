import { linear } from "../../lib/ops/linear.ts";
import { type OpCase, type OpInput, type Tolerances, upstreamOf } from "./op_case.ts";
import { Random } from "./random.ts";
import { dotTolerance } from "./tolerance.ts";

/** A linear map of given inputs. */
export function linearOf(x: OpInput, weight: OpInput): OpCase {
  return {
    label: `linear (${x.shape}) · (${weight.shape})ᵀ`,
    inputs: { x, weight },
    build: (graph, { x, weight }) => linear(graph, x, weight),
  };
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
  const { x, weight } = op.inputs;
  const [O, I] = weight.shape;
  const rows = x.data.length / I;
  const dY = upstreamOf(op, rows * O);
  return {
    y: dotTolerance(I, x.data, weight.data),
    d_x: dotTolerance(O, dY, weight.data),
    d_weight: dotTolerance(rows, dY, x.data),
  };
}
