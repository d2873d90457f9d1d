// rmsnorm_backward_input: dX[r,i] = rstd[r] * dY[r,i] * weight[i]
//   - x[r,i] * rstd[r]^3 / D * sum_j dY[r,j] * weight[j] * x[r,j]
// x, dY, dX: (rows, D); weight: (D); rstd: (rows)
// One workgroup per row; dispatch rows, folded into two dimensions. Overwrites dX, or adds to it where accumulate is 1.

const WORKGROUP = 256u;

struct Params {
  rows: u32,
  D: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read> dY: array<f32>;
@group(0) @binding(4) var<storage, read_write> dX: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

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
    dot += dY[row + i] * weight[i] * x[row + i];
  }
  let scale = rstd[r];
  let along_x = workgroup_sum(dot, local) * scale * scale * scale / f32(params.D);
  for (var i = local; i < params.D; i += WORKGROUP) {
    var value = scale * dY[row + i] * weight[i] - x[row + i] * along_x;
    if (params.accumulate != 0u) {
      value += dX[row + i];
    }
    dX[row + i] = value;
  }
}
