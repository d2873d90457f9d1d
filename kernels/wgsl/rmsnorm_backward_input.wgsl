// rmsnorm_backward_input: dX[r,i] = rstd[r] * dY[r,i] * weight[i]
//   - x[r,i] * rstd[r]^3 / D * sum_j dY[r,j] * weight[j] * x[r,j]
// x, dY, dX: (rows, D); weight: (D); rstd: (rows)
// LANES invocations per row; dispatch ceil(rows * LANES / WORKGROUP), folded into two dimensions.
// Overwrites dX, or adds to it where accumulate is 1.
// Element and WIDTH, 1 or 4 columns: element_1.wgsl or element_4.wgsl. rmsnorm.ts chooses these, LANES and WORKGROUP.
// row_sum: row_sum.wgsl.

const WORKGROUP = 256u;
const LANES = 256u;
// Elements of each array that an invocation reads at the same time.
const GROUP = 2u;

struct Params {
  rows: u32,
  D: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> weight: array<Element>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read> dY: array<Element>;
@group(0) @binding(4) var<storage, read_write> dX: array<Element>;
@group(0) @binding(5) var<uniform> params: Params;

// An element's part of the sum over j, 0 beyond the row's end.
fn product(row: u32, i: u32, width: u32) -> Element {
  let at = min(i, width - 1u);
  return select(Element(), dY[row + at] * weight[at] * x[row + at], i < width);
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
  var dot = Element();
  for (var i = lane; i < width; i += GROUP * LANES) {
    dot += product(row, i, width) + product(row, i + LANES, width);
  }
  let total = row_sum(sum_of(dot), local);
  if (r >= params.rows) {
    return;
  }
  let scale = rstd[r];
  let along_x = total * scale * scale * scale / f32(params.D);
  for (var i = lane; i < width; i += LANES) {
    var value = scale * dY[row + i] * weight[i] - x[row + i] * along_x;
    if (params.accumulate != 0u) {
      value += dX[row + i];
    }
    dX[row + i] = value;
  }
}
