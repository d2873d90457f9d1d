// write_columns: y[r,yFirst+j] = x[r,j], other columns untouched
// x: (rows, ROW), y: (rows, yWidth)
// One invocation per Element of x, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / 256), folded into
// two dimensions. Widths and places are Elements.

const WORKGROUP = 256u;
// A constant, because to divide by one takes a few instructions, by a parameter dozens.
const ROW = 1u;

struct Params {
  // rows * ROW.
  n: u32,
  yWidth: u32,
  yFirst: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read_write> y: array<Element>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (i >= params.n) {
    return;
  }
  y[i / ROW * params.yWidth + params.yFirst + i % ROW] = x[i];
}
