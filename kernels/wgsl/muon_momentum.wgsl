// muon_momentum: g = gradients * clip[1]; momentum = momentum + (1 - beta) * (g - momentum);
//   direction = g + beta * (momentum - g), with the new momentum
// gradients, momentum, direction: (n); clip: (2) = norm, factor
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / WIDTH / 256), folded
// into two dimensions.
// Reads and overwrites momentum. Where clip[1] is 0 it stays, and the direction is 0.
// Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon

const WORKGROUP = 256u;

struct Params {
  // Elements.
  n: u32,
  beta: f32,
  // 1 - beta, from float64.
  rest: f32,
}

@group(0) @binding(0) var<storage, read> gradients: array<Element>;
@group(0) @binding(1) var<storage, read> clip: array<f32>;
@group(0) @binding(2) var<storage, read_write> momentum: array<Element>;
@group(0) @binding(3) var<storage, read_write> direction: array<Element>;
@group(0) @binding(4) var<uniform> params: Params;

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
  // A factor of 0 stands for no update.
  if (clip[1] == 0.0) {
    direction[i] = Element();
    return;
  }
  let g = gradients[i] * clip[1];
  let mean = momentum[i] + params.rest * (g - momentum[i]);
  momentum[i] = mean;
  direction[i] = g + params.beta * (mean - g);
}
