// softmax_backward: dX[r,i] = y[r,i] * (dY[r,i] - sum_j dY[r,j] * y[r,j])
// y, dY, dX: (rows, D)
// One workgroup per row; dispatch rows, folded into two dimensions. Overwrites dX, or adds to it where accumulate is 1.
// workgroup_sum: workgroup_sum.wgsl.

const WORKGROUP = 256u;

struct Params {
  rows: u32,
  D: u32,
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
  let r = workgroup.y * workgroups.x + workgroup.x;
  if (r >= params.rows) {
    return;
  }
  let row = r * params.D;
  var dot = 0.0;
  for (var i = local; i < params.D; i += WORKGROUP) {
    dot += dY[row + i] * y[row + i];
  }
  let along_y = workgroup_sum(dot, local);
  for (var i = local; i < params.D; i += WORKGROUP) {
    var value = y[row + i] * (dY[row + i] - along_y);
    if (params.accumulate != 0u) {
      value += dX[row + i];
    }
    dX[row + i] = value;
  }
}
