// relu_squared_forward: y[i] = max(x[i], 0)^2
// x, y: (n)
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / WIDTH / 256), folded
// into two dimensions. Overwrites y.
// By a comparison that is false for NaN, which therefore stays.
// Source: So et al. 2021, arXiv:2109.08668

const WORKGROUP = 256u;

struct Params {
  // Elements.
  n: u32,
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
  let value = x[i];
  y[i] = select(value * value, Element(0.0), value < Element(0.0));
}
