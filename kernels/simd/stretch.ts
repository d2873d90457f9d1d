// Stretches of a row: numbers that are written side by side, or added to what is there.

import { loadTail, storeTail } from "./vector";

/** to[i] = from[i], or += where accumulate is 1, for i < count. @inline */
export function copyStretch(from: usize, to: usize, count: u32, accumulate: u32): void {
  if (!accumulate) {
    memory.copy(to, from, (count as usize) << 2);
    return;
  }
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
    to += 16;
    from += 16;
  }
  if (i < count) storeTail(to, f32x4.add(loadTail(to, count - i), loadTail(from, count - i)), count - i);
}

/** to[i] = value, or += where accumulate is 1, for i < count; all lanes of `value` are one number. */
export function fillStretch(value: v128, to: usize, count: u32, accumulate: u32): void {
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) {
    v128.store(to, accumulate ? f32x4.add(v128.load(to), value) : value);
    to += 16;
  }
  if (i < count) {
    const rest = count - i;
    storeTail(to, accumulate ? f32x4.add(loadTail(to, rest), value) : value, rest);
  }
}
