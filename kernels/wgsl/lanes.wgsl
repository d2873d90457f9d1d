// For kernels in which LANES invocations share the terms of one result. lanes.ts chooses LANES and LANE_STRIDE.
// Dispatch ceil(results / RESULTS), folded into two dimensions.

const WORKGROUP = 256u;
const LANES = 16u;
// From one lane of a result to the next: 1, or RESULTS where results lie side by side.
const LANE_STRIDE = 1u;
const RESULTS = WORKGROUP / LANES;

// Which of its result's lanes an invocation is.
fn lane_of(local: u32) -> u32 {
  return local / LANE_STRIDE % LANES;
}

// The result that an invocation works on; there may be fewer results than that.
fn result_of(workgroup: vec3u, workgroups: vec3u, local: u32) -> u32 {
  let place = select(local % LANE_STRIDE, local / LANES, LANE_STRIDE == 1u);
  return (workgroup.y * workgroups.x + workgroup.x) * RESULTS + place;
}
