// Every way in which WebGPU multiplies matrices, those that a real GPU would pick included, on whatever adapter there is.
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import { chooseVariant, matmulCall, matmulKernels, TILES, type Variant } from "../../kernels/wgsl/linear.ts";
import type { MatmulKernel } from "../../kernels/wgsl/matmul_source.ts";
import { requireTile, type Tile, tiledMatmul } from "../../kernels/wgsl/matmul_tiled.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { gpuTest } from "../harness/gpu.ts";
import { linearTolerances, randomLinear } from "../harness/linear_case.ts";
import { assertOpAccumulates, assertOpIsDeterministic, assertOpMatchesReference } from "../harness/op_case.ts";
import { reference } from "../harness/backends.ts";

/** The three products of a linear map, all by one variant. */
function allBy(variant: Variant): ReadonlyMap<string, WgslKernel> {
  return new Map(matmulKernels.map((kernel) => [kernel.name, (constants) => matmulCall(kernel, constants, variant)]));
}

/** The test's float64 oracle is shared by the whole file, so it is opened before any test counts its resources. */
await reference();

for (const tile of TILES) {
  const { m, n, k } = tile;
  // Few sizes, because a software adapter takes seconds to compile each combination of tile and alignment.
  const whole = [m, 2 * k, n];
  const odd = [m + 1, 2 * k - 1, n - 1];
  const alignedParts = [2 * m + 4, k + 4, n - 4];
  for (const { splits, sizes } of [{ splits: 1, sizes: [whole, odd, alignedParts] }, { splits: 3, sizes: [odd] }]) {
    gpuTest(`matmul tiled ${m} x ${n} x ${k} in ${splits} splits equals the reference`, async () => {
      await using backend = await createWebGpuBackend({ kernels: allBy({ kind: "tiled", tile, splits }) });
      for (const size of sizes) {
        const op = randomLinear(size);
        await assertOpMatchesReference(backend, op, linearTolerances(op));
      }
      const op = randomLinear(odd);
      await assertOpAccumulates(backend, op, linearTolerances(op));
      await assertOpIsDeterministic(backend, op);
    });
  }
}

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
  assertThrows(forwardOf({ m: 60, n: 64, k: 16, across: 8, down: 8 }), RangeError, "m a multiple of down");
  assertThrows(forwardOf({ m: 64, n: 16, k: 16, across: 8, down: 8 }), RangeError, "n a multiple of 4 · across");
  assertThrows(forwardOf({ m: 64, n: 64, k: 16, across: 0, down: 8 }), RangeError, "positive whole numbers");
  for (const tile of TILES) for (const kernel of matmulKernels) requireTile(kernel, tile);
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

Deno.test("a real GPU gets large tiles for large products, and enough workgroups for long thin ones", () => {
  const traits = { software: false, maxWorkgroupBytes: 32768, maxInvocations: 1024, maxBindingBytes: 2 ** 31 - 4 };
  const [forward, backwardInput, backwardWeight] = matmulKernels;
  const large = { M: 16384, N: 1344, K: 512 };
  assertEquals(chooseVariant(large, forward, traits), { kind: "tiled", tile: TILES[0], splits: 1 });
  assertEquals(chooseVariant({ M: 1, N: 512, K: 512 }, forward, traits), { kind: "skinny" });
  assertEquals(chooseVariant({ M: 1, N: 512, K: 512 }, backwardInput, traits).kind, "direct");
  // 16 tiles would leave most of a GPU idle: the 16,384 rows are split.
  assertEquals(chooseVariant({ M: 512, N: 512, K: 16384 }, backwardWeight, traits), {
    kind: "tiled",
    tile: TILES[0],
    splits: 16,
  });
  // An adapter with little workgroup memory or few invocations gets tiles that fit.
  const small = { software: false, maxWorkgroupBytes: 16384, maxInvocations: 128, maxBindingBytes: 2 ** 31 - 4 };
  assertEquals(chooseVariant(large, forward, small), { kind: "tiled", tile: TILES[1], splits: 1 });
});
