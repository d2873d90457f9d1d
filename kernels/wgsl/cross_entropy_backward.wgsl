// cross_entropy_backward: dLogits[r,v] = dLoss[0] / rows * (exp(logits[r,v] - lse[r]) * (1 + 2 z lse[r]) -
// [v = targets[r]])
// logits, dLogits: (rows, V); targets, lse: (rows); dLoss: (1)
// One invocation per Element, 1 or 4 logits (element_1.wgsl, element_4.wgsl); dispatch ceil(rows * V / WIDTH / 256),
// folded into two dimensions.
// Overwrites dLogits, or adds to it where accumulate is 1.

const WORKGROUP = 256u;
// V / WIDTH: a constant, because to divide by one takes a few instructions, by a parameter dozens.
const ROW = 1u;

struct Params {
  rows: u32,
  V: u32,
  accumulate: u32,
  z: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<Element>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> dLoss: array<f32>;
@group(0) @binding(4) var<storage, read_write> dLogits: array<Element>;
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
  let r = i / ROW;
  var share = exp(logits[i] - lse[r]);
  if (params.z != 0.0) {
    share *= 1.0 + 2.0 * params.z * lse[r];
  }
  let hit = one_at(min(targets[r], params.V - 1u) - i % ROW * WIDTH);
  var value = dLoss[0] / f32(params.rows) * (share - hit);
  if (params.accumulate != 0u) {
    value += dLogits[i];
  }
  dLogits[i] = value;
}
