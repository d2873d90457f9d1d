import type { Backend } from "../../lib/backend/backend.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { copy } from "../../lib/graph/copy.ts";
import { sumPartials } from "../../lib/ops/sum_partials.ts";
import { assertEquals } from "@std/assert";
import { assertClose } from "../harness/assert_close.ts";
import { forEachBackend, forHardwareKernels } from "../harness/backends.ts";
import { runGraph } from "../harness/graph_run.ts";
import { Random } from "../harness/random.ts";
import { dotTolerance } from "../harness/tolerance.ts";

const SIZES = [[1, 1], [2, 3], [7, 4], [5, 9], [63, 31], [64, 65], [64, 257], [13, 1031], [3, 66_047]];
/** Around where several invocations share a column, by columns of 1 and of 4 numbers. */
const LONG = [[31, 4], [32, 4], [33, 68], [64, 252], [67, 256], [64, 1028]];

for (const accumulate of [0, 1] as const) {
  const sumsColumns = async (backend: Backend) => {
    for (const [P, D] of [...SIZES, ...LONG]) {
      const random = new Random(P + 100 * D);
      const partials = random.normal(P * D);
      const before = random.normal(D);
      const { y } = await runGraph(backend, (trace) => {
        const y = trace.state("y", [D], before);
        sumPartials(trace.graph, trace.input("partials", [P, D], partials), y, accumulate);
        return { y };
      });
      const expected = Float64Array.from(before, (value) => accumulate * value);
      partials.forEach((value, i) => expected[i % D] += value);
      assertClose(y, expected, dotTolerance(P + 1, partials, Float32Array.of(1)), `(${P}, ${D})`);
    }
  };
  forEachBackend(`sum_partials sums columns, accumulate = ${accumulate}`, sumsColumns);
  forHardwareKernels(`sum_partials sums columns, accumulate = ${accumulate}`, sumsColumns);

  forEachBackend(`copy is exact, accumulate = ${accumulate}`, async (backend) => {
    for (const n of [1, 3, 4, 5, 8, 63, 65, 257, 1031, 66_047]) {
      const random = new Random(n);
      const [x, before] = [random.normal(n), random.normal(n)];
      const { y } = await runGraph(backend, (trace) => {
        const y = trace.state("y", [n], before);
        copy(trace.graph, trace.input("x", [n], x), y, accumulate === 1);
        return { y };
      });
      assertEquals(Float32Array.from(y), x.map((value, i) => accumulate === 1 ? before[i] + value : value), `n = ${n}`);
    }
  });
}

forEachBackend("an intermediate that only a copy reads survives until then", async (backend) => {
  const x = Float32Array.of(1, 2, 3);
  const { y } = await runGraph(backend, (trace) => {
    const [middle, y] = [new Tensor("middle", [3]), new Tensor("y", [3])];
    copy(trace.graph, trace.input("x", [3], x), middle, false);
    copy(trace.graph, middle, y, false);
    return { y };
  });
  assertEquals([...y], [...x]);
});
