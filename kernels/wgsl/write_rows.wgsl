// write_rows: out[b, start[b] + t, w] = x[b, t, w], other rows untouched; one start is that of all b
// x: (B, T, W), start: (starts), starts 1 or B, out: (B, S, W)
// One invocation per element; dispatch ceil(B * T * W / 256), folded into two dimensions. Rows past S are dropped.

const WORKGROUP = 256u;

struct Params {
  B: u32,
  T: u32,
  S: u32,
  W: u32,
  starts: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> start: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (i >= params.B * params.T * params.W) {
    return;
  }
  let row = i / params.W;
  let b = row / params.T;
  let s = min(start[min(b, params.starts - 1u)], params.S) + row % params.T;
  if (s < params.S) {
    out[(b * params.S + s) * params.W + i % params.W] = x[i];
  }
}
