// Measures once which tiles suit the GPU, and remembers it.
import { matmulKernels } from "../../kernels/wgsl/matmul/linear.ts";
import { MATRIX_TILES, matrixTileLabel } from "../../kernels/wgsl/matmul/matmul_subgroup_call.ts";
import { subgroupMatmul } from "../../kernels/wgsl/matmul/matmul_subgroup.ts";
import { TILES } from "../../kernels/wgsl/matmul/matmul_tile_choice.ts";
import { tileLabel } from "../../kernels/wgsl/matmul/matmul_tile.ts";
import { tiledMatmul } from "../../kernels/wgsl/matmul/matmul_tiled.ts";
import { formatSi } from "../../lib/accounting/units.ts";
import type { WebGpuBackend } from "../../lib/backend/webgpu.ts";
import { sha256 } from "../../lib/io/sha256.ts";
import { measureMatrixTileRates, measureTileRates } from "../../lib/measure/tile_rates.ts";
import { note, recall } from "./device_cache.ts";

/** How long a measurement counts. A stale one costs speed, and never changes a result. */
const VALID_MS = 30 * 24 * 60 * 60 * 1000;

/** Gives a GPU its tiles, by a measurement of some seconds where there is none yet. */
export async function chooseTiles(backend: WebGpuBackend): Promise<void> {
  const options = { aVec4: true, bVec4: true, cVec4: true, wholeK: true, splitK: false };
  const rates = await ratesOf(backend, "tiles", {
    tiles: TILES.map(({ tile }) => tile),
    label: tileLabel,
    sourceOf: (kernel, tile) => tiledMatmul(kernel, tile, options),
    measure: (onWrong) => measureTileRates(backend, { onWrong }),
  });
  if (rates) backend.useTiles(rates);
}

/** Gives a GPU with matrix units the tiles for those. */
export async function chooseMatrixTiles(backend: WebGpuBackend): Promise<void> {
  const matrices = backend.traits.matrices!;
  const divides = { aVec4: true, bVec4: true, cVec4: true, wholeK: true, splitK: false };
  const options = { ...divides, aHalf: true, bHalf: true, direct: true };
  const rates = await ratesOf(backend, "matrix tiles", {
    tiles: MATRIX_TILES.map(({ tile }) => tile),
    label: (tile) => matrixTileLabel(tile, matrices),
    sourceOf: (kernel, tile) => subgroupMatmul(kernel, tile, matrices, options),
    measure: (onWrong) => measureMatrixTileRates(backend, { onWrong }),
  });
  if (rates) backend.useMatrixTiles(rates);
}

interface Rated<T> {
  readonly tile: T;
  readonly rates: Readonly<Record<string, number>>;
}

/** One kind of tiles. */
interface TileKind<T> {
  readonly tiles: readonly T[];
  readonly label: (tile: T) => string;
  readonly sourceOf: (kernel: (typeof matmulKernels)[number], tile: T) => string;
  readonly measure: (onWrong: (tile: T, kernel: string) => void) => Promise<readonly Rated<T>[] | undefined>;
}

async function ratesOf<T>(
  backend: WebGpuBackend,
  what: string,
  { tiles, label, sourceOf, measure }: TileKind<T>,
): Promise<readonly Rated<T>[] | undefined> {
  const { description, software } = backend.adapter;
  // A CPU that poses as a GPU uses no tiles.
  if (software) return undefined;
  const sources = tiles.flatMap((tile) => matmulKernels.map((kernel) => sourceOf(kernel, tile)));
  const device = { name: `${what} of ${description}`, fingerprint: sha256(sources.join("\n")) };
  const known = ratesIn(recall(device, VALID_MS), tiles);
  if (known !== undefined) return known;
  const products = matmulKernels.map(({ name }) => name).join(", ");
  console.error(`Measuring which ${what} suit ${description}, once, for half a minute at most. ${products}:`);
  const measured = await measure((tile, kernel) =>
    console.error(`WARNING: a tile of ${label(tile)} is left out: ${kernel} computes wrong results with it`)
  );
  if (measured === undefined || measured.length === 0) return undefined;
  for (const { tile, rates } of measured) {
    const each = matmulKernels.map(({ name }) => formatSi(rates[name], "FLOP/s")).join(", ");
    console.error(`  ${label(tile)}: ${each}`);
  }
  note(device, measured);
  return measured;
}

/** Rates as they were noted; `undefined` if it is anything else. */
function ratesIn<T>(value: unknown, tiles: readonly T[]): readonly Rated<T>[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const isRated = value.every((entry: Partial<Rated<T>> | null) =>
    tiles.some((tile) => JSON.stringify(tile) === JSON.stringify(entry?.tile)) &&
    matmulKernels.every(({ name }) => Number(entry?.rates?.[name]) > 0)
  );
  return isRated ? value as Rated<T>[] : undefined;
}
