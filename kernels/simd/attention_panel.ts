import { SCRATCH_BYTES } from "./scratch";
import { loadLanes, storeLanes } from "./vector";

// What the attention kernels share. They work on panels: eight neighbouring positions side by side in the lanes of two
// vectors, so that the softmax needs no sums across lanes. A panel of head vectors is (headDim, 8), of scores (keys, 8).

/** Positions in a panel. */
export const LANES: u32 = 8;
/** Positions on the other side that are packed at a time: a multiple of TILE_ROWS. */
export const TILE: u32 = 72;
/** The largest headDim for which a worker's scratch memory suffices; above it, the kernels trap. */
export const MAX_HEAD_DIM: u32 = 4096;

/** Panels handled together, so that one packing of the other side serves all of them. */
export function panelsPerGroup(headDim: u32): u32 {
  if (headDim > MAX_HEAD_DIM) unreachable();
  return max<u32>(1, min<u32>(16, (SCRATCH_BYTES as u32) / 4 / (headDim * 4 * LANES * 4)));
}

/** headDim rounded up to whole tiles of rows. @inline */
export function paddedHeadDim(headDim: u32): u32 {
  return (headDim + 5) / 6 * 6;
}

/**
 * to[i, p] (+)= panel[p, i] · scale[i] for i < count and p < headDim; `low` and `high` hold scale.
 */
export function unpackPanel(
  to: usize,
  rowBytes: usize,
  panel: usize,
  count: u32,
  headDim: u32,
  low: v128,
  high: v128,
  accumulate: bool,
): void {
  for (let half: u32 = 0; half < count; half += 4) {
    const scale = half === 0 ? low : high;
    const rows = min<u32>(4, count - half);
    const toHalf = to + half * rowBytes;
    let from = panel + ((half as usize) << 2);
    for (let p: u32 = 0; p < headDim; p += 4) {
      const left = (headDim - p) as i32;
      const c0 = f32x4.mul(v128.load(from), scale);
      const c1 = left > 1 ? f32x4.mul(v128.load(from, 32), scale) : c0;
      const c2 = left > 2 ? f32x4.mul(v128.load(from, 64), scale) : c0;
      const c3 = left > 3 ? f32x4.mul(v128.load(from, 96), scale) : c0;
      const low01 = v128.shuffle<f32>(c0, c1, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(c0, c1, 2, 6, 3, 7);
      const low23 = v128.shuffle<f32>(c2, c3, 0, 4, 1, 5);
      const high23 = v128.shuffle<f32>(c2, c3, 2, 6, 3, 7);
      const at = toHalf + ((p as usize) << 2);
      put(at, v128.shuffle<f64>(low01, low23, 0, 2), left, accumulate);
      if (rows > 1) put(at + rowBytes, v128.shuffle<f64>(low01, low23, 1, 3), left, accumulate);
      if (rows > 2) put(at + 2 * rowBytes, v128.shuffle<f64>(high01, high23, 0, 2), left, accumulate);
      if (rows > 3) put(at + 3 * rowBytes, v128.shuffle<f64>(high01, high23, 1, 3), left, accumulate);
      from += 128;
    }
  }
}

/** @inline */
function put(to: usize, value: v128, count: i32, accumulate: bool): void {
  storeLanes(to, accumulate ? f32x4.add(loadLanes(to, count), value) : value, count);
}
