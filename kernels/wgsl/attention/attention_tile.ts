import type { Constants, DeviceTraits } from "../dispatch.ts";
import { range } from "../matmul/matmul_source.ts";

/** How a workgroup shares out a block of the score matrix. */
export interface AttentionTile {
  /** Rows that a workgroup owns, and rows of the other side that it takes at once: 32 or 64. */
  readonly own: number;
  readonly other: number;
  /** Own rows of an invocation: 4 or 8. */
  readonly rows: number;
  /** Vectors of 4 dimensions of the other rows that are staged at once. */
  readonly staged: number;
}

/** The kernels that are tiled; `whole` is the backward pass in one kernel. */
export type TiledKernel = "forward" | "query" | "keyValue" | "whole";

/** Invocations along the other rows, and later along the dimensions. */
export const ACROSS = 8;

/** A tile at one head size, and what follows from both. */
export interface TiledHead extends AttentionTile {
  readonly headDim: number;
  readonly vec4: true;
  /** Vectors of 4 dimensions in a head. */
  readonly vectors: number;
  /** Heads of keys are shared, and windows limited. */
  readonly grouped: boolean;
  /** Stretches of vectors of the other rows that are staged together. */
  readonly chunks: readonly Chunk[];
  /** Invocations along the own rows. */
  readonly down: number;
  readonly workgroup: number;
  /** Own rows of 64 neighbouring invocations, 8 by 8. */
  readonly span: number;
  /** Four rows at a time: how many times an invocation has four own rows, and four other rows. */
  readonly ownFours: number;
  readonly otherFours: number;
}

export interface Chunk {
  readonly first: number;
  readonly count: number;
}

/**
 * Cuts a head and a block of scores up.
 * @throws {RangeError} If invocations would not share the tile out evenly: some of it would be left out.
 */
export function tiledHead(headDim: number, tile: AttentionTile, grouped = false): TiledHead {
  requireTile(headDim, tile);
  const vectors = headDim / 4;
  const chunks = range(Math.ceil(vectors / tile.staged)).map((c) => ({
    first: c * tile.staged,
    count: Math.min(tile.staged, vectors - c * tile.staged),
  }));
  const down = tile.own / tile.rows;
  return {
    ...tile,
    headDim,
    vec4: true,
    vectors,
    grouped,
    chunks,
    down,
    workgroup: ACROSS * down,
    span: tile.own / (down / 8),
    ownFours: tile.rows / 4,
    otherFours: tile.other / ACROSS / 4,
  };
}

function requireTile(headDim: number, { own, other, rows, staged }: AttentionTile): void {
  const conditions: [isMet: boolean, what: string][] = [
    [headDim % 4 === 0 && headDim > 0, "a head size that is a multiple of 4"],
    [own === 32 || own === 64, "own 32 or 64"],
    [other === 32 || other === 64, "other 32 or 64"],
    [rows === 4 || rows === 8 && own === 64, "rows 4, or 8 where own is 64"],
    [staged % ACROSS === 0 && staged > 0, `staged a multiple of ${ACROSS}`],
  ];
  const missed = conditions.find(([isMet]) => !isMet);
  if (missed === undefined) return;
  throw new RangeError(
    `Cannot tile attention of head size ${headDim} by ${own} x ${other}, ${rows} rows to an invocation, ${staged} vectors ` +
      `staged: must have ${missed[1]}`,
  );
}

/** Bytes of workgroup memory that a kernel takes: its own rows, a chunk of other rows, the scores, and statistics. */
export function attentionTileBytes(
  kernel: TiledKernel,
  headDim: number,
  { own, other, staged }: AttentionTile,
): number {
  const vectors = headDim / 4;
  const ownArrays = kernel === "forward" ? 1 : 2;
  const ownStride = kernel === "whole" ? own + 4 : own;
  const statistics = { forward: ACROSS * own / 4, query: 0, keyValue: other / 2, whole: other / 2 }[kernel];
  return 16 *
    (ownArrays * vectors * ownStride + Math.min(staged, vectors) * (other + 4) + other * ownStride / 4 + statistics);
}

/**
 * Tiles for a real GPU, up to a head size: those that were faster on an H100 than the kernels for any head size, the best
 * first, and the others for devices with less workgroup memory. With 256 positions and a head size of 32 they take 0.64
 * instead of 0.98 ms forward and 1.46 instead of 2.52 ms backward (2,048 heads), with 1,024 positions and a head size of
 * 64, 0.80 instead of 1.26 ms forward (96 heads). Backward, tiles of 32 x 32 were slower there: 1.76 and 2.39 ms instead
 * of 1.65 and 2.10.
 */
const TILES: Readonly<Record<TiledKernel, readonly (readonly [upTo: number, tile: AttentionTile])[]>> = {
  forward: [[32, { own: 64, other: 32, rows: 4, staged: 8 }], [64, { own: 64, other: 32, rows: 4, staged: 16 }]],
  query: [[32, { own: 64, other: 64, rows: 4, staged: 8 }]],
  keyValue: [[32, { own: 64, other: 64, rows: 4, staged: 8 }]],
  whole: [[32, { own: 64, other: 64, rows: 4, staged: 8 }], [32, { own: 32, other: 32, rows: 4, staged: 16 }]],
};

/** The tile of each kernel; none where the kernels for any head size and device are to be used, or no whole heads. */
export type AttentionTiles = Readonly<Partial<Record<TiledKernel, AttentionTile>>>;

/**
 * From so many heads on, a workgroup for each keeps a large GPU busy in the backward pass: about four for each of its
 * hundred-odd multiprocessors. Each then takes 5 products of every block, where two kernels that share out blocks take 7.
 */
const MIN_WHOLE_HEADS = 512;

/** The tiles for attention on a device. */
export function chooseTiles({ B, H, headDim }: Constants, traits: DeviceTraits): AttentionTiles {
  const choose = (kernel: TiledKernel) => chooseTile(kernel, headDim, traits);
  return {
    forward: choose("forward"),
    query: choose("query"),
    keyValue: choose("keyValue"),
    whole: B * H >= MIN_WHOLE_HEADS ? choose("whole") : undefined,
  };
}

function chooseTile(kernel: TiledKernel, headDim: number, traits: DeviceTraits): AttentionTile | undefined {
  if (traits.software || headDim % 4 !== 0) return undefined;
  return TILES[kernel].find(([upTo, tile]) =>
    headDim <= upTo && ACROSS * tile.own / tile.rows <= traits.maxInvocations &&
    attentionTileBytes(kernel, headDim, tile) <= traits.maxWorkgroupBytes
  )?.[1];
}
