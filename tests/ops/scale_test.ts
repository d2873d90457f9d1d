import { assertEquals } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { scale } from "../../lib/ops/scale.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { roundings } from "../harness/tolerance.ts";

testOp({
  name: "scale",
  makeCase: (n: number) => {
    const random = new Random(n);
    const factor = random.normal(1)[0] / 3;
    return {
      label: `scale (${n}) by ${factor}`,
      inputs: { x: { shape: [n], data: random.normal(n) } },
      build: (graph, { x }) => scale(graph, x, factor),
    };
  },
  // The factor is rounded, and the product.
  tolerances: () => ({ y: roundings(2), d_x: roundings(2) }),
  differentiate: [1, 7],
  compare: [1, 2, 3, 4, 5, 7, 8, 9, 31, 63, 64, 65, 127, 128, 129, 1023, 1025, 66_047, 66_048],
  accumulate: [1, 7, 1025, 1028],
  repeat: 10_007,
});

Deno.test("scale keeps a tensor's type, whatever the graph's precision", () => {
  for (const precision of ["f32", "f16"] as const) {
    for (const dtype of ["f32", "f16"] as const) {
      assertEquals(scale(new Graph({ precision }), new Tensor("x", [3], { dtype }), 2).dtype, dtype);
    }
  }
});
