// For kernels in which LANES invocations side by side have a row, and add up what they have, once. A workgroup has
// WORKGROUP / LANES rows.

var<workgroup> shared_values: array<f32, WORKGROUP>;

// The sum of the values of a row's invocations, by a tree: the same order every time.
fn row_sum(value: f32, local: u32) -> f32 {
  shared_values[local] = value;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local % LANES < half) {
      shared_values[local] += shared_values[local + half];
    }
  }
  workgroupBarrier();
  return shared_values[local / LANES * LANES];
}
