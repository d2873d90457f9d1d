// For kernels in which a workgroup's invocations, WORKGROUP of them, add up what they have, once.

var<workgroup> shared_values: array<f32, WORKGROUP>;

// The sum of every invocation's value, by a tree: the same order every time.
fn workgroup_sum(value: f32, local: u32) -> f32 {
  shared_values[local] = value;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      shared_values[local] += shared_values[local + half];
    }
  }
  workgroupBarrier();
  return shared_values[0];
}
