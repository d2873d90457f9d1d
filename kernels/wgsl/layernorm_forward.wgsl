// layernorm_forward: y[r,i] = (x[r,i] - mean[r]) * rstd[r] * weight[i] + bias[i],
// rstd[r] = 1 / sqrt(mean((x[r] - mean[r])^2) + eps)
// x, y: (rows, D); weight, bias: (D); mean, rstd: (rows), kept for backward
// LANES invocations per row; dispatch ceil(rows * LANES / WORKGROUP), folded into two dimensions. Overwrites y, mean and
// rstd.
// Element and WIDTH, 1 or 4 columns: element_1.wgsl or element_4.wgsl. rmsnorm.ts chooses these, LANES and WORKGROUP.
// row_sum: row_sum.wgsl.
// Source: Ba et al. 2016, arXiv:1607.06450

const WORKGROUP = 256u;
const LANES = 256u;

struct Params {
  rows: u32,
  D: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> weight: array<Element>;
@group(0) @binding(2) var<storage, read> bias: array<Element>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;
@group(0) @binding(4) var<storage, read_write> mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let width = params.D / WIDTH;
  let lane = local % LANES;
  let r = (workgroup.y * workgroups.x + workgroup.x) * (WORKGROUP / LANES) + local / LANES;
  // Beyond the last row, that one is read, and nothing is written.
  let row = min(r, params.rows - 1u) * width;
  var values = Element();
  for (var i = lane; i < width; i += LANES) {
    values += x[row + i];
  }
  let centre = row_sum(sum_of(values), local) / f32(params.D);
  var squares = Element();
  for (var i = lane; i < width; i += LANES) {
    let off = x[row + i] - centre;
    squares += off * off;
  }
  // Everyone has read the first sum.
  workgroupBarrier();
  let scale = 1.0 / sqrt(row_sum(sum_of(squares), local) / f32(params.D) + params.eps);
  if (r >= params.rows) {
    return;
  }
  for (var i = lane; i < width; i += LANES) {
    y[row + i] = (x[row + i] - centre) * scale * weight[i] + bias[i];
  }
  if (lane == 0u) {
    mean[r] = centre;
    rstd[r] = scale;
  }
}
