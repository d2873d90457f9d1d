// Which tiles suit a person's GPU: measured once, and remembered.
import { matmulKernels } from "../../kernels/wgsl/linear.ts";
import { TILES } from "../../kernels/wgsl/matmul_tile_choice.ts";
import { type RatedTile, type Tile, tileLabel } from "../../kernels/wgsl/matmul_tile.ts";
import { tiledMatmul } from "../../kernels/wgsl/matmul_tiled.ts";
import type { WebGpuBackend } from "../../lib/backend/webgpu.ts";
import { sha256 } from "../../lib/io/sha256.ts";
import { measureTileRates } from "../../lib/measure/tile_rates.ts";
import { note, recall } from "./device_cache.ts";

/** How long a measurement counts. A stale one costs speed, and never changes a result. */
const VALID_MS = 30 * 24 * 60 * 60 * 1000;

/** Gives a GPU its tiles, by a measurement of some seconds where there is none yet. */
export async function chooseTiles(backend: WebGpuBackend): Promise<void> {
  const { description, software } = backend.adapter;
  // A CPU that poses as a GPU uses no tiles.
  if (software) return;
  const device = { name: `Tiles of ${description}`, fingerprint: fingerprintOfTiles() };
  const known = ratesIn(recall(device, VALID_MS));
  if (known !== undefined) return backend.useTiles(known);
  console.error(`Measuring which matrix tiles suit ${description}: some seconds, once …`);
  const onWrong = (tile: Tile, kernel: string) =>
    console.error(`WARNING: a tile of ${tileLabel(tile)} is left out: ${kernel} computes wrong results with it`);
  const measured = await measureTileRates(backend, { onWrong });
  if (measured === undefined || measured.length === 0) return;
  backend.useTiles(measured);
  note(device, measured);
}

/** Of the kernels' sources with every tile. */
function fingerprintOfTiles(): string {
  const options = { aVec4: true, bVec4: true, cVec4: true, wholeK: true, splitK: false };
  return sha256(
    TILES.flatMap(({ tile }) => matmulKernels.map((kernel) => tiledMatmul(kernel, tile, options))).join("\n"),
  );
}

/** Rates as they were noted; `undefined` if it is anything else. */
function ratesIn(value: unknown): readonly RatedTile[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const isRated = value.every((entry: Partial<RatedTile> | null) =>
    TILES.some(({ tile }) => JSON.stringify(tile) === JSON.stringify(entry?.tile)) &&
    matmulKernels.every(({ name }) => Number(entry?.rates?.[name]) > 0)
  );
  return isRated ? value as RatedTile[] : undefined;
}
