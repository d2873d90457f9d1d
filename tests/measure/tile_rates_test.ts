import { assert, assertEquals } from "@std/assert";
import { matmulKernels } from "../../kernels/wgsl/linear.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { measureTileRates } from "../../lib/measure/tile_rates.ts";
import { gpuTest } from "../harness/gpu.ts";

const SMALL = { m: 16, n: 16, k: 8, across: 2, down: 4 };
const OBLONG = { m: 16, n: 32, k: 8, across: 4, down: 2 };
const TOO_LARGE = { m: 4096, n: 4096, k: 64, across: 16, down: 16 };

gpuTest("each tile that fits is rated with each product, and nothing stays behind", async () => {
  await using backend = await createWebGpuBackend({ kernelsForHardware: true });
  const before = [{ tile: SMALL, rates: {} }];
  backend.useTiles(before);
  const rated = await measureTileRates(backend, [SMALL, TOO_LARGE, OBLONG], { M: 96, N: 64, K: 40 });
  assert(rated !== undefined);
  assertEquals(rated.map(({ tile }) => tile), [SMALL, OBLONG]);
  for (const { rates } of rated) {
    assertEquals(Object.keys(rates).toSorted(), matmulKernels.map(({ name }) => name).toSorted());
    // Slower than a pocket calculator or faster than any chip: a mistake in counting.
    for (const rate of Object.values(rates)) assert(rate > 1e3 && rate < 1e16, `${rate} FLOP/s`);
  }
  assertEquals(backend.traits.tiles, before);
  assertEquals(backend.bytesInUse, 0);
});
