// rope_forward: y[r,2i] = x[r,2i] cos - x[r,2i+1] sin, y[r,2i+1] = x[r,2i] sin + x[r,2i+1] cos,
// with cos and sin of position start[r / T] + r mod T, each head of a row alike; one start is that of all rows
// x, y: (rows = B*T, D); cos_table, sin_table: (positions, headDim / 2); start: (starts), starts 1 or B
// One invocation per Pairs, 1 or 2 pairs (pairs_1.wgsl, pairs_2.wgsl); dispatch ceil(rows * D / 2 / PAIRS / 256), folded
// into two dimensions. Overwrites y.
// Source: Su et al. 2021, arXiv:2104.09864

const WORKGROUP = 256u;
// Pairs of a row and of a head, each over PAIRS: constants, because to divide by one takes a few instructions, by a
// parameter dozens.
const ROW = 1u;
const HEAD = 1u;

struct Params {
  rows: u32,
  T: u32,
  D: u32,
  headDim: u32,
  positions: u32,
  starts: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Pairs>;
@group(0) @binding(1) var<storage, read> cos_table: array<Angles>;
@group(0) @binding(2) var<storage, read> sin_table: array<Angles>;
@group(0) @binding(3) var<storage, read> start: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<Pairs>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (i >= params.rows * ROW) {
    return;
  }
  let row = i / ROW;
  let first = start[min(row / params.T, params.starts - 1u)];
  // Beyond the tables, the last positions are taken.
  let position = min(first, params.positions - params.T) + row % params.T;
  let angle = position * HEAD + i % ROW % HEAD;
  y[i] = x[i] * spread(cos_table[angle]) + turned(x[i]) * spread(sin_table[angle]);
}
