// soft_cap_backward_in_place: x[i] = dY[i] * (1 - tanh(x[i] / cap)^2)
// dY, x: (n)
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / WIDTH / 256), folded
// into two dimensions. Reads and overwrites x.
// tanh_slope: tanh.wgsl.

const WORKGROUP = 256u;

struct Params {
  // Elements.
  n: u32,
  cap: f32,
}

@group(0) @binding(0) var<storage, read> dY: array<Element>;
@group(0) @binding(1) var<storage, read_write> x: array<Element>;
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
  x[i] = dY[i] * tanh_slope(x[i] / params.cap);
}
