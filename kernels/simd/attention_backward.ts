import { BLOCK_DIMENSIONS, copyRows, multiplyAcross, writeRows } from "./attention_rows";
import { differentiate } from "./attention_slopes";
import { LOG2_E } from "./exp";
import { TILE_COLUMNS, TILE_ROWS } from "./micro_kernel";
import { fetch, packAcross8, packAlong8 } from "./pack";
import { multiplyColumns, multiplyRows, PITCH } from "./row_kernel";
import { scratch } from "./scratch";
import { dot } from "./vector";
import { claim, divide, endUnit, firstUnit } from "./work";

// With p[t,j] = exp(scale q[t]·k[j] − lse[t]) for j ≤ t, recomputed, delta[t] = dY[t]·y[t], ds = p (dY[t]·v[j] − delta[t]):
// attention_backward: dQ[t] (+)= scale Σⱼ ds[t,j] k[j]; dK[j] (+)= scale Σₜ ds[t,j] q[t]; dV[j] (+)= Σₜ p[t,j] dY[t].
// grouped_attention_backward: the same with H / keyHeads heads to each of k, v, dK and dV, and over t − window < j.
// q, y, dY, dQ: (B, T, H, headDim); k, v, dK, dV: (B, T, H or keyHeads, headDim); lse: (B, H, T).
// A worker takes whole heads of keys, and of each the query heads one after the other. A group of keys at a time, packed,
// meets the queries in ascending tiles.
// Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2)

/** The largest headDim for which a worker's scratch memory suffices; above it, the kernel traps. */
const MAX_HEAD_DIM: u32 = 4096;
/** Queries in a tile: a multiple of TILE_ROWS. */
const TILE: u32 = 72;
/** Keys in a group at most: their scores, and up to 8 zeros behind them, fit into a row of PITCH bytes. */
const MAX_GROUP: u32 = 256;
/** Numbers that a group's packed keys and values and their gradients are at most, if it can be: half a second-level cache. */
const MAX_PACKED: u32 = 1 << 17;

export function attention_backward(
  q: usize,
  k: usize,
  v: usize,
  y: usize,
  lse: usize,
  dY: usize,
  dQ: usize,
  dK: usize,
  dV: usize,
  B: u32,
  T: u32,
  H: u32,
  headDim: u32,
  accumulateQuery: u32,
  accumulateKey: u32,
  accumulateValue: u32,
  work: usize,
): void {
  grouped_attention_backward(
    q,
    k,
    v,
    y,
    lse,
    dY,
    dQ,
    dK,
    dV,
    B,
    T,
    H,
    H,
    headDim,
    T,
    accumulateQuery,
    accumulateKey,
    accumulateValue,
    work,
  );
}

export function grouped_attention_backward(
  q: usize,
  k: usize,
  v: usize,
  y: usize,
  lse: usize,
  dY: usize,
  dQ: usize,
  dK: usize,
  dV: usize,
  B: u32,
  T: u32,
  H: u32,
  keyHeads: u32,
  headDim: u32,
  window: u32,
  accumulateQuery: u32,
  accumulateKey: u32,
  accumulateValue: u32,
  work: usize,
): void {
  if (headDim > MAX_HEAD_DIM) unreachable();
  const groupKeys = min(MAX_GROUP, max(TILE_COLUMNS, (MAX_PACKED / (5 * headDim)) & ~7));
  const headBytes = (headDim as usize) << 2;
  const rowBytes = H * headBytes;
  const keyBytes = keyHeads * headBytes;
  const sharers = H / keyHeads;
  divide(work, B * keyHeads, 1);
  while (claim()) {
    for (let unit = firstUnit; unit < endUnit; unit++) {
      const b = unit / keyHeads;
      const keyAt = b * T * keyBytes + (unit % keyHeads) * headBytes;
      for (let sharer: u32 = 0; sharer < sharers; sharer++) {
        const h = (unit % keyHeads) * sharers + sharer;
        const at = b * T * rowBytes + h * headBytes;
        const head = b * H + h;
        for (let firstKey: u32 = 0; firstKey < T; firstKey += groupKeys) {
          const keys = min(groupKeys, T - firstKey);
          const skip = at + firstKey * rowBytes;
          const skipKeys = keyAt + firstKey * keyBytes;
          keyGroup(
            q + skip,
            k + skipKeys,
            v + skipKeys,
            y + skip,
            lse + ((head * T + firstKey) << 2),
            dY + skip,
            dQ + skip,
            dK + skipKeys,
            dV + skipKeys,
            rowBytes,
            keyBytes,
            // The last of these keys is the last that the last of these queries sees, or its window begins there.
            min(T - firstKey, keys + min(window, T) - 1),
            keys,
            headDim,
            window,
            // The queries that an earlier group of keys has met.
            accumulateQuery !== 0 ? T : firstKey > 0 ? min(window, T) - 1 : 0,
            accumulateKey !== 0 || sharer > 0,
            accumulateValue !== 0 || sharer > 0,
          );
        }
      }
    }
  }
}

/**
 * A group of keys of a head, and the queries that see any of them: the addresses are those of the first key's position,
 * which is the first of these queries' too. Of dQ, the first `added` rows are added to.
 */
