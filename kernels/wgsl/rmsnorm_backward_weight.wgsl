// rmsnorm_backward_weight: partials[p,i] = sum over the rows r of part p of dY[r,i] * x[r,i] * rstd[r]
// x, dY: (rows, D); rstd: (rows); partials: (P, D); part p has rows floor(p * rows / P) <= r < floor((p + 1) * rows / P)
// One invocation per element; dispatch ceil(P * D / 256), folded into two dimensions. Overwrites partials.

const WORKGROUP = 256u;

struct Params {
  rows: u32,
  D: u32,
  P: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> rstd: array<f32>;
@group(0) @binding(2) var<storage, read> dY: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// Where part p of n items in P parts starts: floor(p * n / P), without overflow.
fn part_start(p: u32, n: u32, P: u32) -> u32 {
  return p * (n / P) + p * (n % P) / P;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (i >= params.P * params.D) {
    return;
  }
  let p = i / params.D;
  let column = i % params.D;
  let end = part_start(p + 1u, params.rows, params.P);
  var sum = 0.0;
  for (var r = part_start(p, params.rows, params.P); r < end; r++) {
    sum += dY[r * params.D + column] * x[r * params.D + column] * rstd[r];
  }
  partials[i] = sum;
}
