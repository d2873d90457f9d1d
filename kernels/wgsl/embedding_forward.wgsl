// embedding_forward: y[n,d] = weight[ids[n],d]
// ids: (N), those beyond V taken for the last; weight: (V, D), y: (N, D)
// One invocation per element; dispatch ceil(N * D / 256), folded into two dimensions. Overwrites y.

const WORKGROUP = 256u;

struct Params {
  N: u32,
  V: u32,
  D: u32,
}

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (i >= params.N * params.D) {
    return;
  }
  let n = i / params.D;
  y[i] = weight[min(ids[n], params.V - 1u) * params.D + i % params.D];
}
