import { LANES, paddedHeadDim, panelsPerGroup, TILE, unpackPanel } from "./attention_panel";
import { attendOne, isSingle } from "./attention_single";
import { LN_2, log, LOG2_E, storeExp2Pair } from "./exp";
import { multiplyTile, TILE_ROWS } from "./micro_kernel";
import { packAcross6, packAcross8, packAlong6 } from "./pack";
import { scratch } from "./scratch";
import { claim, divide, endUnit, firstUnit } from "./work";

// attention_forward: y[b,t,h] = Σⱼ softmaxⱼ(scale q[b,t,h]·k[b,j,h]) v[b,j,h] over j ≤ start[0] + t, scale = 1 / √headDim,
//   by the online softmax: no (T, S) matrix is stored. lse[b,h,t]: the logarithm of the softmax's denominator.
// q, y: (B, T, H, headDim); k, v: (B, S, H, headDim); start: (1) u32; lse: (B, H, T).
// A worker takes whole groups of queries of one head. Keys are visited in ascending tiles. Overwrites y and lse.
// One query, or a few, are attended to as in attention_single.ts.
// Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2)

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
  if (isSingle(T, S)) {
    attendEach(q, k, v, load<u32>(start), y, lse, B, T, S, H, headDim, work);
    return;
  }
  const groupQueries = panelsPerGroup(headDim) * LANES;
  const groups = (T + groupQueries - 1) / groupQueries;
  const units = B * H * groups;
  const headBytes = (headDim as usize) << 2;
  const rowBytes = H * headBytes;
  divide(work, units, 1);
  while (claim()) {
    for (let unit = firstUnit; unit < endUnit; unit++) {
      const firstQuery = unit % groups * groupQueries;
      const head = unit / groups;
      const b = head / H;
      const column = (head % H) * headBytes;
      const queryAt = (b * T + firstQuery) * rowBytes + column;
      const keyAt = b * S * rowBytes + column;
      attendGroup(
        q + queryAt,
        k + keyAt,
        v + keyAt,
        y + queryAt,
        lse + ((head * T + firstQuery) << 2),
        rowBytes,
        min(groupQueries, T - firstQuery),
        load<u32>(start) + firstQuery,
        headDim,
      );
    }
  }
}

/** Each query of each head by itself. */
function attendEach(
  q: usize,
  k: usize,
  v: usize,
  start: u32,
  y: usize,
  lse: usize,
  B: u32,
  T: u32,
  S: u32,
  H: u32,
  headDim: u32,
  work: usize,
): void {
  const headBytes = (headDim as usize) << 2;
  const rowBytes = H * headBytes;
  divide(work, B * H * T, 1);
  while (claim()) {
    for (let unit = firstUnit; unit < endUnit; unit++) {
      const t = unit % T;
      const head = unit / T;
      const b = head / H;
      const column = (head % H) * headBytes;
      const queryAt = (b * T + t) * rowBytes + column;
      const keyAt = b * S * rowBytes + column;
      const logSum = attendOne(q + queryAt, k + keyAt, v + keyAt, y + queryAt, rowBytes, start + t + 1, headDim);
      store<f32>(lse + (unit << 2), logSum);
    }
  }
}

/** One group of queries of one head. @param position The place of the group's first query among the keys. */
function attendGroup(
  q: usize,
  k: usize,
  v: usize,
  y: usize,
  lse: usize,
  rowBytes: usize,
  queries: u32,
  position: u32,
  headDim: u32,
): void {
  const panels = (queries + LANES - 1) / LANES;
  const padded = paddedHeadDim(headDim);
  const panelBytes = (headDim as usize) << 5;
  const sumBytes = (padded as usize) << 5;
  // Per panel: running maxima and denominators, 32 bytes each, and as much for what is passing.
  const stats = scratch;
  const scores = stats + 96 * panels;
  const packedQ = scores + TILE * 32;
  const sums = packedQ + panels * panelBytes;
  const packedK = sums + panels * sumBytes;
  const packedV = packedK + TILE * headDim * 4;

  memory.fill(sums, 0, panels * sumBytes);
  for (let panel: u32 = 0; panel < panels; panel++) {
    const first = panel * LANES;
    packAcross8(packedQ + panel * panelBytes, q + first * rowBytes, rowBytes, min(LANES, queries - first), headDim);
    const at = stats + 96 * panel;
    v128.store(at, f32x4.splat(-Infinity));
    v128.store(at, f32x4.splat(-Infinity), 16);
    v128.store(at, f32x4.splat(0), 32);
    v128.store(at, f32x4.splat(0), 48);
  }

  const scale: f32 = LOG2_E / sqrt<f32>(headDim as f32);
  const endKey = position + queries;
  for (let firstKey: u32 = 0; firstKey < endKey; firstKey += TILE) {
    const keys = min(TILE, endKey - firstKey);
    for (let j: u32 = 0; j < keys; j += TILE_ROWS) {
      const from = k + (firstKey + j) * rowBytes;
      packAcross6(packedK + j * headDim * 4, from, rowBytes, min(TILE_ROWS, keys - j), headDim);
    }
    packAlong6(packedV, v + firstKey * rowBytes, rowBytes, headDim, keys);
    for (let panel: u32 = 0; panel < panels; panel++) {
      // The last key that the panel's first query sees; the query of lane i sees i more.
      const lastKey = position + panel * LANES;
      const panelEnd = min(lastKey + LANES, endKey);
      if (panelEnd <= firstKey) continue;
      const count = min(keys, panelEnd - firstKey);
      const panelQ = packedQ + panel * panelBytes;
      for (let j: u32 = 0; j < count; j += TILE_ROWS) {
        multiplyTile(headDim, packedK + j * headDim * 4, panelQ, scores + ((j as usize) << 5), 32, false);
      }
      const panelSums = sums + panel * sumBytes;
      exponentiate(scores, count, scale, (lastKey as i32) - (firstKey as i32), stats + 96 * panel, panelSums, padded);
      for (let c: u32 = 0; c < padded; c += TILE_ROWS) {
        multiplyTile(count, packedV + c * keys * 4, scores, panelSums + ((c as usize) << 5), 32, true);
      }
    }
  }

  for (let panel: u32 = 0; panel < panels; panel++) {
    const first = panel * LANES;
    const count = min(LANES, queries - first);
    const at = stats + 96 * panel;
    const low = f32x4.div(f32x4.splat(1), v128.load(at, 32));
    const high = f32x4.div(f32x4.splat(1), v128.load(at, 48));
    unpackPanel(y + first * rowBytes, rowBytes, sums + panel * sumBytes, count, headDim, low, high, false);
    for (let i: u32 = 0; i < count; i++) {
      const lane = at + ((i as usize) << 2);
      const logSum = (load<f32>(lane) as f64) * LN_2 + log(load<f32>(lane, 32) as f64);
      store<f32>(lse + ((first + i) << 2), logSum as f32);
    }
  }
}

