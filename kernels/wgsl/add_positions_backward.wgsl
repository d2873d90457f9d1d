// add_positions_backward: dTable[start[0] + t] = sum over b, ascending, of dY[b,t]; 0 for the other rows
// dY: (B, T, D); dTable: (S, D); start: (1). Where the rows would lie beyond the table, they are taken for its last ones.
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(S * D / WIDTH / 256), folded
// into two dimensions.
// Overwrites dTable, or adds to it where accumulate is 1.

const WORKGROUP = 256u;
// D / WIDTH: a constant, because to divide by one takes a few instructions, by a parameter dozens.
const ROW = 1u;

struct Params {
  B: u32,
  T: u32,
  S: u32,
  D: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> dY: array<Element>;
@group(0) @binding(1) var<storage, read> start: array<u32>;
@group(0) @binding(2) var<storage, read_write> dTable: array<Element>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (i >= params.S * ROW) {
    return;
  }
  let first = min(start[0], params.S - params.T);
  let s = i / ROW;
  var value = Element();
  if (s >= first && s < first + params.T) {
    for (var b = 0u; b < params.B; b++) {
      value += dY[(b * params.T + s - first) * ROW + i % ROW];
    }
  }
  if (params.accumulate != 0u) {
    value += dTable[i];
  }
  dTable[i] = value;
}
