import { assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { gelu, type GeluOptions } from "../../lib/ops/gelu.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { assertOpMatchesReference, type OpCase, type OpInput, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { geluForward } from "../reference/gelu.ts";
import { testOp } from "../harness/test_op.ts";
import { largest } from "../harness/tolerance.ts";

type Form = NonNullable<GeluOptions["form"]>;

function geluOf(x: OpInput, form: Form): OpCase {
  return {
    label: `gelu by ${form} (${x.shape})`,
    inputs: { x },
    build: (graph, { x }) => gelu(graph, x, { form }),
  };
}

/**
 * By tanh, the exponent has a handful of roundings, which the exponential makes errors in proportion to it; where it is
 * large, y is small: at most x e^(−|2u|). By erf, the same of x²/2. WGSL's exp itself is off by 3 + 2|exponent| units. An
 * exponent of z with a relative error of k roundings changes x e^(−z) by at most k x z e^(−z), so by k / 2.
 */
function tolerances(op: OpCase) {
  const dY = upstreamOf(op, op.inputs.x.data.length);
  const count = 24;
  return {
    y: { absolute: count * UNIT_ROUNDOFF, relative: count * UNIT_ROUNDOFF },
    d_x: { absolute: 2 * count * UNIT_ROUNDOFF * largest(dY), relative: count * UNIT_ROUNDOFF },
  };
}

for (const form of ["tanh", "erf"] as const) {
  testOp({
    name: `gelu by ${form}`,
    makeCase: (n: number) => geluOf({ shape: [n], data: new Random(n).normal(n, 2) }, form),
    tolerances,
    fixture: () => {
      const { floats, shape } = loadFixture("gelu");
      return {
        op: { ...geluOf({ shape: shape("x"), data: floats("x") }, form), dY: floats(`dy_${form}`) },
        expected: { y: floats(`y_${form}`), d_x: floats(`d_x_${form}`) },
      };
    },
    differentiate: [1, 7],
    compare: [1, 2, 3, 4, 5, 7, 8, 9, 63, 65, 127, 129, 1025, 1028, 66_047, 66_048],
    accumulate: [7, 1025, 1028],
    repeat: 10_007,
  });

  forEachDevice(`gelu by ${form} is finite and right where x² overflows`, async (backend) => {
    const data = Float32Array.of(-1e38, -1e30, -1000, -50, -20, -14, -13, -8, 0, -0, 8, 13, 14, 20, 50, 1000, 1e30);
    const op = geluOf({ shape: [data.length], data }, form);
    await assertOpMatchesReference(backend, op, tolerances(op));
  });
}

Deno.test("the reference's normal distribution is right to float64", () => {
  // Φ to 16 digits. Source: mpmath's ncdf, at 30 digits.
  const known: [x: number, share: number][] = [
    [-8, 6.220960574271785e-16],
    [-4, 3.1671241833119924e-5],
    [-3.5, 2.3262907903552504e-4],
    [-2.5, 6.209665325776132e-3],
    [-1, 0.15865525393145705],
    [0.5, 0.6914624612740131],
    [3, 0.9986501019683699],
  ];
  const x = Float64Array.from(known, ([x]) => x);
  const { y } = geluForward({ x }, { n: x.length, exact: 1 });
  assertClose(y, Float64Array.from(known, ([x, share]) => x * share), { absolute: 0, relative: 1e-13 }, "x Φ(x)");
});

Deno.test("gelu refuses another form", () => {
  const graph = new Graph();
  const x = graph.input("x", [3]);
  assertThrows(() => gelu(graph, x, { form: "quick" as Form }), RangeError, "got form quick, must be tanh or erf");
});
