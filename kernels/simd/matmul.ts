import { multiplyTile, storeEdge, TILE_COLUMNS, TILE_ROWS } from "./micro_kernel";
import { packAcross6, packAcross8, packAlong6, packAlong8 } from "./pack";
import { scratch } from "./scratch";
import { claim, divide, endUnit, firstUnit, share, workerCount } from "./work";

// C (+)= A B, by packed blocks, multiplied tile by tile. The smaller operand is packed whole by each worker, if it fits,
// and the other in the blocks that the worker claims; if neither fits, C is cut into blocks, for which parts of both are
// packed. Each element of C is a sum over blocks of depth, ascending, of sums over p, ascending: which worker computes
// it, and in which tile it lies, makes no difference.

/** Most terms summed before C is updated: a panel of each operand then fits the first-level cache. */
const MAX_DEPTH: u32 = 512;
/** Rows of A multiplied at a time: a multiple of TILE_ROWS, so that they fit the second-level cache when packed. */
const BLOCK_ROWS: u32 = 132;
/** Columns of B packed at a time, a multiple of TILE_COLUMNS, where B is not packed whole. */
const BLOCK_COLUMNS: u32 = 1024;
/** Rows of C in a block, at most, where neither operand is packed whole. */
const ROWS_PER_PACKING: u32 = 528;
/** Pieces of work for each worker, where C is cut into blocks: each packs its part of B anew. */
const BLOCKS_PER_WORKER: u32 = 2;
/** Tiles of a piece of work at least, where one operand is packed whole. */
const LEAST_TILES: u32 = 4;

/** Where the operand that is packed whole lies, at most so many numbers, and where the parts of the other, or of both. */
const WHOLE: usize = 256;
const MAX_WHOLE: u32 = 1 << 20;
const PART_A: usize = WHOLE + ((MAX_WHOLE as usize) << 2);
const PART_B: usize = PART_A + ((BLOCK_ROWS * MAX_DEPTH) << 2);

/** How a matrix lies in memory, seen from its panels: see pack.ts. */
export const ACROSS: u32 = 0;
export const ALONG: u32 = 1;

/** What is multiplied. The module is single-threaded in each worker, so globals can hold it. */
let M: u32 = 0;
let N: u32 = 0;
let K: u32 = 0;
let a: usize = 0;
let aRowBytes: usize = 0;
let aLayout: u32 = 0;
let b: usize = 0;
let bRowBytes: usize = 0;
let bLayout: u32 = 0;
let c: usize = 0;
let accumulate: bool = false;
let depthBlocks: u32 = 0;

/**
 * c (+)= a b, the pieces that this worker claims.
 * @param aMatrix (rows, depth); ACROSS: row-major, rows of `aBytes` bytes; ALONG: its transpose is.
 * @param bMatrix (depth, columns); ALONG: row-major, rows of `bBytes` bytes; ACROSS: its transpose is.
 * @param cMatrix (rows, columns), dense, row-major.
 */
export function matmul(
  rows: u32,
  columns: u32,
  depth: u32,
  aMatrix: usize,
  aBytes: usize,
  layoutOfA: u32,
  bMatrix: usize,
  bBytes: usize,
  layoutOfB: u32,
  cMatrix: usize,
  add: bool,
  work: usize,
): void {
  describe(rows, columns, depth, aMatrix, aBytes, layoutOfA, bMatrix, bBytes, layoutOfB, cMatrix, add);
  const sizeOfA = tiles(M, TILE_ROWS) * TILE_ROWS * K;
  const sizeOfB = tiles(N, TILE_COLUMNS) * TILE_COLUMNS * K;
  if (min(sizeOfA, sizeOfB) > MAX_WHOLE) byBlocks(1, work);
  else if (sizeOfB <= sizeOfA) byRows(work);
  else byColumns(work);
}

