// Every way in which WebGPU multiplies matrices, those that a real GPU would pick included, on whatever adapter there is.
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import { chooseVariant, matmulCall, matmulKernels, type Variant } from "../../kernels/wgsl/matmul/linear.ts";
import type { MatmulKernel, MatmulSizes } from "../../kernels/wgsl/matmul/matmul_source.ts";
import { requireTile, type Tile, tileBytes, tileLabel } from "../../kernels/wgsl/matmul/matmul_tile.ts";
import { TILES } from "../../kernels/wgsl/matmul/matmul_tile_choice.ts";
import { tiledMatmul } from "../../kernels/wgsl/matmul/matmul_tiled.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { gpuTest } from "../harness/gpu.ts";
import { linearTolerances, randomLinear } from "../harness/linear_case.ts";
import { assertOpAccumulates, assertOpIsDeterministic, assertOpMatchesReference, runOp } from "../harness/op_case.ts";
import { reference } from "../harness/backends.ts";

/** The three products of a linear map, all by one variant. */
function allBy(variant: Variant): ReadonlyMap<string, WgslKernel> {
  return new Map(matmulKernels.map((kernel) => [kernel.name, (constants) => matmulCall(kernel, constants, variant)]));
}

/** The test's float64 oracle is shared by the whole file, so it is opened before any test counts its resources. */
await reference();

for (const { tile } of TILES) {
  const { m, n, k } = tile;
  gpuTest(`matmul tiled ${tileLabel(tile)} equals the reference`, async () => {
    await using backend = await createWebGpuBackend({ kernels: allBy({ kind: "tiled", tile, splits: 1 }) });
    // Two sizes, because a software adapter takes seconds to compile a large tile: one with nothing even, one with vec4.
    for (const size of [[m + 1, 2 * k - 1, n - 1], [2 * m + 4, k + 4, n - 4]]) {
      const op = randomLinear(size);
      await assertOpMatchesReference(backend, op, linearTolerances(op));
    }
  });
}

for (const splits of [1, 3]) {
  const tile = TILES.at(-1)!.tile;
  const { m, n, k } = tile;
  gpuTest(`matmul tiled ${tileLabel(tile)} in ${splits} splits adds, and repeats itself to the bit`, async () => {
    await using backend = await createWebGpuBackend({ kernels: allBy({ kind: "tiled", tile, splits }) });
    for (const size of [[m, 6 * k, n], [m + 1, 6 * k - 1, n - 1], [2 * m + 4, 5 * k + 4, n - 4]]) {
      const op = randomLinear(size);
      await assertOpMatchesReference(backend, op, linearTolerances(op));
      await assertOpAccumulates(backend, op, linearTolerances(op));
      await assertOpIsDeterministic(backend, op);
    }
  });
}

gpuTest("every tile gives the same bits, whether K is split or not", async () => {
  const tiles = [...TILES.slice(-2).map(({ tile }) => tile), { m: 16, n: 16, k: 8, across: 2, down: 4 }];
  for (const splits of [1, 2]) {
    const op = randomLinear([70, 100, 36]);
    const results: Awaited<ReturnType<typeof runOp>>[] = [];
    for (const tile of tiles) {
      await using backend = await createWebGpuBackend({ kernels: allBy({ kind: "tiled", tile, splits }) });
      results.push(await runOp(backend, op));
    }
    for (const other of results.slice(1)) assertEquals(other, results[0]);
  }
});

/** Small tiles of all forms, which compile fast: those that every product can be tiled by, and those that one cannot. */
function smallTiles(): { readonly right: readonly Tile[]; readonly wrong: readonly Tile[] } {
  const right: Tile[] = [];
  const wrong: Tile[] = [];
  for (
    const [m, n, k] of [[4, 4, 4], [8, 4, 4], [4, 8, 4], [16, 8, 8], [8, 32, 8], [12, 16, 8], [16, 24, 12], [24, 8, 4]]
  ) {
    for (const across of [1, 2, 3, 4, 8]) {
      for (const down of [1, 2, 3, 4, 8]) {
        const tile = { m, n, k, across, down };
        (matmulKernels.every((kernel) => isAccepted(kernel, tile)) ? right : wrong).push(tile);
      }
    }
  }
  return { right, wrong };
}

