import { LANES, loadLanes, packTileAcross, paddedHeadDim, panelsPerGroup, TILE, unpackPanel } from "./attention_panel";
import { LOG2_E, storeExp2Pair } from "./exp";
import { multiplyTile, TILE_ROWS } from "./micro_kernel";
import { packAcross8, packAlong6 } from "./pack";
import { scratch } from "./scratch";
import { claim, divide, endUnit, firstUnit } from "./work";
import { dot } from "./vector";

// With p[t,j] = exp(scale q[t]·k[j] − lse[t]) for j ≤ t, recomputed, delta[t] = dY[t]·y[t], ds = p (dY[t]·v[j] − delta[t]):
// attention_backward_query: dQ[t] (+)= scale Σⱼ ds[t,j] k[j]. Overwrites delta.
// q, k, v, y, dY, dQ, dK, dV: (B, T, H, headDim); lse, delta: (B, H, T).
// A worker takes whole groups of queries of one head. The keys are visited in ascending tiles.
// Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2)

export function attention_backward_query(
  q: usize,
  k: usize,
  v: usize,
  y: usize,
  lse: usize,
  dY: usize,
  dQ: usize,
  delta: usize,
  B: u32,
  T: u32,
  H: u32,
  headDim: u32,
  accumulate: u32,
  work: usize,
): void {
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
      const keyAt = (head / H) * T * rowBytes + (head % H) * headBytes;
      const queryAt = keyAt + firstQuery * rowBytes;
      const queries = min(groupQueries, T - firstQuery);
      const statsAt: usize = (head * T + firstQuery) << 2;
      for (let t: u32 = 0; t < queries; t++) {
        const at = queryAt + t * rowBytes;
        store<f32>(delta + statsAt + ((t as usize) << 2), dot(dY + at, y + at, headDim));
      }
      queryGroup(
        q + queryAt,
        k + keyAt,
        v + keyAt,
        lse + statsAt,
        delta + statsAt,
        dY + queryAt,
        dQ + queryAt,
        rowBytes,
        firstQuery,
        queries,
        headDim,
        accumulate !== 0,
      );
    }
  }
}

function queryGroup(
  q: usize,
  k: usize,
  v: usize,
  lse: usize,
  delta: usize,
  dY: usize,
  dQ: usize,
  rowBytes: usize,
  firstQuery: u32,
  queries: u32,
  headDim: u32,
  accumulate: bool,
): void {
  const panels = (queries + LANES - 1) / LANES;
  const padded = paddedHeadDim(headDim);
  const panelBytes = (headDim as usize) << 5;
  const sumBytes = (padded as usize) << 5;
  const scores = scratch;
  const slopes = scores + TILE * 32;
  const packedQ = slopes + TILE * 32;
  const packedDY = packedQ + panels * panelBytes;
  const sums = packedDY + panels * panelBytes;
  const packedK = sums + panels * sumBytes;
  const packedV = packedK + TILE * headDim * 4;
  const alongK = packedV + TILE * headDim * 4;

  memory.fill(sums, 0, panels * sumBytes);
  for (let panel: u32 = 0; panel < panels; panel++) {
    const first = panel * LANES;
    const count = min(LANES, queries - first);
    packAcross8(packedQ + panel * panelBytes, q + first * rowBytes, rowBytes, count, headDim);
    packAcross8(packedDY + panel * panelBytes, dY + first * rowBytes, rowBytes, count, headDim);
  }

  const scale: f32 = (1 as f32) / sqrt<f32>(headDim as f32);
  const scale4 = f32x4.splat(scale);
  // p as a power of 2, which takes less work than a power of e.
  const power4 = f32x4.splat(scale * LOG2_E);
  const endKey = firstQuery + queries;
  for (let firstKey: u32 = 0; firstKey < endKey; firstKey += TILE) {
    const keys = min(TILE, endKey - firstKey);
    packTileAcross(packedK, k + firstKey * rowBytes, rowBytes, keys, headDim);
    packTileAcross(packedV, v + firstKey * rowBytes, rowBytes, keys, headDim);
    packAlong6(alongK, k + firstKey * rowBytes, rowBytes, headDim, keys);
    for (let panel: u32 = 0; panel < panels; panel++) {
      // The last key that the panel's first query sees; the query of lane i sees i more.
      const lastKey = firstQuery + panel * LANES;
      const panelEnd = min(lastKey + LANES, endKey);
      if (panelEnd <= firstKey) continue;
      const count = min(keys, panelEnd - firstKey);
      for (let j: u32 = 0; j < count; j += TILE_ROWS) {
        const at = (j as usize) << 5;
        multiplyTile(headDim, packedK + j * headDim * 4, packedQ + panel * panelBytes, scores + at, 32, false);
        multiplyTile(headDim, packedV + j * headDim * 4, packedDY + panel * panelBytes, slopes + at, 32, false);
      }
      const first = panel * LANES;
      const lanes = (queries - first) as i32;
      const statsAt: usize = first << 2;
      const negLog2E = f32x4.splat(-LOG2_E);
      const lseLow = f32x4.mul(loadLanes(lse + statsAt, lanes), negLog2E);
      const lseHigh = f32x4.mul(loadLanes(lse + statsAt + 16, lanes - 4), negLog2E);
      const deltaLow = loadLanes(delta + statsAt, lanes);
      const deltaHigh = loadLanes(delta + statsAt + 16, lanes - 4);
      const end = scores + (count << 5);
      let row = slopes;
      for (let at = scores; at !== end; at += 32) {
        const powerLow = f32x4.relaxed_madd(v128.load(at), power4, lseLow);
        storeExp2Pair(at, powerLow, f32x4.relaxed_madd(v128.load(at, 16), power4, lseHigh));
        v128.store(row, f32x4.mul(v128.load(at), f32x4.sub(v128.load(row), deltaLow)));
        v128.store(row, f32x4.mul(v128.load(at, 16), f32x4.sub(v128.load(row, 16), deltaHigh)), 16);
        row += 32;
      }
      // What a query does not see, the rows after lastKey + lane, has no slope.
      const visible = (lastKey as i32) - (firstKey as i32);
      for (let j: i32 = max(visible + 1, 0); j < (count as i32); j++) {
        const at = slopes + (j << 5);
        const lane = i32x4.splat(j - visible);
        v128.store(at, v128.andnot(v128.load(at), i32x4.gt_s(lane, i32x4(0, 1, 2, 3))));
        v128.store(at, v128.andnot(v128.load(at, 16), i32x4.gt_s(lane, i32x4(4, 5, 6, 7))), 16);
      }
      for (let c: u32 = 0; c < padded; c += TILE_ROWS) {
        const to = sums + panel * sumBytes + ((c as usize) << 5);
        multiplyTile(count, alongK + c * keys * 4, slopes, to, 32, true);
      }
    }
  }

  for (let panel: u32 = 0; panel < panels; panel++) {
    const first = panel * LANES;
    const count = min(LANES, queries - first);
    const from = sums + panel * sumBytes;
    unpackPanel(dQ + first * rowBytes, rowBytes, from, count, headDim, scale4, scale4, accumulate);
  }
}
