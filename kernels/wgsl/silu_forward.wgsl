// silu_forward: y[i] = x[i] * sigmoid(x[i])
// x, y: (n)
// One invocation per element; dispatch ceil(n / 256), folded into two dimensions. Overwrites y.
// Source: Elfwing et al. 2017, arXiv:1702.03118

const WORKGROUP = 256u;

struct Params {
  n: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

// 1 / (1 + exp(-x)), written so that no exponential overflows.
fn sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

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
  y[i] = x[i] * sigmoid(x[i]);
}
