// linear and embedding of weights in bf16 and int8.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { createBackend } from "../../lib/backend/select.ts";
import { backward } from "../../lib/graph/backward.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";
import { embedding } from "../../lib/ops/embedding.ts";
import { linear } from "../../lib/ops/linear.ts";
import { matmul } from "../../lib/ops/matmul.ts";
import { dequantizeRows, type QuantizedDType, quantizeRows } from "../../lib/ops/quantize.ts";
import { QuantizedTensor } from "../../lib/ops/quantized_tensor.ts";
import { rmsnorm } from "../../lib/ops/rmsnorm.ts";
import { findNativeSupport } from "../../lib/backend/native/support.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachDevice, forHardwareKernels, reference } from "../harness/backends.ts";
import { GARBAGE, GraphRun, runGraph, type Trace } from "../harness/graph_run.ts";
import { quantizedState } from "../harness/quantized_state.ts";
import { Random } from "../harness/random.ts";
import { dotTolerance, roundings } from "../harness/tolerance.ts";

const DTYPES: readonly QuantizedDType[] = ["bf16", "int8"];

/** One row and several, in registers and in memory; rows of weights that fill words and vectors, and that do not. */
const SIZES = [
  [1, 1, 1],
  [1, 3, 5],
  [2, 16, 7],
  [3, 15, 17],
  [6, 17, 16],
  [7, 33, 31],
  [8, 64, 15],
  [13, 31, 33],
  [16, 1031, 3],
  [1, 257, 129],
  [12, 260, 67],
  [17, 33, 31],
  [67, 129, 45],
];

function productOf([rows, I, O]: readonly number[], dtype: QuantizedDType) {
  const random = new Random(rows + 1000 * I + 1000003 * O);
  const [x, weight] = [random.normal(rows * I), random.normal(O * I, 0.3)];
  const trace = (trace: Trace) => {
    const quantized = quantizedState(trace, "weight", [O, I], dtype, weight);
    return { y: linear(trace.graph, trace.input("x", [rows, I], x), quantized) };
  };
  const rounded = dequantizeRows(quantizeRows("weight", weight, I, dtype), I, dtype);
  return { trace, tolerance: dotTolerance(I, x, rounded) };
}

for (const forEach of [forEachDevice, forHardwareKernels]) {
  for (const dtype of DTYPES) {
    forEach(`linear by weights in ${dtype} equals the reference`, async (backend) => {
      for (const sizes of SIZES) {
        const { trace, tolerance } = productOf(sizes, dtype);
        const expected = await runGraph(await reference(), trace);
        assertClose((await runGraph(backend, trace)).y, expected.y, tolerance, `${dtype} ${sizes}`);
      }
    });

    forEach(`linear by weights in ${dtype} gives the same bits twice`, async (backend) => {
      for (const rows of [1, 9, 33]) {
        const run = await GraphRun.load(backend, productOf([rows, 131, 67], dtype).trace);
        const [first, second] = [await run.run(GARBAGE[0]), await run.run(GARBAGE[1])];
        run.release();
        assertEquals(first, second);
        assert(first.y.some((value) => value !== 0));
      }
    });

    forEach(`embedding of a weight in ${dtype} equals the reference`, async (backend) => {
      for (
        const [N, V, D] of [[1, 1, 1], [5, 1, 3], [1, 7, 4], [13, 3, 5], [65, 63, 9], [127, 129, 33], [300, 31, 64]]
      ) {
        const random = new Random(N + 1000 * V + 1000003 * D);
        const [ids, weight] = [random.integers(N, V), random.normal(V * D)];
        const trace = (trace: Trace) => {
          const quantized = quantizedState(trace, "weight", [V, D], dtype, weight);
          return { y: embedding(trace.graph, trace.input("ids", [N], ids), quantized) };
        };
        const expected = await runGraph(await reference(), trace);
        assertClose((await runGraph(backend, trace)).y, expected.y, roundings(1), `${dtype} ${[N, V, D]}`);
      }
    });
  }
}

const { unsupported } = findNativeSupport();
for (const name of ["wasm", "native"] as const) {
  Deno.test({
    name: `linear by weights in bf16 and int8 has the same bits for any number of workers [${name}]`,
    ignore: name === "native" && unsupported !== undefined,
    // The system's library stays open.
    sanitizeResources: false,
    fn: async () => {
      await using one = await createBackend(name, { workers: 1 });
      await using several = await createBackend(name, { workers: 3 });
      for (const dtype of DTYPES) {
        // Rows too long for a worker's memory. (llvmpipe ends a loop after 65,535 turns, so not on every device.)
        const { trace, tolerance } = productOf([2, 90001, 3], dtype);
        const expected = await runGraph(await reference(), trace);
        assertClose((await runGraph(several, trace)).y, expected.y, tolerance, `${dtype}, long rows`);
        for (const rows of [1, 2, 9, 20]) {
          const { trace } = productOf([rows, 133, 1037], dtype);
          assertEquals(await runGraph(several, trace), await runGraph(one, trace), `${dtype}, ${rows} rows`);
        }
      }
    },
  });
}

Deno.test("a weight in bf16 or int8 is one of linear and embedding, in f32, without a gradient", () => {
  for (const dtype of DTYPES) {
    const storage = new DeviceStorage("weight", QuantizedTensor.bytesOf([4, 6], dtype));
    const weight = new QuantizedTensor("weight", [4, 6], dtype, { storage, byteOffset: 0 });
    assertEquals(String(weight), `weight (4, 6) in ${dtype}`);
    const graph = new Graph();
    const x = graph.input("x", [3, 6], { requiresGrad: true });
    const problem = `got weight (4, 6) in ${dtype}`;
    assertThrows(() => matmul(graph, x, weight, { transposeB: true }), TypeError, problem);
    assertThrows(() => linear(graph, weight, new Tensor("w", [5, 6])), TypeError, problem);
    assertThrows(() => rmsnorm(graph, weight, new Tensor("w", [6]), 1e-5), TypeError, problem);
    assertThrows(() => linear(graph, graph.input("x", [3, 5]), weight), RangeError, `and ${problem.slice(4)}, must be`);
    const y = linear(graph, x, weight);
    const dY = graph.input("dY", [3, 4]);
    assertThrows(() => backward(graph, y, dY), TypeError, `Cannot find the gradient of linear: ${problem}`);
    const half = new Graph({ precision: "f16" });
    assertThrows(
      () => linear(half, half.input("x", [3, 6]), weight),
      TypeError,
      "in a graph of f16, must be one of f32",
    );
    assertThrows(
      () => new QuantizedTensor("norm", [6], dtype, { storage, byteOffset: 0 }),
      RangeError,
      `Cannot keep "norm" in ${dtype}: got shape (6), must be (rows, width)`,
    );
  }
});
