// rmsnorm_forward: y[r,i] = x[r,i] * rstd[r] * weight[i], rstd[r] = 1 / sqrt(mean(x[r]^2) + eps)
// x, y: (rows, D); weight: (D); rstd: (rows), kept for backward
// LANES invocations per row; dispatch ceil(rows * LANES / WORKGROUP), folded into two dimensions. Overwrites y and rstd.
// Element and WIDTH, 1 or 4 columns: element_1.wgsl or element_4.wgsl. rmsnorm.ts chooses these, LANES and WORKGROUP.
// row_sum: row_sum.wgsl.
// Source: Zhang & Sennrich 2019, arXiv:1910.07467

const WORKGROUP = 256u;
const LANES = 256u;
// Elements that an invocation reads at the same time.
const GROUP = 4u;

struct Params {
  rows: u32,
  D: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> weight: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// The square of a row's element, 0 beyond its end.
fn square(row: u32, i: u32, width: u32) -> Element {
  let value = select(Element(), x[row + min(i, width - 1u)], i < width);
  return value * value;
}

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
  var squares = Element();
  for (var i = lane; i < width; i += GROUP * LANES) {
    squares += (square(row, i, width) + square(row, i + LANES, width)) +
      (square(row, i + 2u * LANES, width) + square(row, i + 3u * LANES, width));
  }
  let scale = 1.0 / sqrt(row_sum(sum_of(squares), local) / f32(params.D) + params.eps);
  if (r >= params.rows) {
    return;
  }
  for (var i = lane; i < width; i += LANES) {
    y[row + i] = x[row + i] * scale * weight[i];
  }
  if (lane == 0u) {
    rstd[r] = scale;
  }
}
