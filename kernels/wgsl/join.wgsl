// For kernels that find a maximum and the sum of exponentials relative to it in one pass: each begins with (LOWEST, 0) and
// joins its elements to it. Source: Milakov & Gimelshein 2018, arXiv:1805.02867

// Stands for minus infinity, which WGSL may assume never occurs; half the lowest f32, so that differences stay finite.
const LOWEST = -1.7e38;

// Joins two sums of exponentials, each kept as (maximum, sum relative to the maximum).
fn join(a: vec2f, b: vec2f) -> vec2f {
  let maximum = max(a.x, b.x);
  return vec2f(maximum, a.y * exp(a.x - maximum) + b.y * exp(b.x - maximum));
}
