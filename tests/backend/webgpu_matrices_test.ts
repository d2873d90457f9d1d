// Products on subgroup matrices. No adapter at hand has these, so plain WGSL stands for them: see emulated_matrices.ts.
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { DeviceTraits, WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import { describeBatched } from "../../kernels/wgsl/matmul/batched_matmul.ts";
import { matmulKernels } from "../../kernels/wgsl/matmul/linear.ts";
import { subgroupMatmul } from "../../kernels/wgsl/matmul/matmul_subgroup.ts";
import { type MatrixTile, matrixTileBytes, requireMatrixTile } from "../../kernels/wgsl/matmul/matmul_subgroup_tile.ts";
import {
  chooseMatrixVariant,
  fitsMatrices,
  MATRIX_TILES,
  type MatrixVariant,
  subgroupMatmulCall,
} from "../../kernels/wgsl/matmul/matmul_subgroup_call.ts";
import type { SubgroupMatrices } from "../../kernels/wgsl/matmul/subgroup_matrix.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { matmul, type MatmulOptions } from "../../lib/ops/matmul.ts";
import { selfTest } from "../../lib/self_test/self_test.ts";
import { reference } from "../harness/backends.ts";
import { emulateMatrices } from "../harness/emulated_matrices.ts";
import { halfTest } from "../harness/gpu.ts";
import { linearOf, linearTolerances } from "../harness/linear_case.ts";
import {
  assertOpAccumulates,
  assertOpIsDeterministic,
  assertOpMatchesReference,
  type OpCase,
} from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { dotTolerance } from "../harness/tolerance.ts";

const MATRICES: SubgroupMatrices = { order: "template", lanes: 32 };

/** The three products of a linear map, emulated. */
function allBy(variant: MatrixVariant): ReadonlyMap<string, WgslKernel> {
  return new Map(matmulKernels.map((kernel) => [kernel.name, (constants, _traits, halves = new Set()) => {
    const call = subgroupMatmulCall(kernel, constants, variant, MATRICES, halves);
    const [product, ...rest] = call.dispatches;
    return { ...call, dispatches: [{ ...product, source: emulateMatrices(product.source, MATRICES.lanes) }, ...rest] };
  }]));
}

/** A linear map whose arrays hold f16 exactly, so that staging them loses nothing and float32's tolerances hold. */
function halfLinear([rows, I, O]: readonly number[]): OpCase {
  const random = new Random(rows + 1000 * I + 1000003 * O);
  const draw = (count: number) => Float32Array.from(random.normal(count), Math.f16round);
  return {
    ...linearOf({ shape: [rows, I], data: draw(rows * I) }, { shape: [O, I], data: draw(O * I) }),
    dY: draw(rows * O),
  };
}

/** A product of two matrices that hold f16 exactly, in one of the layouts of `matmul`. */
function halfMatmul(M: number, N: number, K: number, options: MatmulOptions): OpCase {
  const random = new Random(M + 1000 * N + 1000003 * K);
  const draw = (rows: number, columns: number, transpose = false) => ({
    shape: transpose ? [columns, rows] : [rows, columns],
    data: Float32Array.from(random.normal(rows * columns), Math.f16round),
  });
  return {
    label: `matmul of matrices ${M} x ${N} x ${K} ${JSON.stringify(options)}`,
    inputs: { a: draw(M, K, options.transposeA), b: draw(K, N, options.transposeB) },
    build: (graph, { a, b }) => matmul(graph, a, b, options),
    dY: draw(M, N).data,
  };
}

/** The test's float64 oracle is shared by the whole file, so it is opened before any test counts its resources. */
await reference();

const SMALL: readonly MatrixTile[] = [
  { m: 32, n: 32, k: 16, across: 1, down: 2, buffers: 1 },
  { m: 32, n: 32, k: 32, across: 2, down: 1, buffers: 2 },
  { m: 64, n: 32, k: 16, across: 2, down: 2, buffers: 2 },
];

for (const tile of SMALL) {
  const { m, n, k, buffers } = tile;
  // Whole tiles are stored past workgroup memory; the others through it, four at a time where N divides by 4.
  const whole = [2 * m, 2 * Math.max(m, n), 2 * n];
  const odd = [m + 1, 2 * k - 1, n - 1];
  const alignedParts = [m + 4, k + 4, n - 4];
  for (
    const { splits, sizes } of [{ splits: 1, sizes: [whole, odd, alignedParts] }, { splits: 3, sizes: [odd, whole] }]
  ) {
    halfTest(
      `matmul by matrices ${m} x ${n} x ${k}, ${buffers} buffers, in ${splits} splits equals the reference`,
      async () => {
        await using backend = await createWebGpuBackend({ kernels: allBy({ tile, splits }) });
        for (const size of sizes) {
          const op = halfLinear(size);
          await assertOpMatchesReference(backend, op, linearTolerances(op));
          await assertOpAccumulates(backend, op, linearTolerances(op));
        }
        await assertOpIsDeterministic(backend, halfLinear(odd));
      },
    );
  }
}

halfTest("matmul of the library by matrices equals the reference in each layout", async () => {
  const variant: MatrixVariant = { tile: SMALL[1], splits: 1 };
  const kernel: WgslKernel = (constants, _traits, halves = new Set()) => {
    const { dispatches: [product] } = subgroupMatmulCall(
      describeBatched(constants),
      constants,
      variant,
      MATRICES,
      halves,
    );
    return { dispatches: [{ ...product, source: emulateMatrices(product.source, MATRICES.lanes) }] };
  };
  await using backend = await createWebGpuBackend({ kernels: new Map([["batched_matmul", kernel]]) });
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const op = halfMatmul(33, 36, 67, { transposeA, transposeB });
      const { a, b } = op.inputs;
      const tolerances = {
        y: dotTolerance(67, a.data, b.data),
        d_a: dotTolerance(36, op.dY!, b.data),
        d_b: dotTolerance(33, op.dY!, a.data),
      };
      await assertOpMatchesReference(backend, op, tolerances);
      await assertOpAccumulates(backend, op, tolerances);
    }
  }
});