/** The same of `batch` products of one size, whose matrices are dense and lie one after the other. */
export function matmulBatch(
  batch: u32,
  rows: u32,
  columns: u32,
  depth: u32,
  aMatrices: usize,
  layoutOfA: u32,
  bMatrices: usize,
  layoutOfB: u32,
  cMatrices: usize,
  add: bool,
  work: usize,
): void {
  const aBytes = ((layoutOfA === ALONG ? rows : depth) as usize) << 2;
  const bBytes = ((layoutOfB === ALONG ? columns : depth) as usize) << 2;
  describe(rows, columns, depth, aMatrices, aBytes, layoutOfA, bMatrices, bBytes, layoutOfB, cMatrices, add);
  byBlocks(batch, work);
}

function describe(
  rows: u32,
  columns: u32,
  depth: u32,
  aMatrix: usize,
  aBytes: usize,
  layoutOfA: u32,
  bMatrix: usize,
  bBytes: usize,
  layoutOfB: u32,
  cMatrix: usize,
  add: bool,
): void {
  M = rows;
  N = columns;
  K = depth;
  a = aMatrix;
  aRowBytes = aBytes;
  aLayout = layoutOfA;
  b = bMatrix;
  bRowBytes = bBytes;
  bLayout = layoutOfB;
  c = cMatrix;
  accumulate = add;
  depthBlocks = (K + MAX_DEPTH - 1) / MAX_DEPTH;
}

/** How many tiles cover so many rows or columns. @inline */
function tiles(count: u32, size: u32): u32 {
  return (count + size - 1) / size;
}

/** The pieces are rows of tiles; B is packed whole, each block of depth just before its first use. */
function byRows(work: usize): void {
  const whole = scratch + WHOLE;
  const columnTiles = tiles(N, TILE_COLUMNS);
  let isPacked = false;
  divide(work, tiles(M, TILE_ROWS), LEAST_TILES);
  while (claim()) {
    const endRow = min(endUnit * TILE_ROWS, M);
    for (let row = firstUnit * TILE_ROWS; row < endRow; row += BLOCK_ROWS) {
      const rows = min(BLOCK_ROWS, endRow - row);
      for (let block: u32 = 0; block < depthBlocks; block++) {
        const begin = share(K, block, depthBlocks);
        const depth = share(K, block + 1, depthBlocks) - begin;
        if (!isPacked) packB(whole + begin * columnTiles * 32, 0, N, begin, depth);
        packA(scratch + PART_A, row, rows, begin, depth);
        multiplyBlock(scratch + PART_A, whole + begin * columnTiles * 32, row, rows, 0, N, depth, block);
      }
      isPacked = true;
    }
  }
}

/** The pieces are columns of tiles; A is packed whole, each block of depth just before its first use. */
function byColumns(work: usize): void {
  const whole = scratch + WHOLE;
  const rowTiles = tiles(M, TILE_ROWS);
  let isPacked = false;
  divide(work, tiles(N, TILE_COLUMNS), LEAST_TILES);
  while (claim()) {
    const endColumn = min(endUnit * TILE_COLUMNS, N);
    for (let column = firstUnit * TILE_COLUMNS; column < endColumn; column += BLOCK_COLUMNS) {
      const columns = min(BLOCK_COLUMNS, endColumn - column);
      for (let block: u32 = 0; block < depthBlocks; block++) {
        const begin = share(K, block, depthBlocks);
        const depth = share(K, block + 1, depthBlocks) - begin;
        if (!isPacked) packA(whole + begin * rowTiles * 24, 0, M, begin, depth);
        packB(scratch + PART_B, column, columns, begin, depth);
        for (let row: u32 = 0; row < M; row += BLOCK_ROWS) {
          const panels = whole + begin * rowTiles * 24 + row * depth * 4;
          multiplyBlock(panels, scratch + PART_B, row, min(BLOCK_ROWS, M - row), column, columns, depth, block);
        }
      }
      isPacked = true;
    }
  }
}

