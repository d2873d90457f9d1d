import { BLOCK_DIMENSIONS, copyRows, multiplyAcross, writeRow } from "./attention_rows";
import { attendOne, isSingle } from "./attention_single";
import { exponentiate, findLargest, logSumOf, prepare, STATE_BYTES, sumOf } from "./attention_softmax";
import { LOG2_E } from "./exp";
import { TILE_COLUMNS, TILE_ROWS } from "./micro_kernel";
import { fetch, packAcross8, packAlong8 } from "./pack";
import { multiplyRows, PITCH } from "./row_kernel";
import { scratch } from "./scratch";
import { claim, divide, endUnit, firstUnit } from "./work";

// attention_forward: y[b,t,h] = Σⱼ softmaxⱼ(scale q[b,t,h]·k[b,j,h]) v[b,j,h] over j ≤ start[0] + t, scale = 1 / √headDim,
//   by the online softmax: no (T, S) matrix is stored. lse[b,h,t]: the logarithm of the softmax's denominator.
// grouped_attention_forward: the same with k, v[b,j,g], g = ⌊h keyHeads / H⌋, over start[0] + t − window < j.
// q, y: (B, T, H, headDim); k, v: (B, S, H or keyHeads, headDim); start: (1) u32; lse: (B, H, T).
// lane_attention_forward: the grouped form of one query per sequence, over start[b] − window < j ≤ start[b]; start: (B) u32.
// Where the queries would lie beyond the keys, they are taken for the last ones.
// A worker takes whole groups of queries of one head. A group of keys at a time, packed, meets them, ascending. Overwrites y
// and lse. One query, or a few, are attended to as in attention_single.ts.
// Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2)

/** The largest headDim for which a worker's scratch memory suffices; above it, the kernel traps. */
const MAX_HEAD_DIM: u32 = 4096;
/** Queries in a group, and keys at most: their scores fit into a row of PITCH bytes. */
const GROUP: u32 = 256;
/** Numbers that a group's packed keys and values are at most, if it can be: half a second-level cache. */
const MAX_PACKED: u32 = 1 << 17;

export function attention_forward(
  q: usize,
  k: usize,
  v: usize,
  start: usize,
  y: usize,
  lse: usize,
  B: u32,
  T: u32,
  S: u32,
  H: u32,
  headDim: u32,
  work: usize,
): void {
  grouped_attention_forward(q, k, v, start, y, lse, B, T, S, H, H, headDim, S, work);
}

export function grouped_attention_forward(
  q: usize,
  k: usize,
  v: usize,
  start: usize,
  y: usize,
  lse: usize,
  B: u32,
  T: u32,
  S: u32,
  H: u32,
  keyHeads: u32,
  headDim: u32,
  window: u32,
  work: usize,
): void {
  const position = min(load<u32>(start), S - T);
  if (isSingle(T, S)) {
    attendEach(q, k, v, start, 0, y, lse, B, T, S, H, keyHeads, headDim, window, work);
    return;
  }
  if (headDim > MAX_HEAD_DIM) unreachable();
  const groups = (T + GROUP - 1) / GROUP;
  const headBytes = (headDim as usize) << 2;
  const rowBytes = H * headBytes;
  const keyBytes = keyHeads * headBytes;
  const sharers = H / keyHeads;
  divide(work, B * H * groups, 1);
  while (claim()) {
    for (let unit = firstUnit; unit < endUnit; unit++) {
      const firstQuery = unit % groups * GROUP;
      const head = unit / groups;
      const b = head / H;
      const queryAt = (b * T + firstQuery) * rowBytes + (head % H) * headBytes;
      const keyAt = b * S * keyBytes + head % H / sharers * headBytes;
      attendGroup(
        q + queryAt,
        k + keyAt,
        v + keyAt,
        y + queryAt,
        lse + ((head * T + firstQuery) << 2),
        rowBytes,
        keyBytes,
        min(GROUP, T - firstQuery),
        position + firstQuery,
        headDim,
        window,
      );
    }
  }
}

export function lane_attention_forward(
  q: usize,
  k: usize,
  v: usize,
  start: usize,
  y: usize,
  lse: usize,
  B: u32,
  T: u32,
  S: u32,
  H: u32,
  keyHeads: u32,
  headDim: u32,
  window: u32,
  work: usize,
): void {
  if (!isSingle(T, S)) unreachable();
  attendEach(q, k, v, start, 4, y, lse, B, T, S, H, keyHeads, headDim, window, work);
}

/**
 * Each query of each head by itself.
 * @param startBytes From one sequence's start to the next one's: 0 where one is that of all.
 */
function attendEach(
  q: usize,
  k: usize,
  v: usize,
  start: usize,
  startBytes: usize,
  y: usize,
  lse: usize,
  B: u32,
  T: u32,
  S: u32,
  H: u32,
  keyHeads: u32,
  headDim: u32,
  window: u32,
  work: usize,
): void {
  const headBytes = (headDim as usize) << 2;
  const rowBytes = H * headBytes;
  const keyBytes = keyHeads * headBytes;
  const sharers = H / keyHeads;
  divide(work, B * H * T, 1);
  while (claim()) {
    for (let unit = firstUnit; unit < endUnit; unit++) {
      const t = unit % T;
      const head = unit / T;
      const b = head / H;
      const queryAt = (b * T + t) * rowBytes + (head % H) * headBytes;
      const position = min(load<u32>(start + b * startBytes), S - T) + t;
      const firstKey = lowestKey(position, window);
      const keyAt = (b * S + firstKey) * keyBytes + head % H / sharers * headBytes;
      const keys = position + 1 - firstKey;
      const logSum = attendOne(q + queryAt, k + keyAt, v + keyAt, y + queryAt, keyBytes, keys, headDim);
      store<f32>(lse + (unit << 2), logSum);
    }
  }
}

