// For kernels of lanes.wgsl.

var<workgroup> shared_sums: array<f32, WORKGROUP>;

// The sum of what the lanes of a result have, by a tree; each of them gets it.
fn lanes_sum(local: u32, value: f32) -> f32 {
  let lane = lane_of(local);
  shared_sums[local] = value;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      shared_sums[local] += shared_sums[local + half * LANE_STRIDE];
    }
  }
  workgroupBarrier();
  return shared_sums[local - lane * LANE_STRIDE];
}
