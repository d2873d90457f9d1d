import { assert, assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "../../lib/errors.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { dropout } from "../../lib/ops/dropout.ts";
import { forEachDevice } from "../harness/backends.ts";
import { runGraph } from "../harness/graph_run.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { roundings } from "../harness/tolerance.ts";

const DRAW = Uint32Array.of(12, 2 ** 21 - 1, 2 ** 32 - 1, 3);

testOp({
  name: "dropout",
  makeCase: (n: number) => ({
    label: `dropout (${n})`,
    inputs: { x: { shape: [n], data: new Random(n).normal(n) }, draw: { shape: [4], data: DRAW } },
    build: (graph, { x, draw }) => dropout(graph, x, { rate: 0.2 + (n % 5) / 10, draw, site: n }),
    // One element may be dropped.
    cancels: n < 8,
  }),
  // The factor is rounded, and the product.
  tolerances: () => ({ y: roundings(2), d_x: roundings(2) }),
  differentiate: [2, 7, 23],
  compare: [1, 2, 3, 4, 5, 7, 8, 9, 31, 63, 64, 65, 127, 128, 129, 1023, 1025, 66_047, 66_048],
  accumulate: [1, 7, 1025, 1028],
  repeat: 10_007,
});

forEachDevice("dropout drops the share it is to drop, and other elements at another place or pass", async (backend) => {
  const n = 100_000;
  const ones = new Float32Array(n).fill(1);
  const drawn = async (rate: number, site: number, ...draw: number[]) => {
    const { y } = await runGraph(backend, (trace) => ({
      y: dropout(trace.graph, trace.input("x", [n], ones), {
        rate,
        site,
        draw: trace.input("draw", [4], Uint32Array.from(draw)),
      }),
    }));
    return y;
  };
  const droppedOf = (y: ArrayLike<number>) => Array.from(y).filter((value) => value === 0).length;
  for (const rate of [0.01, 0.2, 0.5, 0.9]) {
    const y = await drawn(rate, 1, 5, 0, 7, 0);
    // Five standard deviations of a binomial.
    const off = Math.abs(droppedOf(y) - n * rate);
    assert(off <= 5 * Math.sqrt(n * rate * (1 - rate)), `${rate}: ${droppedOf(y)} of ${n} dropped`);
    assert(
      y.every((value: number) => value === 0 || Math.abs(value * (1 - rate) - 1) < 1e-6),
      `${rate}: others scaled`,
    );
  }
  const first = await drawn(0.5, 1, 5, 0, 7, 0);
  assertEquals(await drawn(0.5, 1, 5, 0, 7, 0), first);
  for (const other of [[2, 5, 0, 7, 0], [1, 6, 0, 7, 0], [1, 5, 1, 7, 0], [1, 5, 0, 8, 0], [1, 5, 0, 7, 1]]) {
    const [site, ...draw] = other;
    const y = await drawn(0.5, site, ...draw);
    const same = Array.from(y).filter((value, i) => value === first[i]).length;
    assert(Math.abs(same - n / 2) <= 5 * Math.sqrt(n / 4), `${other.join()}: ${same} of ${n} the same`);
  }
});

Deno.test("dropout at a rate of 0 is nothing, and one that is no share is refused", () => {
  const graph = new Graph();
  const draw = new Tensor("draw", [4], { dtype: "u32" });
  const x = new Tensor("x", [3]);
  assertEquals(dropout(graph, x, { rate: 0, draw, site: 0 }), x);
  for (const rate of [-0.1, 1, 1.5, NaN]) {
    assertThrows(() => dropout(graph, x, { rate, draw, site: 0 }), OptionError, "must be 0 or more, below 1");
  }
  for (const site of [-1, 0.5, 2 ** 32]) {
    assertThrows(() => dropout(graph, x, { rate: 0.1, draw, site }), OptionError, "site");
  }
  assertThrows(() => dropout(graph, x, { rate: 0.1, draw: x, site: 0 }), RangeError, "dropout");
  for (const dtype of ["f32", "f16"] as const) {
    assertEquals(dropout(graph, new Tensor("x", [3], { dtype }), { rate: 0.1, draw, site: 0 }).dtype, dtype);
  }
});
