// sum_dimension: y[o,p,i] = factor * sum of x[o,l,i] over the l of part p: from p * chunk on, chunk = ceil(length / parts)
// x: (outer, length, inner), y: (outer, parts, inner)
// A workgroup computes SUMS elements. LANES invocations share the terms of each, and a tree adds up what they have.
// Dispatch ceil(outer * parts * inner / SUMS), folded into two dimensions.
// Overwrites y, or adds to it where accumulate is 1. sum_dimension.ts chooses LANES and LANE_STRIDE.

const WORKGROUP = 256u;
const LANES = 16u;
// From one lane of a sum to the next: 1, or SUMS where a row's elements lie side by side.
const LANE_STRIDE = 1u;
const SUMS = WORKGROUP / LANES;

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

var<workgroup> shared_sums: array<f32, WORKGROUP>;

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
  let lane = local / LANE_STRIDE % LANES;
  let place = select(local % LANE_STRIDE, local / LANES, LANE_STRIDE == 1u);
  let sum_index = (workgroup.y * workgroups.x + workgroup.x) * SUMS + place;
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
  shared_sums[local] = (sums.x + sums.y) + (sums.z + sums.w);
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      shared_sums[local] += shared_sums[local + half * LANE_STRIDE];
    }
  }
  if (exists && lane == 0u) {
    var value = params.factor * shared_sums[local];
    if (params.accumulate != 0u) {
      value += y[sum_index];
    }
    y[sum_index] = value;
  }
}
