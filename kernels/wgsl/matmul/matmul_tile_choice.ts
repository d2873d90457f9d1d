import type { DeviceTraits } from "../dispatch.ts";
import type { MatmulKernel, MatmulSizes } from "./matmul_source.ts";
import { type RatedTile, type Tile, tileBytes } from "./matmul_tile.ts";

const rated = (tile: Tile, forward: number, backwardInput: number, backwardWeight: number): RatedTile => ({
  tile,
  rates: {
    linear_forward: forward,
    linear_backward_input: backwardInput,
    linear_backward_weight: backwardWeight,
  },
});

/**
 * Tiles for a real GPU. Larger ones read memory less often, smaller ones make more workgroups and waste less where C does
 * not come out even. The small ones are shallow, because their workgroups are at different places of the loop at a time:
 * its 16 steps, twice, of 8 × 8 products are more instructions than an H100 keeps at hand, and 64 x 64 x 16 took 1.7 times
 * as long as 64 x 64 x 8.
 *
 * The rates are in TFLOP/s on an H100, and only there until a GPU's own were measured; see lib/measure/tile_rates.ts. That
 * of 64 x 64 x 8 is put together from measurements at another clock.
 */
export const TILES: readonly RatedTile[] = [
  rated({ m: 128, n: 192, k: 16, across: 16, down: 16 }, 38.6, 43.9, 46),
  rated({ m: 192, n: 128, k: 16, across: 16, down: 16 }, 38.6, 39.3, 46),
  rated({ m: 128, n: 128, k: 16, across: 16, down: 16 }, 38.9, 40.8, 44.3),
  rated({ m: 128, n: 128, k: 8, across: 16, down: 16 }, 37.6, 34.8, 38.6),
  rated({ m: 64, n: 64, k: 8, across: 8, down: 8 }, 34, 34, 38),
  rated({ m: 32, n: 32, k: 16, across: 8, down: 8 }, 22.5, 25.8, 29.7),
];

/** Workgroups that keep a large GPU busy: about two for each of its hundred-odd multiprocessors. */
const BUSY_WORKGROUPS = 256;

/** Workgroups that a large GPU has room for and does not have, on average, while the last ones finish. */
const IDLE_WORKGROUPS = 64;

/** K is split no finer than this to get so many, so that a split's own work outweighs the sum over splits. */
const MIN_SPLIT_K = 256;

/** So many that the last ones to finish no longer leave most of the GPU idle for long. */
const EVEN_WORKGROUPS = 1024;

/** K is split no finer than this to get so many: the sum over splits then costs a few percent. */
const MIN_EVEN_SPLIT_K = 1024;

/** Sides of the square tiles by which it is decided how often K is split. */
const NOMINAL_SIDES = [128, 64, 32];

/** Parts of K are whole multiples of this, as every tile's depth divides it. */
export const SPLIT_DEPTH = 32;

/**
 * How often K is split. It depends on the sizes alone, and not on the tile: the order of a sum decides its last bits, and
 * with the same parts of K every tile adds up in the same order.
 */
export function chooseSplits({ M, N, K }: MatmulSizes): number {
  const workgroups = (side: number) => Math.ceil(M / side) * Math.ceil(N / side);
  const maxSplits = Math.max(1, Math.floor(K / MIN_SPLIT_K));
  const side = NOMINAL_SIDES.find((side) => workgroups(side) * maxSplits >= BUSY_WORKGROUPS) ?? NOMINAL_SIDES.at(-1)!;
  const toBusy = Math.min(maxSplits, Math.ceil(BUSY_WORKGROUPS / workgroups(side)));
  const toEven = Math.min(Math.floor(K / MIN_EVEN_SPLIT_K), Math.ceil(EVEN_WORKGROUPS / workgroups(side)));
  return Math.max(toBusy, toEven);
}

/**
 * The tile with which a product should take the least time: the device's rate for it, less what falls outside of C and what
 * of the device would be idle.
 */
export function chooseTile(kernel: MatmulKernel, sizes: MatmulSizes, splits: number, traits: DeviceTraits): Tile {
  const { M, N } = sizes;
  const speed = ({ tile, rates }: RatedTile): number => {
    const workgroups = Math.ceil(M / tile.m) * Math.ceil(N / tile.n);
    const useful = M * N / (workgroups * tile.m * tile.n);
    const busy = workgroups * splits / (workgroups * splits + IDLE_WORKGROUPS);
    return rates[kernel.ratedAs ?? kernel.name] * useful * busy;
  };
  const fitting = (traits.tiles ?? TILES).filter(({ tile }) => fits(kernel, tile, traits));
  return fitting.reduce((best, next) => speed(next) > speed(best) ? next : best).tile;
}

/** Whether a device has the workgroup memory and the invocations for a tile. */
export function fits(
  kernel: Pick<MatmulKernel, "a" | "b">,
  tile: Tile,
  { maxInvocations, maxWorkgroupBytes }: Pick<DeviceTraits, "maxInvocations" | "maxWorkgroupBytes">,
): boolean {
  return tile.across * tile.down <= maxInvocations && tileBytes(kernel, tile) <= maxWorkgroupBytes;
}
