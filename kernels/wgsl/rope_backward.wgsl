// rope_backward: dX[r,2i] = dY[r,2i] cos + dY[r,2i+1] sin, dX[r,2i+1] = dY[r,2i+1] cos - dY[r,2i] sin,
// with cos and sin of position start[0] + r mod T, each head of a row alike
// dY, dX: (rows = B*T, D); cos_table, sin_table: (positions, headDim / 2); start: (1)
// One invocation per pair; dispatch ceil(rows * D / 2 / 256), folded into two dimensions.
// Overwrites dX, or adds to it where accumulate is 1.

const WORKGROUP = 256u;

struct Params {
  rows: u32,
  T: u32,
  D: u32,
  headDim: u32,
  positions: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> dY: array<f32>;
@group(0) @binding(1) var<storage, read> cos_table: array<f32>;
@group(0) @binding(2) var<storage, read> sin_table: array<f32>;
@group(0) @binding(3) var<storage, read> start: array<u32>;
@group(0) @binding(4) var<storage, read_write> dX: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (i >= params.rows * (params.D / 2u)) {
    return;
  }
  let half = params.D / 2u;
  let r = i / half;
  let column = i % half;
  let half_head = params.headDim / 2u;
  // Beyond the tables, the last positions are taken.
  let position = min(start[0], params.positions - params.T);
  let angle = (position + r % params.T) * half_head + column % half_head;
  let even = r * params.D + 2u * column;
  let c = cos_table[angle];
  let s = sin_table[angle];
  var first = dY[even] * c + dY[even + 1u] * s;
  var second = dY[even + 1u] * c - dY[even] * s;
  if (params.accumulate != 0u) {
    first += dX[even];
    second += dX[even + 1u];
  }
  dX[even] = first;
  dX[even + 1u] = second;
}
