// relu_squared_backward: dX[i] = dY[i] * 2 max(x[i], 0)
// x, dY, dX: (n)
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / WIDTH / 256), folded
// into two dimensions.
// Overwrites dX, or adds to it where accumulate is 1.
// By a comparison that is false for NaN, which therefore stays.

const WORKGROUP = 256u;

struct Params {
  // Elements.
  n: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> dY: array<Element>;
@group(0) @binding(2) var<storage, read_write> dX: array<Element>;
@group(0) @binding(3) var<uniform> params: Params;

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
  let input = x[i];
  var value = dY[i] * select(input + input, Element(0.0), input < Element(0.0));
  if (params.accumulate != 0u) {
    value += dX[i];
  }
  dX[i] = value;
}
