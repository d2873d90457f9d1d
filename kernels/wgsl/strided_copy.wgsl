// strided_copy: y[i0,i1,i2,i3] = x[i0 stride0 + i1 stride1 + i2 stride2 + i3 stride3], or += where accumulate is 1
// y: (n0, N1, N2, N3), dense; x: what the strides reach, each a multiple of WIDTH but the last, which then is 1 Element.
// One invocation per Element of y, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / 256), folded into
// two dimensions. Strides and sizes are Elements.

const WORKGROUP = 256u;
// Constants, because to divide by one takes a few instructions, by a parameter dozens.
const N1 = 1u;
const N2 = 1u;
const N3 = 1u;

struct Params {
  // n0 * N1 * N2 * N3.
  n: u32,
  stride0: u32,
  stride1: u32,
  stride2: u32,
  stride3: u32,
  accumulate: u32,
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
  let row = i / N3;
  let matrix = row / N2;
  let at = matrix / N1 * params.stride0 + matrix % N1 * params.stride1 + row % N2 * params.stride2 +
    i % N3 * params.stride3;
  var value = x[at];
  if (params.accumulate != 0u) {
    value += y[i];
  }
  y[i] = value;
}