function keyGroup(
  q: usize,
  k: usize,
  v: usize,
  y: usize,
  lse: usize,
  dY: usize,
  dQ: usize,
  dK: usize,
  dV: usize,
  rowBytes: usize,
  keyBytes: usize,
  positions: u32,
  keys: u32,
  headDim: u32,
  window: u32,
  added: u32,
  accumulateKey: bool,
  accumulateValue: bool,
): void {
  const padded = (headDim + 7) & ~7;
  const paddedKeys = (keys + 7) & ~7;
  const sumBytes = (padded as usize) << 2;
  const blockBytes = TILE * PITCH;
  const blocks = (headDim + BLOCK_DIMENSIONS - 1) / BLOCK_DIMENSIONS;
  const scores = scratch;
  const slopes = scores + blockBytes;
  const rowsQ = slopes + blockBytes;
  const rowsDY = rowsQ + blocks * blockBytes;
  const packedK = rowsDY + blocks * blockBytes;
  const packedV = packedK + paddedKeys * headDim * 4;
  const alongK = packedV + paddedKeys * headDim * 4;
  const sumsQ = alongK + keys * sumBytes;
  const sumsK = sumsQ + TILE_ROWS * sumBytes;
  const sumsV = sumsK + (keys + TILE_ROWS) * sumBytes;

  fetch(k, keyBytes, keys, headDim, scratch);
  fetch(v, keyBytes, keys, headDim, scratch);
  for (let j: u32 = 0; j < keys; j += TILE_COLUMNS) {
    const count = min(TILE_COLUMNS, keys - j);
    packAcross8(packedK + j * headDim * 4, k + j * keyBytes, keyBytes, count, headDim);
    packAcross8(packedV + j * headDim * 4, v + j * keyBytes, keyBytes, count, headDim);
  }
  packAlong8(alongK, k, keyBytes, headDim, keys);

  const scale: f32 = (1 as f32) / sqrt<f32>(headDim as f32);
  for (let first: u32 = 0; first < positions; first += TILE) {
    const queries = min(TILE, positions - first);
    const at = first * rowBytes;
    fetch(q + at, rowBytes, queries, headDim, scratch);
    fetch(y + at, rowBytes, queries, headDim, scratch);
    fetch(dY + at, rowBytes, queries, headDim, scratch);
    copyRows(rowsQ, blockBytes, q + at, rowBytes, queries, headDim);
    copyRows(rowsDY, blockBytes, dY + at, rowBytes, queries, headDim);
    for (let t: u32 = 0; t < queries; t += TILE_ROWS) {
      // The last of these queries sees so many keys.
      const panels = (min(keys, first + t + TILE_ROWS) + 7) / TILE_COLUMNS;
      multiplyAcross(scores + t * PITCH, rowsQ + t * PITCH, packedK, panels, headDim, blockBytes);
      multiplyAcross(slopes + t * PITCH, rowsDY + t * PITCH, packedV, panels, headDim, blockBytes);
    }
    for (let t: u32 = 0; t < queries; t++) {
      const row = at + t * rowBytes;
      differentiate(
        scores + t * PITCH,
        slopes + t * PITCH,
        min(keys, first + t + 1),
        scale * LOG2_E,
        -LOG2_E * load<f32>(lse + ((first + t) << 2)),
        dot(dY + row, y + row, headDim),
      );
      if (first + t >= window) {
        const hidden = min(keys, first + t - window + 1) << 2;
        memory.fill(scores + t * PITCH, 0, hidden);
        memory.fill(slopes + t * PITCH, 0, hidden);
      }
    }
    for (let t: u32 = 0; t < queries; t += TILE_ROWS) {
      const visible = min(keys, first + min(queries, t + TILE_ROWS));
      multiplyRows(visible, slopes + t * PITCH, alongK, keys * 32, padded / TILE_COLUMNS, sumsQ, sumBytes, false);
      const rows = min(TILE_ROWS, queries - t);
      const more = added > first + t ? min(rows, added - first - t) : 0;
      const to = dQ + at + t * rowBytes;
      writeRows(to, rowBytes, sumsQ, sumBytes, more, headDim, scale, true);
      writeRows(to + more * rowBytes, rowBytes, sumsQ + more * sumBytes, sumBytes, rows - more, headDim, scale, false);
    }
    const endKey = min(keys, first + queries);
    for (let j: u32 = 0; j < endKey; j += TILE_ROWS) {
      // Queries before the first of these keys see none of them; the tile with that query is the first to add to its sums.
      const begin = j > first ? j - first : 0;
      const depth = queries - begin;
      const skip = begin * PITCH;
      const column = skip + ((j as usize) << 2);
      const add = j < first;
      for (let block: u32 = 0; block < blocks; block++) {
        const from = skip + block * blockBytes;
        const panels = min(BLOCK_DIMENSIONS, padded - block * BLOCK_DIMENSIONS) / TILE_COLUMNS;
        const to = j * sumBytes + block * BLOCK_DIMENSIONS * 4;
        multiplyColumns(depth, scores + column, rowsDY + from, panels, sumsV + to, sumBytes, add);
        multiplyColumns(depth, slopes + column, rowsQ + from, panels, sumsK + to, sumBytes, add);
      }
      if (first + queries < positions) continue;
      // Written as they are ready, so that memory is busy while the next are computed.
      const rows = min(TILE_ROWS, keys - j);
      const to = j * keyBytes;
      writeRows(dK + to, keyBytes, sumsK + j * sumBytes, sumBytes, rows, headDim, scale, accumulateKey);
      writeRows(dV + to, keyBytes, sumsV + j * sumBytes, sumBytes, rows, headDim, 1, accumulateValue);
    }
  }
}
