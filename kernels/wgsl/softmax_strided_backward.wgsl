// softmax_strided_backward: dX[o,d,i] = y[o,d,i] * (dY[o,d,i] - sum over d of dY[o,d,i] * y[o,d,i])
// y, dY, dX: (outer, D, inner)
// A workgroup computes COLUMNS columns: of a column (o, i), LANES invocations have every LANES-th element.
// Dispatch ceil(outer * inner / COLUMNS), folded into two dimensions. Overwrites dX, or adds to it where accumulate is 1.
// softmax_strided.ts chooses LANES and LANE_STRIDE.

const WORKGROUP = 256u;
const LANES = 16u;
// From one lane of a column to the next: 1, or COLUMNS where columns lie side by side.
const LANE_STRIDE = 1u;
const COLUMNS = WORKGROUP / LANES;

struct Params {
  outer: u32,
  D: u32,
  inner: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> dY: array<f32>;
@group(0) @binding(2) var<storage, read_write> dX: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> shared_sums: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local / LANE_STRIDE % LANES;
  let place = select(local % LANE_STRIDE, local / LANES, LANE_STRIDE == 1u);
  let column = (workgroup.y * workgroups.x + workgroup.x) * COLUMNS + place;
  // Columns that are not there have no elements.
  let D = select(0u, params.D, column < params.outer * params.inner);
  let first = column / params.inner * params.D * params.inner + column % params.inner;
  var dot = 0.0;
  for (var d = lane; d < D; d += LANES) {
    let at = first + d * params.inner;
    dot += dY[at] * y[at];
  }
  shared_sums[local] = dot;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      shared_sums[local] += shared_sums[local + half * LANE_STRIDE];
    }
  }
  workgroupBarrier();
  let along_y = shared_sums[local - lane * LANE_STRIDE];
  for (var d = lane; d < D; d += LANES) {
    let at = first + d * params.inner;
    var value = y[at] * (dY[at] - along_y);
    if (params.accumulate != 0u) {
      value += dX[at];
    }
    dX[at] = value;
  }
}