/** The first key that the query at a position sees. @inline */
function lowestKey(position: u32, window: u32): u32 {
  return position >= window ? position - window + 1 : 0;
}

/** One group of queries of one head. @param position The place of the group's first query among the keys. */
function attendGroup(
  q: usize,
  k: usize,
  v: usize,
  y: usize,
  lse: usize,
  rowBytes: usize,
  keyBytes: usize,
  queries: u32,
  position: u32,
  headDim: u32,
  window: u32,
): void {
  const groupKeys = min(GROUP, max(TILE_COLUMNS, (MAX_PACKED / (2 * headDim)) & ~7));
  const padded = (headDim + 7) & ~7;
  const sumBytes = (padded as usize) << 2;
  const blockBytes = TILE_ROWS * PITCH;
  const blocks = (headDim + BLOCK_DIMENSIONS - 1) / BLOCK_DIMENSIONS;
  // In front of these, the softmax has a place for a vector or two.
  const states = scratch + 64;
  const scores = states + GROUP * STATE_BYTES;
  const rowsQ = scores + blockBytes;
  const packedK = rowsQ + blocks * blockBytes;
  const alongV = packedK + groupKeys * headDim * 4;
  const sums = alongV + groupKeys * sumBytes;

  for (let t: u32 = 0; t < queries; t++) prepare(states + t * STATE_BYTES);
  fetch(q, rowBytes, queries, headDim, scratch);
  const power: f32 = LOG2_E / sqrt<f32>(headDim as f32);
  const endKey = position + queries;
  for (let firstKey = lowestKey(position, window); firstKey < endKey; firstKey += groupKeys) {
    const keys = min(groupKeys, endKey - firstKey);
    const keyAt = firstKey * keyBytes;
    fetch(k + keyAt, keyBytes, keys, headDim, scratch);
    fetch(v + keyAt, keyBytes, keys, headDim, scratch);
    for (let j: u32 = 0; j < keys; j += TILE_COLUMNS) {
      packAcross8(packedK + j * headDim * 4, k + keyAt + j * keyBytes, keyBytes, min(TILE_COLUMNS, keys - j), headDim);
    }
    packAlong8(alongV, v + keyAt, keyBytes, headDim, keys);
    // Queries before the first of these keys see none of them.
    const begin = firstKey > position ? (firstKey - position) / TILE_ROWS * TILE_ROWS : 0;
    for (let t = begin; t < queries; t += TILE_ROWS) {
      const rows = min(TILE_ROWS, queries - t);
      // The first key that any of these queries sees: those further down have all keys of this group behind their windows.
      const lowest = lowestKey(position + t, window);
      if (lowest >= firstKey + keys) break;
      const isLater = lowest < firstKey;
      // Keys that the first of these queries sees, negative where its last key lies before this group, and the last.
      const visible = ((position + t + 1) as i32) - (firstKey as i32);
      const depth = min(keys, visible + rows - 1);
      const panels = (depth + 7) / TILE_COLUMNS;
      copyRows(rowsQ, blockBytes, q + t * rowBytes, rowBytes, rows, headDim);
      multiplyAcross(scores, rowsQ, packedK, panels, headDim, blockBytes);
      for (let i: u32 = 0; i < rows; i++) {
        const seen = max(0, min(keys as i32, visible + (i as i32))) as u32;
        const hidden = lowestKey(position + t + i, window);
        if (hidden > firstKey) hideFirst(scores + i * PITCH, min(depth, hidden - firstKey));
        findLargest(scores + i * PITCH, seen, panels, power, states + (t + i) * STATE_BYTES);
      }
      const to = sums + t * sumBytes;
      for (let i: u32 = 0; i < rows; i++) {
        const state = states + (t + i) * STATE_BYTES;
        exponentiate(scores + i * PITCH, panels, power, state, to + i * sumBytes, isLater ? padded : 0);
      }
      multiplyRows(depth, scores, alongV, keys * 32, padded / TILE_COLUMNS, to, sumBytes, isLater);
      if (firstKey + keys < position + t + rows) continue;
      // These queries have seen all of their keys. Written at once, so that memory is busy while the next are computed.
      for (let i: u32 = 0; i < rows; i++) {
        const state = states + (t + i) * STATE_BYTES;
        writeRow(y + (t + i) * rowBytes, to + i * sumBytes, headDim, (1 as f32) / sumOf(state), false);
        store<f32>(lse + ((t + i) << 2), logSumOf(state));
      }
    }
  }
}

/**
 * Hides the first keys of a row of scores: behind the query's window. Below any score, but not −∞: a query that sees none of
 * a group's keys gives them all a weight, which becomes 0 when it meets the first key that it sees.
 */
function hideFirst(scores: usize, count: u32): void {
  const end = scores + ((count as usize) << 2);
  for (; scores < end; scores += 4) store<f32>(scores, -1e30);
}
