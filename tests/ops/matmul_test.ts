import { assert, assertEquals, assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { matmul, type MatmulOptions } from "../../lib/ops/matmul.ts";
import { sum } from "../../lib/ops/sum.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { reference } from "../harness/backends.ts";
import { assertOpDifferentiates } from "../harness/gradient_check.ts";
import { halfTest } from "../harness/gpu.ts";
import { GraphRun } from "../harness/graph_run.ts";
import { type OpCase, runOp, type Tolerances, traceOp, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { dotTolerance, rms } from "../harness/tolerance.ts";

/** Sizes of a product, with the layouts in which its operands lie. */
interface Sizes {
  readonly leading: readonly number[];
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly options: MatmulOptions;
  /** All products have one b. */
  readonly shared?: boolean;
}

const LAYOUTS: readonly MatmulOptions[] = [
  {},
  { transposeA: true },
  { transposeB: true },
  { transposeA: true, transposeB: true },
];

/** These sizes, in each layout: batch, M, N, K. A batch of 0 stands for two matrices without leading dimensions. */
function inEachLayout(sizes: readonly (readonly [number, number, number, number])[]): Sizes[] {
  return sizes.flatMap(([batch, M, N, K]) =>
    LAYOUTS.map((options) => ({ leading: batch === 0 ? [] : [batch], M, N, K, options }))
  );
}

/** These sizes, each in one layout after the other: its gradients are products in others. */
function inTurn(sizes: readonly (readonly [number, number, number, number])[]): Sizes[] {
  return sizes.map(([batch, M, N, K], i) => {
    return { leading: batch === 0 ? [] : [batch], M, N, K, options: LAYOUTS[i % LAYOUTS.length] };
  });
}

/** b is one matrix, in both of its layouts. */
function sharing(leading: readonly number[], M: number, N: number, K: number): Sizes[] {
  return [{}, { transposeB: true }].map((options) => ({ leading, M, N, K, options, shared: true }));
}

function makeCase({ leading, M, N, K, options, shared = false }: Sizes): OpCase {
  const { transposeA = false, transposeB = false } = options;
  const a = [...leading, ...(transposeA ? [K, M] : [M, K])];
  const b = [...(shared ? [] : leading), ...(transposeB ? [N, K] : [K, N])];
  const random = new Random(M + 1000 * N + 1000003 * K);
  const draw = (shape: readonly number[]) => ({ shape, data: random.normal(shape.reduce((size, n) => size * n, 1)) });
  return {
    label: `matmul (${a})${transposeA ? "ᵀ" : ""} · (${b})${transposeB ? "ᵀ" : ""}`,
    inputs: { a: draw(a), b: draw(b) },
    build: (graph, { a, b }) => matmul(graph, a, b, options),
  };
}

/** Each result is a dot product: over K for c, over N for dA, over M for dB, and over all rows where b is shared. */
function tolerancesOf({ leading, M, N, K, shared = false }: Sizes, op: OpCase): Tolerances {
  const { a, b } = op.inputs;
  const rows = leading.reduce((product, size) => product * size, M);
  const dC = upstreamOf(op, rows * N);
  return {
    y: dotTolerance(K, a.data, b.data),
    d_a: dotTolerance(N, dC, b.data),
    d_b: dotTolerance(shared ? rows : M, dC, a.data),
  };
}

/** The sizes of each case, which its tolerances need. */
const sizesOf = new WeakMap<OpCase, Sizes>();

testOp<Sizes>({
  name: "matmul",
  makeCase: (sizes) => {
    const op = makeCase(sizes);
    sizesOf.set(op, sizes);
    return op;
  },
  tolerances: (op) => tolerancesOf(sizesOf.get(op)!, op),
  differentiate: [
    ...inEachLayout([[1, 1, 1, 1], [0, 3, 4, 5], [2, 3, 4, 5]]),
    ...sharing([2, 2], 3, 4, 5),
  ],
  // Around the sides of tiles of both backends, and of blocks of rows, columns and depth on CPUs.
  compare: [
    ...inEachLayout([[1, 1, 1, 1], [0, 33, 31, 65], [3, 7, 9, 5], [2, 65, 36, 20]]),
    ...inTurn([
      [0, 7, 9, 5],
      [3, 1, 5, 2],
      [2, 5, 1, 7],
      [5, 6, 8, 4],
      [7, 17, 15, 16],
      [2, 31, 33, 19],
      [3, 32, 36, 20],
      [2, 65, 63, 67],
      [2, 3, 1031, 2],
      [2, 139, 5, 3],
      [2, 5, 7, 1031],
      [1031, 2, 3, 4],
    ]),
    ...sharing([3], 1, 5, 7),
    ...sharing([2, 3], 11, 16, 20),
    { leading: [2, 3, 2], M: 4, N: 5, K: 6, options: {} },
  ],
  accumulate: [...inEachLayout([[0, 5, 7, 9], [3, 17, 20, 33]]), ...sharing([3], 5, 7, 9)],
  repeat: { leading: [9], M: 67, N: 33, K: 65, options: {} },
  hasHardwareKernels: true,
});

Deno.test("a matrix times its own transpose has a gradient from either side", async () => {
  const { inputs: { a: x } } = makeCase({ leading: [2], M: 3, N: 1, K: 4, options: {} });
  const build: OpCase["build"] = (graph, { x }) => matmul(graph, x, x, { transposeB: true });
  await assertOpDifferentiates({ label: "x · xᵀ", inputs: { x }, build });
});

Deno.test("matmul gives the same bits for any number of workers", async () => {
  const [first, ...others] = await Promise.all([1, 2, 3].map(async (workers) => {
    await using backend = await createWasmBackend({ workers });
    const op = makeCase({ leading: [3], M: 139, N: 67, K: 521, options: { transposeB: true } });
    return await runOp(backend, op);
  }));
  for (const other of others) assertEquals(other, first);
});

/** Half the distance from 1 to the next float16. */
const HALF_ROUNDOFF = 2 ** -11;

for (const kernelsForHardware of [false, true]) {
  const kernels = kernelsForHardware ? "a real GPU's kernels" : "the adapter's kernels";
  halfTest(`matmul in f16 differs from float64 by f16's roundings alone, with ${kernels}`, async () => {
    await using backend = await createWebGpuBackend({ kernelsForHardware });
    for (const sizes of [...inEachLayout([[3, 33, 20, 17]]), ...sharing([2], 33, 20, 36)]) {
      const op = makeCase(sizes);
      // The host reads no f16: a sum over the first dimension is in f32, and so are the gradients of what is.
      const summed = { ...op, build: (...args: Parameters<OpCase["build"]>) => sum(args[0], op.build(...args), 0) };
      const expected = await runOp(await reference(), summed);
      const run = await GraphRun.load(backend, traceOp(summed), { precision: "f16" });
      const actual = await run.run();
      run.release();
      // Each term was rounded thrice at most: two operands and the result, or a gradient.
      const tolerance = 3 * Math.sqrt(3) * HALF_ROUNDOFF;
      for (const [name, values] of Object.entries(expected)) {
        const errors = Float64Array.from(values, (value, i) => actual[name][i] - value);
        const relative = rms(errors) / rms(values);
        assert(relative <= tolerance, `${op.label}: ${name} is off by ${relative}, more than ${tolerance}`);
        assert(relative > HALF_ROUNDOFF / 8, `${op.label}: ${name} was not computed in f16`);
      }
    }
  });
}

Deno.test("matmul refuses shapes that do not fit, by name", () => {
  const apply = (a: readonly number[], b: readonly number[], options?: MatmulOptions) =>
    matmul(new Graph(), new Tensor("a", a), new Tensor("b", b), options);
  for (
    const [a, b, options] of [
      [[3], [3, 2]],
      [[2, 3], [3]],
      [[2, 3], [4, 3, 2]],
      [[4, 2, 3], [2, 3, 5]],
      [[4, 2, 3], [1, 3, 5]],
      [[2, 3], [5, 3]],
      [[2, 3], [3, 5], { transposeB: true }],
      [[2, 3], [3, 5], { transposeA: true }],
    ] as const
  ) {
    const error = assertThrows(() => apply(a, b, options), RangeError, "must be (…, M, K) and (…, K, N) or (K, N)");
    assertEquals(error.message.includes(`a (${a.join(", ")})`), true, error.message);
  }
  assertThrows(() => apply([4, 3, 2], [3, 5], { transposeA: true }), RangeError, "as many matrices in both");
});