halfTest("matmul by matrices passes the self-test of arrays in f16", async () => {
  await using backend = await createWebGpuBackend({ kernels: allBy({ tile: SMALL[1], splits: 2 }) });
  await using oracle = await createWasmBackend();
  assertEquals(await selfTest(backend, oracle, { precision: "f16" }), []);
});

halfTest("matmul by the smallest tile that a real GPU would use equals the reference", async () => {
  // The larger ones have more of the same, and an emulation of their sums takes half a minute to compile.
  const { tile } = MATRIX_TILES.at(-1)!;
  await using backend = await createWebGpuBackend({ kernels: allBy({ tile, splits: 1 }) });
  const op = halfLinear([tile.m, tile.k + 4, tile.n]);
  await assertOpMatchesReference(backend, op, linearTolerances(op));
});

Deno.test("a tile of matrices that does not come out even is refused", () => {
  const [forward, backwardInput, backwardWeight] = matmulKernels;
  const forwardOf = (tile: MatrixTile) => () =>
    subgroupMatmul(forward, tile, MATRICES, {
      aVec4: true,
      bVec4: true,
      cVec4: true,
      wholeK: true,
      splitK: false,
      aHalf: true,
      bHalf: true,
      direct: true,
    });
  const tile: MatrixTile = { m: 64, n: 64, k: 32, across: 2, down: 2, buffers: 1 };
  assertThrows(forwardOf({ ...tile, k: 24 }), RangeError, "k a multiple of 16");
  assertThrows(forwardOf({ ...tile, m: 48 }), RangeError, "m a multiple of 16 · down");
  assertThrows(forwardOf({ ...tile, n: 16 }), RangeError, "n a multiple of 16 · across");
  assertThrows(forwardOf({ ...tile, across: 0 }), RangeError, "positive whole numbers");
  assertThrows(forwardOf({ ...tile, m: 96, k: 16, across: 4 }), RangeError, "m · k a multiple of 4 · 256 invocations");
  for (const kernel of [forward, backwardInput, backwardWeight]) {
    for (const { tile } of MATRIX_TILES) requireMatrixTile(kernel, tile, MATRICES.lanes);
    const bytes = MATRIX_TILES.map(({ tile }) => matrixTileBytes(kernel, tile));
    assert(Math.min(...bytes) <= 32768, "32 KiB of workgroup memory are to be enough");
  }
});

