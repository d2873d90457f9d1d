import { claim, divide, endUnit, firstUnit, workerCount } from "./work";

// peak_fma: what 128-bit fused multiply-adds can do on this machine, the yardstick of the benches.
// Each of as many units as there are workers makes `iterations` rounds of 12 independent multiply-adds of 4 lanes, all in registers:
// 96 · iterations floating-point operations. result: (workers), so that nothing is optimised away.

export function peak_fma(result: usize, iterations: u32, work: usize): void {
  // From memory: V8 builds vector constants anew at each use.
  const x = v128.load_splat<f32>(result);
  const b = x;
  divide(work, workerCount(), 1);
  while (claim()) {
    for (let unit = firstUnit; unit < endUnit; unit++) {
      store<f32>(result + ((unit as usize) << 2), multiplyAdd(x, b, iterations));
    }
  }
}

/** @inline */
function multiplyAdd(x: v128, b: v128, iterations: u32): f32 {
  let c0 = f32x4.splat(0), c1 = f32x4.splat(1), c2 = f32x4.splat(2), c3 = f32x4.splat(3);
  let c4 = f32x4.splat(4), c5 = f32x4.splat(5), c6 = f32x4.splat(6), c7 = f32x4.splat(7);
  let c8 = f32x4.splat(8), c9 = f32x4.splat(9), c10 = f32x4.splat(10), c11 = f32x4.splat(11);
  for (let i: u32 = 0; i < iterations; i++) {
    c0 = f32x4.relaxed_madd(x, b, c0);
    c1 = f32x4.relaxed_madd(x, b, c1);
    c2 = f32x4.relaxed_madd(x, b, c2);
    c3 = f32x4.relaxed_madd(x, b, c3);
    c4 = f32x4.relaxed_madd(x, b, c4);
    c5 = f32x4.relaxed_madd(x, b, c5);
    c6 = f32x4.relaxed_madd(x, b, c6);
    c7 = f32x4.relaxed_madd(x, b, c7);
    c8 = f32x4.relaxed_madd(x, b, c8);
    c9 = f32x4.relaxed_madd(x, b, c9);
    c10 = f32x4.relaxed_madd(x, b, c10);
    c11 = f32x4.relaxed_madd(x, b, c11);
  }
  const s0 = f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3));
  const s1 = f32x4.add(f32x4.add(c4, c5), f32x4.add(c6, c7));
  const s2 = f32x4.add(f32x4.add(c8, c9), f32x4.add(c10, c11));
  const sum = f32x4.add(f32x4.add(s0, s1), s2);
  return f32x4.extract_lane(sum, 0);
}
