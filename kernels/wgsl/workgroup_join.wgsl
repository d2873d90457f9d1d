// For kernels in which a workgroup's invocations, WORKGROUP of them, share a row: each joins its elements (join.wgsl), and
// then they join what they have, once.

var<workgroup> shared_pairs: array<vec2f, WORKGROUP>;

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
