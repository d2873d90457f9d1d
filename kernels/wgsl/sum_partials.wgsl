// sum_partials: y[d] = sum over p, in ascending p, of partials[p,d]
// partials: (P, D), y: (D)
// One invocation per element; dispatch ceil(D / 256), folded into two dimensions.
// Overwrites y, or adds to it where accumulate is 1.

const WORKGROUP = 256u;

struct Params {
  P: u32,
  D: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (i >= params.D) {
    return;
  }
  var sum = 0.0;
  for (var p = 0u; p < params.P; p++) {
    sum += partials[p * params.D + i];
  }
  if (params.accumulate != 0u) {
    sum += y[i];
  }
  y[i] = sum;
}
