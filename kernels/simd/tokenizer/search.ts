// Looks for two bytes, as the beginnings of special tokens.
import { input } from "./layout";

/** The second byte may be any. */
const ANY: u32 = 256;

/**
 * The first place in `input[0..length)` where `first` is, with `second` behind it unless that is {@linkcode ANY};
 * `length`, if there is none. A `first` at the very end is found, whatever follows.
 */
export function findBytes(length: u32, first: u32, second: u32): u32 {
  // What lies behind the text is read, and is garbage: whatever is found there ends the search.
  const end = input + (length as usize);
  const firsts = i8x16.splat(first as i8);
  const seconds = i8x16.splat(second as i8);
  const any = i8x16.splat(second === ANY ? -1 : 0);
  // The last byte's neighbour is not known.
  if (length > 0) store<u8>(end, second as u8);
  for (let at = input; at < end; at += 64) {
    const a = found(at, firsts, seconds, any);
    const b = found(at + 16, firsts, seconds, any);
    const c = found(at + 32, firsts, seconds, any);
    const d = found(at + 48, firsts, seconds, any);
    if (!v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) continue;
    const bits = (i8x16.bitmask(a) as u32 as u64) | (i8x16.bitmask(b) as u32 as u64) << 16 |
      (i8x16.bitmask(c) as u32 as u64) << 32 | (i8x16.bitmask(d) as u32 as u64) << 48;
    return min<u32>((at - input) as u32 + (ctz(bits) as u32), length);
  }
  return length;
}

/** @inline */
function found(at: usize, firsts: v128, seconds: v128, any: v128): v128 {
  const isFirst = i8x16.eq(v128.load(at), firsts);
  return v128.and(isFirst, v128.or(i8x16.eq(v128.load(at, 1), seconds), any));
}
