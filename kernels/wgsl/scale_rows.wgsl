// scale_rows: y[r,i] *= factors[r]
// y: (rows, D); factors: (rows)
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(rows * D / WIDTH / 256),
// folded into two dimensions.
// Reads and overwrites y.

const WORKGROUP = 256u;
// D / WIDTH: a constant, because to divide by one takes a few instructions, by a parameter dozens.
const ROW = 1u;

struct Params {
  rows: u32,
  D: u32,
}

@group(0) @binding(0) var<storage, read> factors: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<Element>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (i >= params.rows * ROW) {
    return;
  }
  y[i] = factors[i / ROW] * y[i];
}