function isAccepted(kernel: MatmulKernel, tile: Tile): boolean {
  try {
    requireTile(kernel, tile);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

Deno.test("a tile that does not come out even is refused, and none is whose shares are whole", () => {
  const forwardOf = (tile: Tile) => () =>
    tiledMatmul(matmulKernels[0], tile, { aVec4: true, bVec4: true, cVec4: true, wholeK: true, splitK: false });
  assertThrows(forwardOf({ m: 128, n: 64, k: 8, across: 16, down: 16 }), RangeError, "n · k a multiple of");
  assertThrows(forwardOf({ m: 64, n: 64, k: 6, across: 8, down: 8 }), RangeError, "k a multiple of 4");
  assertThrows(forwardOf({ m: 60, n: 64, k: 16, across: 8, down: 8 }), RangeError, "m a multiple of 4 · down");
  assertThrows(forwardOf({ m: 64, n: 16, k: 16, across: 8, down: 8 }), RangeError, "n a multiple of 4 · across");
  assertThrows(forwardOf({ m: 64, n: 64, k: 16, across: 0, down: 8 }), RangeError, "positive whole numbers");
  for (const { tile } of TILES) for (const kernel of matmulKernels) requireTile(kernel, tile);
  const { right, wrong } = smallTiles();
  assert(right.length >= 30 && wrong.length >= 30, `${right.length} right, ${wrong.length} wrong`);
});

gpuTest("matmul by forms of tile that are accepted equals the reference", async () => {
  // Several rows and columns of tiles, none of them whole.
  const op = randomLinear([19, 11, 21]);
  // Of each size the two that most invocations share: what one does alone is unrolled, and takes long to compile.
  const bySize = Map.groupBy(smallTiles().right, ({ m, n, k }) => `${m} ${n} ${k}`);
  for (const tiles of bySize.values()) {
    for (const tile of tiles.toSorted((a, b) => b.across * b.down - a.across * a.down).slice(0, 2)) {
      if (tile.m * tile.n / tile.across / tile.down > 32) continue;
      await using backend = await createWebGpuBackend({ kernels: allBy({ kind: "tiled", tile, splits: 1 }) });
      await assertOpMatchesReference(backend, op, linearTolerances(op));
    }
  }
});

for (const [m, n] of [[1, 1], [1, 4], [2, 2], [4, 1], [4, 4], [8, 8]]) {
  gpuTest(`matmul direct ${m} x ${n} equals the reference`, async () => {
    await using backend = await createWebGpuBackend({ kernels: allBy({ kind: "direct", tile: { m, n } }) });
    for (const size of [[1, 1, 1], [4, 8, 12], [7, 4, 9], [8, 5, 17], [13, 7, 6]]) {
      const op = randomLinear(size);
      await assertOpMatchesReference(backend, op, linearTolerances(op));
    }
  });
}

gpuTest("matmul as a real GPU would do it equals the reference", async () => {
  await using backend = await createWebGpuBackend({ kernelsForHardware: true });
  // One to four rows are skinny, whether the inner size divides by 4 or not.
  for (const size of [[1, 260, 9], [2, 64, 4], [3, 129, 30], [4, 1021, 17], [5, 7, 3], [67, 1031, 130]]) {
    const op = randomLinear(size);
    await assertOpMatchesReference(backend, op, linearTolerances(op));
  }
});

Deno.test("a real GPU gets the tile with which the least is wasted, and enough workgroups for long thin products", () => {
  const traits = { software: false, maxWorkgroupBytes: 49152, maxInvocations: 1024, maxBindingBytes: 2 ** 31 - 4 };
  const [forward, backwardInput, backwardWeight] = matmulKernels;
  const square = { m: 128, n: 128, k: 16, across: 16, down: 16 };
  const wide = { m: 128, n: 192, k: 16, across: 16, down: 16 };
  const small = { m: 32, n: 32, k: 16, across: 8, down: 8 };
  const even = Object.fromEntries(matmulKernels.map(({ name }) => [name, 1]));
  const chosen = (
    sizes: MatmulSizes,
    kernel = forward,
    tiles = [square, wide].map((tile) => ({ tile, rates: even })),
  ) => chooseVariant(sizes, kernel, { ...traits, tiles });
  // 1344 = 7 · 192, and 512 = 4 · 128: the other tile would compute 5 % or 12 % for nothing.
  assertEquals(chosen({ M: 16384, N: 1344, K: 512 }), { kind: "tiled", tile: wide, splits: 1 });
  assertEquals(chosen({ M: 16384, N: 512, K: 512 }), { kind: "tiled", tile: square, splits: 1 });
  // A tile that is much faster wins all the same, for the kernel that it is faster with.
  const faster = [{ tile: square, rates: { ...even, linear_forward: 2 } }, { tile: wide, rates: even }];
  assertEquals(chosen({ M: 16384, N: 1344, K: 512 }, forward, faster), { kind: "tiled", tile: square, splits: 1 });
  assertEquals(chosen({ M: 16384, N: 1344, K: 512 }, backwardInput, faster), { kind: "tiled", tile: wide, splits: 1 });
  // Few large tiles would leave most of a GPU idle.
  const two = [{ tile: square, rates: even }, { tile: small, rates: { ...even, linear_forward: 0.5 } }];
  assertEquals(chosen({ M: 256, N: 256, K: 64 }, forward, two), { kind: "tiled", tile: small, splits: 1 });
  assertEquals(chosen({ M: 8192, N: 2048, K: 64 }, forward, two), { kind: "tiled", tile: square, splits: 1 });
  // The 16,384 rows are split, by the sizes alone.
  assertEquals(chosen({ M: 512, N: 512, K: 16384 }, backwardWeight), { kind: "tiled", tile: square, splits: 16 });
  assertEquals(chosen({ M: 512, N: 512, K: 16384 }, backwardWeight, two).kind, "tiled");
  assertEquals(chooseVariant({ M: 1, N: 512, K: 512 }, forward, traits), { kind: "skinny" });
  assertEquals(chooseVariant({ M: 1, N: 512, K: 512 }, backwardInput, traits).kind, "direct");
});

Deno.test("an adapter with the least that WebGPU promises gets tiles that fit", () => {
  const traits = { software: false, maxWorkgroupBytes: 16384, maxInvocations: 128, maxBindingBytes: 2 ** 27 };
  for (const kernel of matmulKernels) {
    for (const sizes of [{ M: 16384, N: 1344, K: 512 }, { M: 17, N: 30, K: 20 }, { M: 512, N: 512, K: 16384 }]) {
      const variant = chooseVariant(sizes, kernel, traits);
      assert(variant.kind === "tiled");
      assert(tileBytes(kernel, variant.tile) <= 16384 && variant.tile.across * variant.tile.down <= 128);
    }
  }
});
