import { LN_2, log, storeExp2Pair } from "./exp";
import { scratch } from "./scratch";
import { maxLane, sumLanes } from "./vector";

// The online softmax of one query. Its state, STATE_BYTES: the largest score so far, times `power`; the sum of the powers of
// 2 of what the others are below it; and the largest score before the last step.

export const STATE_BYTES: usize = 16;

/** The state of a query that has seen no key. */
export function prepare(state: usize): void {
  store<f32>(state, -Infinity);
  store<f32>(state, 0, 4);
}

/** The softmax's denominator, as a multiple of the largest power. */
export function sumOf(state: usize): f32 {
  return load<f32>(state, 4);
}

/** The denominator's logarithm. */
export function logSumOf(state: usize): f32 {
  return ((load<f32>(state) as f64) * LN_2 + log(load<f32>(state, 4) as f64)) as f32;
}

/**
 * The first half of a step: finds the largest of a row of scores, `panels` vectors of 8, of which the query sees the first
 * `seen`; the others become −∞. Apart from the second half, so that the processor need not wait for the result.
 */
export function findLargest(scores: usize, seen: u32, panels: u32, power: f32, state: usize): void {
  const end = scores + ((panels as usize) << 5);
  const hidden = f32x4.splat(-Infinity);
  for (let j = seen & ~7; j < panels * 8; j += 8) {
    const at = scores + ((j as usize) << 2);
    const last = i32x4.splat((seen as i32) - (j as i32) - 1);
    v128.store(at, v128.bitselect(hidden, v128.load(at), i32x4.gt_s(i32x4(0, 1, 2, 3), last)));
    v128.store(at, v128.bitselect(hidden, v128.load(at, 16), i32x4.gt_s(i32x4(4, 5, 6, 7), last)), 16);
  }
  // pmax is one instruction where max, which must see to NaN, is eight.
  let low = hidden;
  let high = hidden;
  do {
    low = f32x4.pmax(low, v128.load(scores));
    high = f32x4.pmax(high, v128.load(scores, 16));
    scores += 32;
  } while (scores !== end);
  const before = load<f32>(state);
  store<f32>(state, before, 8);
  store<f32>(state, max(before, power * maxLane(f32x4.pmax(low, high))));
}

/**
 * The second half: turns the scores into 2^(power · score − largest), and scales the query's sums so far, `columns` of them,
 * down to match a new largest score. Powers of 2, because they take less work than powers of e: `power` contains the factor
 * 1 / ln 2.
 */
export function exponentiate(
  scores: usize,
  panels: u32,
  power: f32,
  state: usize,
  sums: usize,
  columns: u32,
): void {
  const largest = load<f32>(state);
  const power4 = f32x4.splat(power);
  const below = f32x4.splat(-largest);
  let low = f32x4.splat(0);
  let high = low;
  const end = scores + ((panels as usize) << 5);
  do {
    const exponent = f32x4.relaxed_madd(v128.load(scores), power4, below);
    storeExp2Pair(scores, exponent, f32x4.relaxed_madd(v128.load(scores, 16), power4, below));
    low = f32x4.add(low, v128.load(scores));
    high = f32x4.add(high, v128.load(scores, 16));
    scores += 32;
  } while (scores !== end);
  const sum = sumLanes(f32x4.add(low, high));
  if (columns === 0) {
    store<f32>(state, sum, 4);
    return;
  }
  // What the sums so far are worth under the new largest score.
  const before = load<f32>(state, 8);
  const difference = f32x4.splat(before - largest);
  storeExp2Pair(scratch, difference, difference);
  const shrink = v128.load(scratch);
  store<f32>(state, load<f32>(state, 4) * f32x4.extract_lane(shrink, 0) + sum, 4);
  if (before === largest) return;
  const endSums = sums + ((columns as usize) << 2);
  for (; sums !== endSums; sums += 16) v128.store(sums, f32x4.mul(v128.load(sums), shrink));
}
