import { storeExp2Pair } from "./exp";

// Between the products of attention's backward pass: the softmax's gradient.

/**
 * Turns a query's scores of its `visible` keys into probabilities, and the products dY·v into slopes. Both are 0 for as
 * many keys after these as tiles may reach.
 * @param power What makes a score a power of 2, which takes less work than a power of e.
 * @param logSum The logarithm of the softmax's denominator, negative, to base 2.
 */
export function differentiate(scores: usize, slopes: usize, visible: u32, power: f32, logSum: f32, delta: f32): void {
  const power4 = f32x4.splat(power);
  const logSum4 = f32x4.splat(logSum);
  const delta4 = f32x4.splat(delta);
  const end = scores + ((visible as usize) << 2);
  while (scores < end) {
    const low = f32x4.relaxed_madd(v128.load(scores), power4, logSum4);
    storeExp2Pair(scores, low, f32x4.relaxed_madd(v128.load(scores, 16), power4, logSum4));
    v128.store(slopes, f32x4.mul(v128.load(scores), f32x4.sub(v128.load(slopes), delta4)));
    v128.store(slopes, f32x4.mul(v128.load(scores, 16), f32x4.sub(v128.load(slopes, 16), delta4)), 16);
    scores += 32;
    slopes += 32;
  }
  const zero = f32x4.splat(0);
  v128.store(scores, zero);
  v128.store(scores, zero, 16);
  v128.store(slopes, zero);
  v128.store(slopes, zero, 16);
  const hidden = (scores - end) >> 2;
  if (hidden > 0) {
    // The last vectors hold 8 - hidden keys.
    const limit = i32x4.splat(8 - hidden);
    const seenLow = i32x4.lt_s(i32x4(0, 1, 2, 3), limit);
    const seenHigh = i32x4.lt_s(i32x4(4, 5, 6, 7), limit);
    scores -= 32;
    slopes -= 32;
    v128.store(scores, v128.and(v128.load(scores), seenLow));
    v128.store(scores, v128.and(v128.load(scores, 16), seenHigh), 16);
    v128.store(slopes, v128.and(v128.load(slopes), seenLow));
    v128.store(slopes, v128.and(v128.load(slopes, 16), seenHigh), 16);
  }
}
