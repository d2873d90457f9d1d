// loss_scale_apply: y[0] = dLoss[0] * state[0]
// dLoss, y: (1); state: (4) = scale, updates since it changed, c1, c2
// One invocation; dispatch 1. Overwrites y.

struct Params {
  unused: u32,
}

@group(0) @binding(0) var<storage, read> dLoss: array<f32>;
@group(0) @binding(1) var<storage, read> state: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  y[0] = dLoss[0] * state[0];
}
