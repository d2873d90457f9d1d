import { assert, assertEquals } from "@std/assert";
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import { matmulKernels } from "../../kernels/wgsl/matmul/linear.ts";
import type { Tile } from "../../kernels/wgsl/matmul/matmul_tile.ts";
import { wgslKernels } from "../../kernels/wgsl/mod.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { measureTileRates } from "../../lib/measure/tile_rates.ts";
import { gpuTest } from "../harness/gpu.ts";

const SMALL = { m: 16, n: 16, k: 8, across: 2, down: 4 };
const OBLONG = { m: 16, n: 32, k: 8, across: 4, down: 2 };
const SIZES = { M: 96, N: 64, K: 40 };
const TOO_LARGE = { m: 4096, n: 4096, k: 64, across: 16, down: 16 };

gpuTest("each tile that fits is rated with each product, and nothing stays behind", async () => {
  await using backend = await createWebGpuBackend({ kernelsForHardware: true });
  const before = [{ tile: SMALL, rates: {} }];
  backend.useTiles(before);
  const rated = await measureTileRates(backend, { tiles: [SMALL, TOO_LARGE, OBLONG], sizes: SIZES });
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

gpuTest("a tile that computes wrong results is left out, and named", async () => {
  const [forward, backwardInput] = matmulKernels;
  // Reads one step of K less than there are, with one tile and in one kernel.
  const short: WgslKernel = (constants, traits) => {
    const call = wgslKernels.get(backwardInput.name)!(constants, traits);
    if (traits.tiles?.[0].tile !== OBLONG) return call;
    return {
      dispatches: call.dispatches.map((it) => ({ ...it, params: [constants.rows, constants.I, constants.O - 1, 0] })),
    };
  };
  await using backend = await createWebGpuBackend({
    kernelsForHardware: true,
    kernels: new Map([[backwardInput.name, short]]),
  });
  const wrong: unknown[] = [];
  const onWrong = (tile: Tile, kernel: string) => wrong.push([tile, kernel]);
  const rated = await measureTileRates(backend, { tiles: [OBLONG, SMALL], sizes: SIZES, onWrong });
  assertEquals(wrong, [[OBLONG, backwardInput.name]]);
  assertEquals(rated!.map(({ tile }) => tile), [SMALL]);
  assert(rated![0].rates[forward.name] > 0);
});
