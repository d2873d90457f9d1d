// geglu_forward: y[i] = gelu(gate[i]) * up[i], with gelu's approximation by tanh
// gate, up, y: (n)
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / WIDTH / 256), folded
// into two dimensions. Overwrites y.
// sigmoid: sigmoid.wgsl; gelu_tanh: gelu_tanh.wgsl.
// Source: Shazeer 2020, arXiv:2002.05202

const WORKGROUP = 256u;

struct Params {
  // Elements.
  n: u32,
}

@group(0) @binding(0) var<storage, read> gate: array<Element>;
@group(0) @binding(1) var<storage, read> up: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;
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
  y[i] = gelu_tanh(gate[i]) * up[i];
}
