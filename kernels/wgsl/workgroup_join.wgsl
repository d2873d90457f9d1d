// For kernels in which a workgroup's invocations, WORKGROUP of them, find a row's maximum and the sum of its exponentials in
// one pass: each begins with (LOWEST, 0) and joins its elements to it, and then they join what they have, once.
// Source: Milakov & Gimelshein 2018, arXiv:1805.02867

// Stands for minus infinity, which WGSL may assume never occurs; half the lowest f32, so that differences stay finite.
const LOWEST = -1.7e38;

var<workgroup> shared_pairs: array<vec2f, WORKGROUP>;

// Joins two sums of exponentials, each kept as (maximum, sum relative to the maximum).
fn join(a: vec2f, b: vec2f) -> vec2f {
  let maximum = max(a.x, b.x);
  return vec2f(maximum, a.y * exp(a.x - maximum) + b.y * exp(b.x - maximum));
}

// Joins every invocation's pair, by a tree: the same order every time.
fn workgroup_join(pair: vec2f, local: u32) -> vec2f {
  shared_pairs[local] = pair;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      shared_pairs[local] = join(shared_pairs[local], shared_pairs[local + half]);
    }
  }
  workgroupBarrier();
  return shared_pairs[0];
}
