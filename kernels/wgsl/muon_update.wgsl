// muon_update: parameters = parameters * (1 - lr * weightDecay) - lr * factor * direction
// direction, parameters: (n); clip: (2) = norm, factor; schedule: (1) = lr
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / WIDTH / 256), folded
// into two dimensions.
// Reads and overwrites parameters.

const WORKGROUP = 256u;

struct Params {
  // Elements.
  n: u32,
  factor: f32,
  weightDecay: f32,
}

@group(0) @binding(0) var<storage, read> direction: array<Element>;
@group(0) @binding(1) var<storage, read> clip: array<f32>;
@group(0) @binding(2) var<storage, read> schedule: array<f32>;
@group(0) @binding(3) var<storage, read_write> parameters: array<Element>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  // A clipping factor of 0 stands for no update.
  if (i >= params.n || clip[1] == 0.0) {
    return;
  }
  let lr = schedule[0];
  parameters[i] = parameters[i] * (1.0 - lr * params.weightDecay) - lr * params.factor * direction[i];
}
