// geglu_backward: dGate[i] = dY[i] * up[i] * gelu'(gate[i]), dUp[i] = dY[i] * gelu(gate[i]), with gelu's approximation by
// tanh
// gate, up, dY, dGate, dUp: (n)
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / WIDTH / 256), folded
// into two dimensions.
// Overwrites dGate and dUp, or adds to them where accumulateGate and accumulateUp are 1.
// sigmoid: sigmoid.wgsl; gelu_tanh, gelu_tanh_slope: gelu_tanh.wgsl.

const WORKGROUP = 256u;

struct Params {
  // Elements.
  n: u32,
  accumulateGate: u32,
  accumulateUp: u32,
}

@group(0) @binding(0) var<storage, read> gate: array<Element>;
@group(0) @binding(1) var<storage, read> up: array<Element>;
@group(0) @binding(2) var<storage, read> dY: array<Element>;
@group(0) @binding(3) var<storage, read_write> dGate: array<Element>;
@group(0) @binding(4) var<storage, read_write> dUp: array<Element>;
@group(0) @binding(5) var<uniform> params: Params;

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
  var value_gate = dY[i] * up[i] * gelu_tanh_slope(gate[i]);
  if (params.accumulateGate != 0u) {
    value_gate += dGate[i];
  }
  dGate[i] = value_gate;
  var value_up = dY[i] * gelu_tanh(gate[i]);
  if (params.accumulateUp != 0u) {
    value_up += dUp[i];
  }
  dUp[i] = value_up;
}
