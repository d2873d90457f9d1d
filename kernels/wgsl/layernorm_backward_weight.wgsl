// layernorm_backward_weight: partials[p,i] = sum over the rows r of part p of dY[r,i] * (x[r,i] - mean[r]) * rstd[r]
// x, dY: (rows, D); mean, rstd: (rows); partials: (P, D); part p has rows floor(p * rows / P) <= r < floor((p + 1) * rows / P)
// A workgroup computes COLUMNS elements of one part. LANES invocations share the rows of each, a row after the other, and
// a tree adds up what they have.
// Dispatch P * ceil(D / WIDTH / COLUMNS), folded into two dimensions. Overwrites partials.
// Element and WIDTH, 1 or 4 columns: element_1.wgsl or element_4.wgsl. rmsnorm.ts chooses these and LANES.
// write_part: write_part.wgsl, and what that takes for declared.

const WORKGROUP = 256u;
const LANES = 1u;
const COLUMNS = WORKGROUP / LANES;

struct Params {
  rows: u32,
  D: u32,
  P: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read> dY: array<Element>;
@group(0) @binding(4) var<storage, read_write> partials: array<Element>;
@group(0) @binding(5) var<uniform> params: Params;

fn term(r: u32, column: u32, width: u32) -> Element {
  return dY[r * width + column] * ((x[r * width + column] - mean[r]) * rstd[r]);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  write_part(workgroup.y * workgroups.x + workgroup.x, local);
}
