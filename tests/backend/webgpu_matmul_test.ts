// Every way in which WebGPU multiplies matrices, those that a real GPU would pick included, on whatever adapter there is.
import { assertEquals } from "@std/assert";
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import { chooseVariant, matmulCall, matmulKernels, TILES, type Variant } from "../../kernels/wgsl/linear.ts";
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
