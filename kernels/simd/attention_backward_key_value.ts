import { LANES, packTileAcross, paddedHeadDim, panelsPerGroup, TILE, unpackPanel } from "./attention_panel";
import { LOG2_E, storeExp2Pair } from "./exp";
import { multiplyTile, TILE_ROWS } from "./micro_kernel";
import { packAcross8, packAlong6 } from "./pack";
import { scratch } from "./scratch";
import { claim, divide, endUnit, firstUnit } from "./work";

// With p[t,j] = exp(scale q[t]·k[j] − lse[t]) for j ≤ t, recomputed, delta[t] = dY[t]·y[t], ds = p (dY[t]·v[j] − delta[t]):
// attention_backward_key_value: dV[j] (+)= Σ over t of p[t,j] dY[t]; dK[j] (+)= scale Σ over t of ds[t,j] q[t]
// q, k, v, y, dY, dQ, dK, dV: (B, T, H, headDim); lse, delta: (B, H, T).
// A worker takes whole groups of keys of one head. The queries are visited in ascending tiles.
// Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2)

export function attention_backward_key_value(
  q: usize,
  k: usize,
  v: usize,
  lse: usize,
  delta: usize,
  dY: usize,
  dK: usize,
  dV: usize,
  B: u32,
  T: u32,
  H: u32,
  headDim: u32,
  accumulateKey: u32,
  accumulateValue: u32,
  work: usize,
): void {
  const groupKeys = panelsPerGroup(headDim) * LANES;
  const groups = (T + groupKeys - 1) / groupKeys;
  const units = B * H * groups;
  const headBytes = (headDim as usize) << 2;
  const rowBytes = H * headBytes;
  divide(work, units, 1);
  while (claim()) {
    for (let unit = firstUnit; unit < endUnit; unit++) {
      const firstKey = unit % groups * groupKeys;
      const head = unit / groups;
      const queryAt = (head / H) * T * rowBytes + (head % H) * headBytes;
      const keyAt = queryAt + firstKey * rowBytes;
      const statsAt: usize = (head * T) << 2;
      keyValueGroup(
        q + queryAt,
        k + keyAt,
        v + keyAt,
        lse + statsAt,
        delta + statsAt,
        dY + queryAt,
        dK + keyAt,
        dV + keyAt,
        rowBytes,
        T,
        firstKey,
        min(groupKeys, T - firstKey),
        headDim,
        accumulateKey !== 0,
        accumulateValue !== 0,
      );
    }
  }
}

