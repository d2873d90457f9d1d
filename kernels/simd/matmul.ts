import { multiplyTile, storeEdge, TILE_COLUMNS, TILE_ROWS } from "./micro_kernel";
import { packAcross6, packAcross8, packAlong6, packAlong8 } from "./pack";
import { scratch } from "./scratch";
import { share } from "./slice";

// C (+)= A B for a worker's part of C, by packed blocks: a block of B (blockDepth × BLOCK_COLUMNS) and one of A
// (BLOCK_ROWS × blockDepth) are packed into the worker's scratch memory, then multiplied tile by tile.
// Each element of C is a sum over blocks of depth, ascending, of sums over p, ascending: which worker computes it, and
// in which tile it lies, makes no difference.

/** Most terms summed before C is updated: a panel of each operand then fits the first-level cache. */
const MAX_DEPTH: u32 = 512;
/** Rows of A packed at a time: a multiple of TILE_ROWS that fits the second-level cache. */
const BLOCK_ROWS: u32 = 120;
/** Columns of B packed at a time: a multiple of TILE_COLUMNS. */
const BLOCK_COLUMNS: u32 = 1024;

const PACKED_B: usize = 256;
const PACKED_A: usize = PACKED_B + BLOCK_COLUMNS * MAX_DEPTH * 4;

/** How a matrix lies in memory, seen from its panels: see pack.ts. */
export const ACROSS: u32 = 0;
export const ALONG: u32 = 1;

/**
 * c (+)= a b, the part of worker `worker`.
 * @param a (M, K); ACROSS: row-major, rows of `aRowBytes` bytes; ALONG: its transpose (K, M) is.
 * @param b (K, N); ALONG: row-major, rows of `bRowBytes` bytes; ACROSS: its transpose (N, K) is.
 * @param c (M, N), dense, row-major.
 */
export function matmul(
  M: u32,
  N: u32,
  K: u32,
  a: usize,
  aRowBytes: usize,
  aLayout: u32,
  b: usize,
  bRowBytes: usize,
  bLayout: u32,
  c: usize,
  accumulate: bool,
  worker: u32,
  workers: u32,
): void {
  const rowTiles = (M + TILE_ROWS - 1) / TILE_ROWS;
  const columnTiles = (N + TILE_COLUMNS - 1) / TILE_COLUMNS;
  let firstRow: u32 = 0, endRow = M, firstColumn: u32 = 0, endColumn = N;
  // Along the dimension whose largest share is the smaller part of the whole.
  const ifRows = ((rowTiles + workers - 1) / workers) * columnTiles;
  const ifColumns = ((columnTiles + workers - 1) / workers) * rowTiles;
  if (ifRows < ifColumns || (ifRows === ifColumns && M >= N)) {
    firstRow = share(rowTiles, worker, workers) * TILE_ROWS;
    endRow = min(share(rowTiles, worker + 1, workers) * TILE_ROWS, M);
  } else {
    firstColumn = share(columnTiles, worker, workers) * TILE_COLUMNS;
    endColumn = min(share(columnTiles, worker + 1, workers) * TILE_COLUMNS, N);
  }
  if (firstRow >= endRow || firstColumn >= endColumn) return;

  const depthBlocks = (K + MAX_DEPTH - 1) / MAX_DEPTH;
  for (let column = firstColumn; column < endColumn; column += BLOCK_COLUMNS) {
    const columns = min(BLOCK_COLUMNS, endColumn - column);
    for (let block: u32 = 0; block < depthBlocks; block++) {
      const depthBegin = share(K, block, depthBlocks);
      const depth = share(K, block + 1, depthBlocks) - depthBegin;
      packB(b, bRowBytes, bLayout, column, columns, depthBegin, depth);
      for (let row = firstRow; row < endRow; row += BLOCK_ROWS) {
        const rows = min(BLOCK_ROWS, endRow - row);
        packA(a, aRowBytes, aLayout, row, rows, depthBegin, depth);
        const to = c + (((row * N + column) as usize) << 2);
        multiplyBlock(rows, columns, depth, to, (N as usize) << 2, accumulate || block > 0);
      }
    }
  }
}

function packB(b: usize, rowBytes: usize, layout: u32, column: u32, columns: u32, depthBegin: u32, depth: u32): void {
  const to = scratch + PACKED_B;
  if (layout === ALONG) {
    packAlong8(to, b + depthBegin * rowBytes + ((column as usize) << 2), rowBytes, columns, depth);
    return;
  }
  const from = b + column * rowBytes + ((depthBegin as usize) << 2);
  for (let j: u32 = 0; j < columns; j += TILE_COLUMNS) {
    packAcross8(to + j * depth * 4, from + j * rowBytes, rowBytes, min(TILE_COLUMNS, columns - j), depth);
  }
}

function packA(a: usize, rowBytes: usize, layout: u32, row: u32, rows: u32, depthBegin: u32, depth: u32): void {
  const to = scratch + PACKED_A;
  if (layout === ALONG) {
    packAlong6(to, a + depthBegin * rowBytes + ((row as usize) << 2), rowBytes, rows, depth);
    return;
  }
  const from = a + row * rowBytes + ((depthBegin as usize) << 2);
  for (let i: u32 = 0; i < rows; i += TILE_ROWS) {
    packAcross6(to + i * depth * 4, from + i * rowBytes, rowBytes, min(TILE_ROWS, rows - i), depth);
  }
}

/** The product of the packed blocks, into rows of c of `rowBytes` bytes. */
function multiplyBlock(rows: u32, columns: u32, depth: u32, c: usize, rowBytes: usize, accumulate: bool): void {
  for (let j: u32 = 0; j < columns; j += TILE_COLUMNS) {
    const panelB = scratch + PACKED_B + j * depth * 4;
    for (let i: u32 = 0; i < rows; i += TILE_ROWS) {
      const panelA = scratch + PACKED_A + i * depth * 4;
      const to = c + i * rowBytes + ((j as usize) << 2);
      if (i + TILE_ROWS <= rows && j + TILE_COLUMNS <= columns) {
        multiplyTile(depth, panelA, panelB, to, rowBytes, accumulate);
      } else {
        multiplyTile(depth, panelA, panelB, scratch, 32, false);
        const edgeRows = min(TILE_ROWS, rows - i);
        const edgeColumns = min(TILE_COLUMNS, columns - j);
        storeEdge(to, rowBytes, edgeRows, edgeColumns, accumulate);
      }
    }
  }
}