/** The pieces are blocks of C, of each of `batch` products. */
function byBlocks(batch: u32, work: usize): void {
  const firstA = a;
  const firstB = b;
  const firstC = c;
  const rowTiles = tiles(M, TILE_ROWS);
  const columnTiles = tiles(N, TILE_COLUMNS);
  const across = tiles(N, BLOCK_COLUMNS);
  const wanted = tiles(workerCount() * BLOCKS_PER_WORKER, across * batch);
  const down = min(rowTiles, max(tiles(M, ROWS_PER_PACKING), wanted));
  const blocks = across * down;
  divide(work, batch * blocks, 1);
  while (claim()) {
    for (let block = firstUnit; block < endUnit; block++) {
      const product = (block / blocks) as usize;
      a = firstA + product * (M as usize) * (K as usize) * 4;
      b = firstB + product * (K as usize) * (N as usize) * 4;
      c = firstC + product * (M as usize) * (N as usize) * 4;
      const unit = block % blocks;
      const column = share(columnTiles, unit / down, across) * TILE_COLUMNS;
      const columns = min(share(columnTiles, unit / down + 1, across) * TILE_COLUMNS, N) - column;
      const firstRow = share(rowTiles, unit % down, down) * TILE_ROWS;
      const endRow = min(share(rowTiles, unit % down + 1, down) * TILE_ROWS, M);
      for (let block: u32 = 0; block < depthBlocks; block++) {
        const begin = share(K, block, depthBlocks);
        const depth = share(K, block + 1, depthBlocks) - begin;
        packB(scratch + PART_B, column, columns, begin, depth);
        for (let row = firstRow; row < endRow; row += BLOCK_ROWS) {
          const rows = min(BLOCK_ROWS, endRow - row);
          packA(scratch + PART_A, row, rows, begin, depth);
          multiplyBlock(scratch + PART_A, scratch + PART_B, row, rows, column, columns, depth, block);
        }
      }
    }
  }
}

/** Packs some columns of B over a block of depth: panels of (depth, 8). */
function packB(to: usize, column: u32, columns: u32, depthBegin: u32, depth: u32): void {
  if (bLayout === ALONG) {
    packAlong8(to, b + depthBegin * bRowBytes + ((column as usize) << 2), bRowBytes, columns, depth);
    return;
  }
  const from = b + column * bRowBytes + ((depthBegin as usize) << 2);
  for (let j: u32 = 0; j < columns; j += TILE_COLUMNS) {
    packAcross8(to + j * depth * 4, from + j * bRowBytes, bRowBytes, min(TILE_COLUMNS, columns - j), depth);
  }
}

/** Packs some rows of A over a block of depth: panels of (depth, 6). */
function packA(to: usize, row: u32, rows: u32, depthBegin: u32, depth: u32): void {
  if (aLayout === ALONG) {
    packAlong6(to, a + depthBegin * aRowBytes + ((row as usize) << 2), aRowBytes, rows, depth);
    return;
  }
  const from = a + row * aRowBytes + ((depthBegin as usize) << 2);
  for (let i: u32 = 0; i < rows; i += TILE_ROWS) {
    packAcross6(to + i * depth * 4, from + i * aRowBytes, aRowBytes, min(TILE_ROWS, rows - i), depth);
  }
}

/** The product of packed panels, into a block of C. */
function multiplyBlock(
  panelsA: usize,
  panelsB: usize,
  row: u32,
  rows: u32,
  column: u32,
  columns: u32,
  depth: u32,
  block: u32,
): void {
  const rowBytes = (N as usize) << 2;
  const to = c + row * rowBytes + ((column as usize) << 2);
  const add = accumulate || block > 0;
  for (let j: u32 = 0; j < columns; j += TILE_COLUMNS) {
    const panelB = panelsB + j * depth * 4;
    for (let i: u32 = 0; i < rows; i += TILE_ROWS) {
      const panelA = panelsA + i * depth * 4;
      const tile = to + i * rowBytes + ((j as usize) << 2);
      if (i + TILE_ROWS <= rows && j + TILE_COLUMNS <= columns) {
        multiplyTile(depth, panelA, panelB, tile, rowBytes, add);
      } else {
        multiplyTile(depth, panelA, panelB, scratch, 32, false);
        storeEdge(tile, rowBytes, min(TILE_ROWS, rows - i), min(TILE_COLUMNS, columns - j), add);
      }
    }
  }
}
