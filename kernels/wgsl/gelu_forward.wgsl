// gelu_forward: y[i] = x[i] * P(x[i]), P the normal distribution, or approximated by tanh where exact is 0
// x, y: (n)
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / WIDTH / 256), folded
// into two dimensions. Overwrites y.
// sigmoid: sigmoid.wgsl; gelu_tanh: gelu_tanh.wgsl; bell, normal: normal.wgsl.
// Source: Hendrycks & Gimpel 2016, arXiv:1606.08415

const WORKGROUP = 256u;

struct Params {
  // Elements.
  n: u32,
  exact: u32,
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
  if (params.exact != 0u) {
    y[i] = x[i] * normal(x[i], bell(x[i]));
  } else {
    y[i] = gelu_tanh(x[i]);
  }
}
