// repeat_dimension: y[o,l,i] = factor * x[o,i], the same for each l
// x: (outer, inner), y: (outer, length, inner)
// One invocation per element of y; dispatch ceil(outer * length * inner / 256), folded into two dimensions.
// Overwrites y, or adds to it where accumulate is 1.

const WORKGROUP = 256u;

struct Params {
  outer: u32,
  length: u32,
  inner: u32,
  factor: f32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (index >= params.outer * params.length * params.inner) {
    return;
  }
  let o = index / (params.length * params.inner);
  var value = params.factor * x[o * params.inner + index % params.inner];
  if (params.accumulate != 0u) {
    value += y[index];
  }
  y[index] = value;
}
