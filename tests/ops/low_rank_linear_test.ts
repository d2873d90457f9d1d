import { assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { lowRankLinear } from "../../lib/ops/low_rank_linear.ts";
import { UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { loadFixture } from "../harness/fixtures.ts";
import type { Arrays } from "../harness/graph_run.ts";
import { type OpCase, type Tolerances, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { dotTolerance, largest, rms } from "../harness/tolerance.ts";

/** Rows, inputs, outputs, rank, and whether there is a bias; the factor is alpha / rank for an alpha of 4. */
type Sizes = readonly [rows: number, I: number, O: number, rank: number, bias?: boolean];

function caseOf([rows, I, O, rank, hasBias]: Sizes): OpCase {
  const random = new Random(rows + 1000 * I + 1000003 * O + rank);
  const input = (...shape: number[]) => ({ shape, data: random.normal(shape.reduce((a, b) => a * b, 1)) });
  return {
    label: `a linear map (${rows}, ${I}) → ${O} of rank ${rank}${hasBias ? " with a bias" : ""}`,
    inputs: {
      x: input(rows, I),
      weight: input(O, I),
      down: input(rank, I),
      up: input(O, rank),
      ...(hasBias && { bias: input(O) }),
    },
    build: built(4 / rank),
  };
}

const built = (factor: number): OpCase["build"] => (graph, { x, weight, down, up, bias }) =>
  lowRankLinear(graph, x, weight, { down, up, factor }, bias);

/** PyTorch's, with a factor of 10 / 4. */
function fixtureCase(): { op: OpCase; expected: Arrays } {
  const made = loadFixture("low_rank_linear");
  const names = ["x", "weight", "bias", "down", "up"];
  const inputs = names.map((name) => [name, { shape: made.shape(name), data: made.floats(name) }]);
  const results = ["y", ...names.map((name) => `d_${name}`)];
  return {
    op: {
      label: "PyTorch's linear map with an adapter",
      inputs: Object.fromEntries(inputs),
      build: built(Number(made.metadata.alpha) / Number(made.metadata.rank)),
      dY: made.floats("dy"),
    },
    expected: Object.fromEntries(results.map((name) => [name, made.floats(name)])),
  };
}

/** Each result is a dot product of W's, and one of a dot product: the errors of the two add up. */
function tolerances(op: OpCase): Tolerances {
  const { x, weight, down, up } = op.inputs;
  const [[O, I], [rank]] = [weight.shape, down.shape];
  const rows = x.data.length / I;
  const dY = upstreamOf(op, rows * O);
  const factor = 4 / rank;
  // Of a chain of two products, of lengths n and m: each term of the second has the error of the first.
  const chain = (n: number, m: number, ...of: ArrayLike<number>[]) =>
    8 * UNIT_ROUNDOFF * factor *
    (n * m * of.map(rms).reduce((a, b) => a * b) + m * of.map(largest).reduce((a, b) => a * b));
  const relative = 4 * UNIT_ROUNDOFF;
  const one = Float64Array.of(1);
  const sum = (absolute: number, of = { absolute: 0 }) => ({ absolute: absolute + of.absolute, relative });
  const dot = (n: number, a: ArrayLike<number>, b: ArrayLike<number>) => ({
    absolute: dotTolerance(n, a, b).absolute!,
  });
  return {
    y: sum(chain(I, rank, x.data, down.data, up.data), dot(I + 1, x.data, weight.data)),
    d_x: sum(chain(O, rank, dY, up.data, down.data), dot(O, dY, weight.data)),
    d_weight: dotTolerance(rows, dY, x.data),
    d_down: sum(chain(O, rows, dY, up.data, x.data)),
    d_up: sum(chain(I, rows, x.data, down.data, dY)),
    d_bias: dotTolerance(rows, dY, one),
  };
}

testOp({
  name: "a linear map with a low-rank adapter",
  makeCase: caseOf,
  tolerances,
  fixture: fixtureCase,
  differentiate: [[1, 1, 1, 1], [3, 5, 7, 2], [2, 4, 3, 3, true]] as Sizes[],
  compare: [[1, 1, 1, 1], [1, 33, 65, 4], [7, 31, 17, 5, true], [64, 32, 96, 8], [65, 33, 63, 16]] as Sizes[],
  accumulate: [[3, 5, 7, 2, true], [65, 33, 63, 16]] as Sizes[],
  repeat: [65, 33, 63, 16] as Sizes,
});

Deno.test("an adapter that does not fit is refused by its shape", () => {
  const graph = new Graph();
  const tensor = (...shape: number[]) => new Tensor("t", shape);
  const apply = (down: Tensor, up: Tensor, of = graph) =>
    lowRankLinear(of, tensor(2, 5), tensor(7, 5), { down, up, factor: 1 });
  assertThrows(() => apply(tensor(3, 4), tensor(7, 3)), RangeError, "must have shape (3, 5)");
  assertThrows(() => apply(tensor(3, 5), tensor(7, 2)), RangeError, "must have shape (7, 3)");
  assertThrows(() => apply(tensor(3, 5), tensor(7, 3), new Graph({ precision: "f16" })), TypeError, "graph of f16");
});
