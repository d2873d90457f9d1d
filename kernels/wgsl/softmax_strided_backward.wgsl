// softmax_strided_backward: dX[o,d,i] = y[o,d,i] * (dY[o,d,i] - sum over d of dY[o,d,i] * y[o,d,i])
// y, dY, dX: (outer, D, inner)
// Of a column (o, i), LANES invocations have every LANES-th element (lanes.wgsl). Results: the outer * inner columns.
// Overwrites dX, or adds to it where accumulate is 1.

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

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = lane_of(local);
  let column = result_of(workgroup, workgroups, local);
  // Columns that are not there have no elements.
  let D = select(0u, params.D, column < params.outer * params.inner);
  let first = column / params.inner * params.D * params.inner + column % params.inner;
  var dot = 0.0;
  for (var d = lane; d < D; d += LANES) {
    let at = first + d * params.inner;
    dot += dY[at] * y[at];
  }
  let along_y = lanes_sum(local, dot);
  for (var d = lane; d < D; d += LANES) {
    let at = first + d * params.inner;
    var value = y[at] * (dY[at] - along_y);
    if (params.accumulate != 0u) {
      value += dX[at];
    }
    dX[at] = value;
  }
}
