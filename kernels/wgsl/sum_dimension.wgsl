// sum_dimension: y[o,p,i] = factor * sum of x[o,l,i] over the l of part p: from p * chunk on, chunk = ceil(length / parts)
// x: (outer, length, inner), y: (outer, parts, inner)
// LANES invocations share the terms of a sum (lanes.wgsl). Results: the outer * parts * inner sums.
// Overwrites y, or adds to it where accumulate is 1.

struct Params {
  outer: u32,
  length: u32,
  inner: u32,
  parts: u32,
  factor: f32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

// The term of row l, 0 beyond the part's end.
fn term(first: u32, l: u32, end: u32) -> f32 {
  if (l >= end) {
    return 0.0;
  }
  return x[first + l * params.inner];
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = lane_of(local);
  let sum_index = result_of(workgroup, workgroups, local);
  let exists = sum_index < params.outer * params.parts * params.inner;
  // Four chains of additions: they are shorter, and need not wait for each other.
  var sums = vec4f();
  if (exists) {
    let part = sum_index / params.inner % params.parts;
    let o = sum_index / (params.inner * params.parts);
    let first = o * params.length * params.inner + sum_index % params.inner;
    let chunk = (params.length + params.parts - 1u) / params.parts;
    let end = min((part + 1u) * chunk, params.length);
    for (var l = part * chunk + lane; l < end; l += 4u * LANES) {
      sums += vec4f(
        term(first, l, end),
        term(first, l + LANES, end),
        term(first, l + 2u * LANES, end),
        term(first, l + 3u * LANES, end),
      );
    }
  }
  let total = lanes_sum(local, (sums.x + sums.y) + (sums.z + sums.w));
  if (exists && lane == 0u) {
    var value = params.factor * total;
    if (params.accumulate != 0u) {
      value += y[sum_index];
    }
    y[sum_index] = value;
  }
}
