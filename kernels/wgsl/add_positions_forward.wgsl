// add_positions_forward: y[b,t] = x[b,t] + table[start[0] + t]
// x, y: (B, T, D); table: (S, D); start: (1). Where the rows would lie beyond the table, they are taken for its last ones.
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(B * T * D / WIDTH / 256),
// folded into two dimensions. Overwrites y.

const WORKGROUP = 256u;
// D / WIDTH: a constant, because to divide by one takes a few instructions, by a parameter dozens.
const ROW = 1u;

struct Params {
  B: u32,
  T: u32,
  S: u32,
  D: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> table: array<Element>;
@group(0) @binding(2) var<storage, read> start: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (i >= params.B * params.T * ROW) {
    return;
  }
  let first = min(start[0], params.S - params.T);
  y[i] = x[i] + table[(first + i / ROW % params.T) * ROW + i % ROW];
}
