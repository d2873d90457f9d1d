// rmsnorm_forward: y[r,i] = x[r,i] * rstd[r] * weight[i], rstd[r] = 1 / sqrt(mean(x[r]^2) + eps)
// x, y: (rows, D); weight: (D); rstd: (rows), kept for backward
// One workgroup per row; dispatch rows, folded into two dimensions. Overwrites y and rstd.
// Source: Zhang & Sennrich 2019, arXiv:1910.07467

const WORKGROUP = 256u;

struct Params {
  rows: u32,
  D: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

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
  var squares = 0.0;
  for (var i = local; i < params.D; i += WORKGROUP) {
    squares += x[row + i] * x[row + i];
  }
  let scale = 1.0 / sqrt(workgroup_sum(squares, local) / f32(params.D) + params.eps);
  for (var i = local; i < params.D; i += WORKGROUP) {
    y[row + i] = x[row + i] * scale * weight[i];
  }
  if (local == 0u) {
    rstd[r] = scale;
  }
}