/**
 * One step of the online softmax: turns a panel of scores (count, 8) into 2^(scale · score − maximum), raising the
 * running maxima first and scaling the denominators and the sums down to match. Powers of 2, because they take less work
 * than powers of e: `scale` contains the factor 1 / ln 2.
 * @param visible The last row that lane 0 sees; lane i sees i more.
 */
function exponentiate(
  scores: usize,
  count: u32,
  scale: f32,
  visible: i32,
  stats: usize,
  sums: usize,
  sumRows: u32,
): void {
  const oldLow = v128.load(stats);
  const oldHigh = v128.load(stats, 16);
  const end = scores + (count << 5);
  hideLater(scores, count, visible);
  let low = f32x4.splat(-Infinity);
  let high = low;
  let at = scores;
  do {
    low = f32x4.pmax(low, v128.load(at));
    high = f32x4.pmax(high, v128.load(at, 16));
    at += 32;
  } while (at !== end);
  const scale4 = f32x4.splat(scale);
  low = f32x4.pmax(oldLow, f32x4.mul(low, scale4));
  high = f32x4.pmax(oldHigh, f32x4.mul(high, scale4));
  v128.store(stats, low);
  v128.store(stats, high, 16);
  // What the old maxima's sums are worth under the new; 2^−∞ = 0 the first time.
  storeExp2Pair(stats + 64, f32x4.sub(oldLow, low), f32x4.sub(oldHigh, high));
  const shrinkLow = v128.load(stats, 64);
  const shrinkHigh = v128.load(stats, 80);
  low = f32x4.neg(low);
  high = f32x4.neg(high);
  let sumLow = f32x4.mul(v128.load(stats, 32), shrinkLow);
  let sumHigh = f32x4.mul(v128.load(stats, 48), shrinkHigh);
  at = scores;
  do {
    const powerLow = f32x4.relaxed_madd(v128.load(at), scale4, low);
    storeExp2Pair(at, powerLow, f32x4.relaxed_madd(v128.load(at, 16), scale4, high));
    sumLow = f32x4.add(sumLow, v128.load(at));
    sumHigh = f32x4.add(sumHigh, v128.load(at, 16));
    at += 32;
  } while (at !== end);
  v128.store(stats, sumLow, 32);
  v128.store(stats, sumHigh, 48);
  const one = f32x4.splat(1);
  if (i32x4.all_true(v128.and(f32x4.eq(shrinkLow, one), f32x4.eq(shrinkHigh, one)))) return;
  const endSums = sums + (sumRows << 5);
  for (at = sums; at !== endSums; at += 32) {
    v128.store(at, f32x4.mul(v128.load(at), shrinkLow));
    v128.store(at, f32x4.mul(v128.load(at, 16), shrinkHigh), 16);
  }
}

/** Sets the scores of the keys that a lane does not see, those in rows after visible + lane, to −∞. */
function hideLater(scores: usize, count: u32, visible: i32): void {
  const hidden = f32x4.splat(-Infinity);
  for (let j: i32 = max(visible + 1, 0); j < (count as i32); j++) {
    const at = scores + (j << 5);
    const lane = i32x4.splat(j - visible);
    v128.store(at, v128.bitselect(hidden, v128.load(at), i32x4.gt_s(lane, i32x4(0, 1, 2, 3))));
    v128.store(at, v128.bitselect(hidden, v128.load(at, 16), i32x4.gt_s(lane, i32x4(4, 5, 6, 7))), 16);
  }
}
