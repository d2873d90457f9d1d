import { expNonPositive4, log } from "./exp";
import { claim, divide, divideRows, endUnit, firstUnit } from "./work";
import { loadTail, maximum, storeTail, sumLanes } from "./vector";

// cross_entropy_forward: losses[r] = lse[r] − logits[r, targets[r]], lse[r] = max + log Σᵥ exp(logits[r,v] − max).
//   Overwrites losses and lse.
// cross_entropy_backward: dLogits[r,v] (+)= dLoss[0] / rows (exp(logits[r,v] − lse[r]) (1 + 2 z lse[r]) −
//   [v = targets[r]])
// cross_entropy_backward_in_place: the same in the place of logits, which it reads and overwrites.
// mean_forward: y[0] = Σ x / n, summed in f64. Overwrites y.
// logits, dLogits: (rows, V); targets: (rows) u32; losses, lse: (rows); dLoss, y: (1); x: (n).
// Targets beyond V are taken for the last. A worker takes whole rows; one worker makes the mean.

export function cross_entropy_forward(
  logits: usize,
  targets: usize,
  losses: usize,
  lse: usize,
  rows: u32,
  V: u32,
  work: usize,
): void {
  const rowBytes = (V as usize) << 2;
  divideRows(work, rows, V);
  while (claim()) {
    for (let r = firstUnit; r < endUnit; r++) {
      const row = logits + r * rowBytes;
      const largest = maximum(row, V);
      const largest4 = f32x4.splat(largest);
      let s0 = f32x4.splat(0);
      let s1 = f32x4.splat(0);
      let v: u32 = 0;
      for (; v + 8 <= V; v += 8) {
        const at = row + ((v as usize) << 2);
        s0 = f32x4.add(s0, expNonPositive4(f32x4.sub(v128.load(at), largest4)));
        s1 = f32x4.add(s1, expNonPositive4(f32x4.sub(v128.load(at, 16), largest4)));
      }
      let sum = sumLanes(f32x4.add(s0, s1));
      for (; v < V; v++) {
        const x = v128.load_splat<f32>(row + ((v as usize) << 2));
        sum += f32x4.extract_lane(expNonPositive4(f32x4.sub(x, largest4)), 0);
      }
      const at = (r as usize) << 2;
      const logSum = (largest as f64) + log(sum as f64);
      store<f32>(lse + at, logSum as f32);
      const target = min(load<u32>(targets + at), V - 1) as usize;
      store<f32>(losses + at, (logSum - (load<f32>(row + (target << 2)) as f64)) as f32);
    }
  }
}

export function cross_entropy_backward(
  logits: usize,
  targets: usize,
  lse: usize,
  dLoss: usize,
  dLogits: usize,
  rows: u32,
  V: u32,
  accumulate: u32,
  z: f32,
  work: usize,
): void {
  const rowBytes = (V as usize) << 2;
  const scale = load<f32>(dLoss) / (rows as f32);
  divideRows(work, rows, V);
  while (claim()) {
    for (let r = firstUnit; r < endUnit; r++) {
      const from = logits + r * rowBytes;
      const to = dLogits + r * rowBytes;
      const logSum = load<f32>(lse + ((r as usize) << 2));
      const lse4 = f32x4.splat(logSum);
      const scale4 = f32x4.splat(z === 0 ? scale : scale * (1 + 2 * z * logSum));
      let v: u32 = 0;
      for (; v + 4 <= V; v += 4) {
        const at = (v as usize) << 2;
        let gradient = f32x4.mul(scale4, expNonPositive4(f32x4.sub(v128.load(from + at), lse4)));
        if (accumulate) gradient = f32x4.add(v128.load(to + at), gradient);
        v128.store(to + at, gradient);
      }
      if (v < V) {
        const at = (v as usize) << 2;
        let gradient = f32x4.mul(scale4, expNonPositive4(f32x4.sub(loadTail(from + at, V - v), lse4)));
        if (accumulate) gradient = f32x4.add(loadTail(to + at, V - v), gradient);
        storeTail(to + at, gradient, V - v);
      }
      const hit = to + ((min(load<u32>(targets + ((r as usize) << 2)), V - 1) as usize) << 2);
      store<f32>(hit, load<f32>(hit) - scale);
    }
  }
}

export function cross_entropy_backward_in_place(
  targets: usize,
  lse: usize,
  dLoss: usize,
  logits: usize,
  rows: u32,
  V: u32,
  z: f32,
  work: usize,
): void {
  // Each element is loaded before it is stored.
  cross_entropy_backward(logits, targets, lse, dLoss, logits, rows, V, 0, z, work);
}

export function mean_forward(x: usize, y: usize, n: u32, work: usize): void {
  divide(work, 1, 1);
  while (claim()) store<f32>(y, mean(x, n));
}

function mean(x: usize, n: u32): f32 {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let i: u32 = 0;
  for (; i + 4 <= n; i += 4) {
    const v = v128.load(x + ((i as usize) << 2));
    s0 = f64x2.add(s0, f64x2.promote_low_f32x4(v));
    s1 = f64x2.add(s1, f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 0, 1)));
  }
  s0 = f64x2.add(s0, s1);
  let sum = f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1);
  for (; i < n; i++) sum += load<f32>(x + ((i as usize) << 2)) as f64;
  return (sum / (n as f64)) as f32;
}
