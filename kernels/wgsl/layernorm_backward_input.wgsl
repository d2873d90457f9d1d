// layernorm_backward_input: with n = (x - mean) * rstd and g = dY * weight:
// dX[r,i] = rstd[r] * (g[r,i] - sum_j g[r,j] / D - n[r,i] * sum_j g[r,j] * n[r,j] / D)
// x, dY, dX: (rows, D); weight: (D); mean, rstd: (rows)
// LANES invocations per row; dispatch ceil(rows * LANES / WORKGROUP), folded into two dimensions.
// Overwrites dX, or adds to it where accumulate is 1.
// Element and WIDTH, 1 or 4 columns: element_1.wgsl or element_4.wgsl. rmsnorm.ts chooses these, LANES and WORKGROUP.
// row_sum: row_sum.wgsl.

const WORKGROUP = 256u;
const LANES = 256u;

struct Params {
  rows: u32,
  D: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> weight: array<Element>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read> dY: array<Element>;
@group(0) @binding(5) var<storage, read_write> dX: array<Element>;
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
  let last = min(r, params.rows - 1u);
  let row = last * width;
  let centre = mean[last];
  let scale = rstd[last];
  var plain = Element();
  var along = Element();
  for (var i = lane; i < width; i += LANES) {
    let g = dY[row + i] * weight[i];
    plain += g;
    along += g * ((x[row + i] - centre) * scale);
  }
  let shift = row_sum(sum_of(plain), local) / f32(params.D);
  // Everyone has read the first sum.
  workgroupBarrier();
  let pull = row_sum(sum_of(along), local) / f32(params.D);
  if (r >= params.rows) {
    return;
  }
  for (var i = lane; i < width; i += LANES) {
    var value = scale * (dY[row + i] * weight[i] - shift - (x[row + i] - centre) * scale * pull);
    if (params.accumulate != 0u) {
      value += dX[row + i];
    }
    dX[row + i] = value;
  }
}
