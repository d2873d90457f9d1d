// softmax_forward: y[r,i] = exp(x[r,i] - max(x[r])) / sum_j exp(x[r,j] - max(x[r]))
// x, y: (rows, D)
// One workgroup per row; dispatch rows, folded into two dimensions. Overwrites y.
// The maximum and the sum are found in one pass, by join.wgsl and workgroup_join.wgsl.

const WORKGROUP = 256u;

struct Params {
  rows: u32,
  D: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

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
  var pair = vec2f(LOWEST, 0.0);
  for (var i = local; i < params.D; i += WORKGROUP) {
    pair = join(pair, vec2f(x[row + i], 1.0));
  }
  let whole = workgroup_join(pair, local);
  for (var i = local; i < params.D; i += WORKGROUP) {
    y[row + i] = exp(x[row + i] - whole.x) / whole.y;
  }
}