function keyValueGroup(
  q: usize,
  k: usize,
  v: usize,
  lse: usize,
  delta: usize,
  dY: usize,
  dK: usize,
  dV: usize,
  rowBytes: usize,
  T: u32,
  firstKey: u32,
  keys: u32,
  headDim: u32,
  accumulateKey: bool,
  accumulateValue: bool,
): void {
  const panels = (keys + LANES - 1) / LANES;
  const padded = paddedHeadDim(headDim);
  const panelBytes = (headDim as usize) << 5;
  const sumBytes = (padded as usize) << 5;
  const scores = scratch;
  const slopes = scores + TILE * 32;
  const packedK = slopes + TILE * 32;
  const packedV = packedK + panels * panelBytes;
  const sumsK = packedV + panels * panelBytes;
  const sumsV = sumsK + panels * sumBytes;
  const packedQ = sumsV + panels * sumBytes;
  const packedDY = packedQ + TILE * headDim * 4;
  const alongQ = packedDY + TILE * headDim * 4;
  const alongDY = alongQ + TILE * padded * 4;

  memory.fill(sumsK, 0, panels * sumBytes * 2);
  for (let panel: u32 = 0; panel < panels; panel++) {
    const first = panel * LANES;
    const count = min(LANES, keys - first);
    packAcross8(packedK + panel * panelBytes, k + first * rowBytes, rowBytes, count, headDim);
    packAcross8(packedV + panel * panelBytes, v + first * rowBytes, rowBytes, count, headDim);
  }

  const scale: f32 = (1 as f32) / sqrt<f32>(headDim as f32);
  const scale4 = f32x4.splat(scale);
  // p as a power of 2, which takes less work than a power of e.
  const power4 = f32x4.splat(scale * LOG2_E);
  for (let firstQuery = firstKey / TILE * TILE; firstQuery < T; firstQuery += TILE) {
    const queries = min(TILE, T - firstQuery);
    packTileAcross(packedQ, q + firstQuery * rowBytes, rowBytes, queries, headDim);
    packTileAcross(packedDY, dY + firstQuery * rowBytes, rowBytes, queries, headDim);
    packAlong6(alongQ, q + firstQuery * rowBytes, rowBytes, headDim, queries);
    packAlong6(alongDY, dY + firstQuery * rowBytes, rowBytes, headDim, queries);
    for (let panel: u32 = 0; panel < panels; panel++) {
      const panelKey = firstKey + panel * LANES;
      if (firstQuery + queries <= panelKey) continue;
      // Queries before the panel's first key see none of it.
      const begin = panelKey > firstQuery ? (panelKey - firstQuery) / TILE_ROWS * TILE_ROWS : 0;
      for (let t = begin; t < queries; t += TILE_ROWS) {
        const at = (t as usize) << 5;
        multiplyTile(headDim, packedQ + t * headDim * 4, packedK + panel * panelBytes, scores + at, 32, false);
        multiplyTile(headDim, packedDY + t * headDim * 4, packedV + panel * panelBytes, slopes + at, 32, false);
      }
      for (let t = begin; t < queries; t++) {
        const row = scores + (t << 5);
        const statsAt: usize = (firstQuery + t) << 2;
        const logSum = f32x4.splat(-LOG2_E * load<f32>(lse + statsAt));
        const powerLow = f32x4.relaxed_madd(v128.load(row), power4, logSum);
        storeExp2Pair(row, powerLow, f32x4.relaxed_madd(v128.load(row, 16), power4, logSum));
        const visible = ((firstQuery + t) as i32) - (panelKey as i32);
        if (visible < 7) {
          // The key of lane i is seen where i ≤ visible.
          const limit = i32x4.splat(visible);
          v128.store(row, v128.andnot(v128.load(row), i32x4.gt_s(i32x4(0, 1, 2, 3), limit)));
          v128.store(row, v128.andnot(v128.load(row, 16), i32x4.gt_s(i32x4(4, 5, 6, 7), limit)), 16);
        }
        const delta4 = v128.load_splat<f32>(delta + statsAt);
        const slope = slopes + (t << 5);
        v128.store(slope, f32x4.mul(v128.load(row), f32x4.sub(v128.load(slope), delta4)));
        v128.store(slope, f32x4.mul(v128.load(row, 16), f32x4.sub(v128.load(slope, 16), delta4)), 16);
      }
      const depth = queries - begin;
      const skip = begin * 24;
      const from = (begin as usize) << 5;
      for (let c: u32 = 0; c < padded; c += TILE_ROWS) {
        const panelAt = c * queries * 4 + skip;
        const to = panel * sumBytes + ((c as usize) << 5);
        multiplyTile(depth, alongDY + panelAt, scores + from, sumsV + to, 32, true);
        multiplyTile(depth, alongQ + panelAt, slopes + from, sumsK + to, 32, true);
      }
    }
  }

  const one = f32x4.splat(1);
  for (let panel: u32 = 0; panel < panels; panel++) {
    const first = panel * LANES;
    const count = min(LANES, keys - first);
    const to = first * rowBytes;
    unpackPanel(dK + to, rowBytes, sumsK + panel * sumBytes, count, headDim, scale4, scale4, accumulateKey);
    unpackPanel(dV + to, rowBytes, sumsV + panel * sumBytes, count, headDim, one, one, accumulateValue);
  }
}
