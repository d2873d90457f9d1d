// Philox4x32-10 for four counters at once. Source: Salmon et al. 2011, SC '11; as in lib/random/philox.ts.

const ROUNDS: i32 = 10;
const MULTIPLIER_0: u32 = 0xd2511f53;
const MULTIPLIER_1: u32 = 0xcd9e8d57;
const WEYL_0: u32 = 0x9e3779b9;
const WEYL_1: u32 = 0xbb67ae85;

/** The four words of each of four blocks: block k's are in `philox_k`. */
export let philox_0: v128 = i32x4.splat(0);
export let philox_1: v128 = i32x4.splat(0);
export let philox_2: v128 = i32x4.splat(0);
export let philox_3: v128 = i32x4.splat(0);

/** Draws the blocks with the counters (first + k, second, third, fourth) for k from 0 to 3. */
export function philox(first: u32, second: u32, third: u32, fourth: u32, key0: u32, key1: u32): void {
  const m0 = i32x4.splat(MULTIPLIER_0 as i32);
  const m1 = i32x4.splat(MULTIPLIER_1 as i32);
  let c0 = i32x4.add(i32x4.splat(first as i32), i32x4(0, 1, 2, 3));
  let c1 = i32x4.splat(second as i32);
  let c2 = i32x4.splat(third as i32);
  let c3 = i32x4.splat(fourth as i32);
  for (let round = 0; round < ROUNDS; round++) {
    const a = i64x2.extmul_low_i32x4_u(m0, c0);
    const b = i64x2.extmul_high_i32x4_u(m0, c0);
    const c = i64x2.extmul_low_i32x4_u(m1, c2);
    const d = i64x2.extmul_high_i32x4_u(m1, c2);
    c0 = v128.xor(v128.xor(v128.shuffle<i32>(c, d, 1, 3, 5, 7), c1), i32x4.splat(key0 as i32));
    c2 = v128.xor(v128.xor(v128.shuffle<i32>(a, b, 1, 3, 5, 7), c3), i32x4.splat(key1 as i32));
    c1 = v128.shuffle<i32>(c, d, 0, 2, 4, 6);
    c3 = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
    key0 += WEYL_0;
    key1 += WEYL_1;
  }
  // From words of all blocks to blocks of all words.
  const a = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5);
  const b = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5);
  const c = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
  const d = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
  philox_0 = v128.shuffle<i32>(a, b, 0, 1, 4, 5);
  philox_1 = v128.shuffle<i32>(a, b, 2, 3, 6, 7);
  philox_2 = v128.shuffle<i32>(c, d, 0, 1, 4, 5);
  philox_3 = v128.shuffle<i32>(c, d, 2, 3, 6, 7);
}
