// softmax_strided_forward: y[o,d,i] = exp(x[o,d,i] - max over d) / sum over d of exp(x[o,d,i] - max over d)
// x, y: (outer, D, inner)
// Of a column (o, i), LANES invocations have every LANES-th element (lanes.wgsl). Results: the outer * inner columns.
// Overwrites y.
// The maximum and the sum are found in one pass, by join (join.wgsl).

struct Params {
  outer: u32,
  D: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> shared_pairs: array<vec2f, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = lane_of(local);
  let column = result_of(workgroup, workgroups, local);
  // Columns that are not there have no elements.
  let D = select(0u, params.D, column < params.outer * params.inner);
  let first = column / params.inner * params.D * params.inner + column % params.inner;
  var pair = vec2f(LOWEST, 0.0);
  for (var d = lane; d < D; d += LANES) {
    pair = join(pair, vec2f(x[first + d * params.inner], 1.0));
  }
  shared_pairs[local] = pair;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      shared_pairs[local] = join(shared_pairs[local], shared_pairs[local + half * LANE_STRIDE]);
    }
  }
  workgroupBarrier();
  let whole = shared_pairs[local - lane * LANE_STRIDE];
  for (var d = lane; d < D; d += LANES) {
    y[first + d * params.inner] = exp(x[first + d * params.inner] - whole.x) / whole.y;
  }
}