Deno.test("matrices are for large products of f16, on devices that have them", () => {
  const traits: DeviceTraits = {
    software: false,
    maxWorkgroupBytes: 49152,
    maxInvocations: 1024,
    maxBindingBytes: 2 ** 31 - 4,
    matrices: MATRICES,
  };
  const [forward, , backwardWeight] = matmulKernels;
  const large = { rows: 32768, I: 512, O: 1344, accumulate: 0 };
  const halves = new Set([0, 1, 2]);
  const chosen = chooseMatrixVariant(forward, large, traits, halves);
  assertEquals(chosen?.splits, 1);
  assert(fitsMatrices(forward, chosen!.tile, traits));
  // 44 tiles of 128 x 128 would leave most of a GPU idle: the 32,768 rows are split, whichever tile it is.
  for (const { tile } of MATRIX_TILES.filter(({ tile }) => fitsMatrices(backwardWeight, tile, traits))) {
    const rates = Object.fromEntries(matmulKernels.map(({ name }) => [name, 1]));
    const only = { ...traits, matrixTiles: [{ tile, rates }] };
    assertEquals(chooseMatrixVariant(backwardWeight, large, only, new Set([0, 1])), { tile, splits: 9 });
  }
  // The tile that was measured to be the fastest with this kernel is taken.
  const measured = MATRIX_TILES.map(({ tile }, i) => ({ tile, rates: { linear_forward: i === 1 ? 5 : 1 } }));
  const tuned = { ...traits, matrixTiles: measured };
  assertEquals(chooseMatrixVariant(forward, large, tuned, halves)?.tile, MATRIX_TILES[1].tile);
  assertEquals(chooseMatrixVariant(forward, large, { ...traits, matrices: undefined }, halves), undefined);
  assertEquals(chooseMatrixVariant(forward, large, traits, new Set([0])), undefined);
  assertEquals(chooseMatrixVariant(forward, { ...large, rows: 4 }, traits, halves), undefined);
  const few = { ...traits, maxInvocations: 128 };
  assert(fitsMatrices(forward, chooseMatrixVariant(forward, large, few, halves)!.tile, few));
  assertEquals(chooseMatrixVariant(forward, large, { ...traits, maxInvocations: 64 }, halves), undefined);
});

for (const order of ["template", "argument"] as const) {
  Deno.test(`the order of a matrix is written as ${order}`, () => {
    const constants = { rows: 128, I: 64, O: 128 };
    const variant = { tile: { m: 64, n: 64, k: 32, across: 2, down: 2, buffers: 1 } as const, splits: 1 };
    const call = subgroupMatmulCall(matmulKernels[0], constants, variant, { order, lanes: 32 }, new Set());
    const [{ source }] = call.dispatches;
    const [load, store] = order === "template"
      ? [
        "subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&b_tile, (part_column + 16u) * 40u + 0u, 40u)",
        "subgroupMatrixStore<row_major>(&y, (row + part_row + 16u) * N + column + part_column + 0u, sum1_0, N);",
      ]
      : [
        "subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>>(&b_tile, (part_column + 16u) * 40u + 0u, true, 40u)",
        "subgroupMatrixStore(&y, (row + part_row + 16u) * N + column + part_column + 0u, sum1_0, false, N);",
      ];
    assert(source.includes(load), source);
    assert(source.includes(store), source);
  });
}
