// adamw: g = gradients[i] * clip[1]; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
// parameters = parameters * (1 - lr * weightDecay) - lr * (m / c1) / (sqrt(v / c2) + eps)
// gradients, parameters, m, v: (n); clip: (2) = norm, factor; schedule: (3) = lr, c1 = 1 - beta1^t, c2 = 1 - beta2^t
// Params: beta1Rest = 1 - beta1 and beta2Rest = 1 - beta2, each rounded once.
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / WIDTH / 256), folded
// into two dimensions.
// Reads and overwrites parameters, m and v.
// Source: Loshchilov & Hutter 2017, arXiv:1711.05101

const WORKGROUP = 256u;

struct Params {
  // Elements.
  n: u32,
  beta1: f32,
  beta1Rest: f32,
  beta2: f32,
  beta2Rest: f32,
  eps: f32,
  weightDecay: f32,
}

@group(0) @binding(0) var<storage, read> gradients: array<Element>;
@group(0) @binding(1) var<storage, read> clip: array<f32>;
@group(0) @binding(2) var<storage, read> schedule: array<f32>;
@group(0) @binding(3) var<storage, read_write> parameters: array<Element>;
@group(0) @binding(4) var<storage, read_write> m: array<Element>;
@group(0) @binding(5) var<storage, read_write> v: array<Element>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  // A factor of 0 stands for no update.
  if (i >= params.n || clip[1] == 0.0) {
    return;
  }
  let lr = schedule[0];
  let g = gradients[i] * clip[1];
  let first = params.beta1 * m[i] + params.beta1Rest * g;
  let second = params.beta2 * v[i] + params.beta2Rest * g * g;
  m[i] = first;
  v[i] = second;
  let step = (first / schedule[1]) / (sqrt(second / schedule[2]) + params.eps);
  parameters[i] = parameters[i] * (1.0 - lr * params.weightDecay) - lr * step;
}
