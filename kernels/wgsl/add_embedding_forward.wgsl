// add_embedding_forward: y[n,d] = x[n,d] + weight[ids[n],d]
// x, y: (N, D); ids: (N), those beyond V taken for the last; weight: (V, D)
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(N * D / WIDTH / 256), folded
// into two dimensions. Overwrites y.

const WORKGROUP = 256u;
// D / WIDTH: a constant, because to divide by one takes a few instructions, by a parameter dozens.
const ROW = 1u;

struct Params {
  N: u32,
  V: u32,
  D: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<Element>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (i >= params.N * ROW) {
    return;
  }
  y[i] = x[i] + weight[min(ids[i / ROW], params.V - 1u) * ROW + i % ROW];
}
