// cross_entropy_forward: losses[r] = lse[r] - logits[r, targets[r]], lse[r] = log(sum_v exp(logits[r,v]))
// logits: (rows, V); targets: (rows); losses, lse: (rows), lse kept for backward
// One workgroup per row; dispatch rows, folded into two dimensions. Overwrites losses and lse.
// The maximum and the sum are found in one pass. Source: Milakov & Gimelshein 2018, arXiv:1805.02867

const WORKGROUP = 256u;
// Stands for minus infinity, which WGSL may assume never occurs; half the lowest f32, so that differences stay finite.
const LOWEST = -1.7e38;

struct Params {
  rows: u32,
  V: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> shared_pairs: array<vec2f, WORKGROUP>;

// Joins two sums of exponentials, each kept as (maximum, sum relative to the maximum).
fn join(a: vec2f, b: vec2f) -> vec2f {
  let maximum = max(a.x, b.x);
  return vec2f(maximum, a.y * exp(a.x - maximum) + b.y * exp(b.x - maximum));
}

// Joins every invocation's pair, by a tree: the same order every time.
fn workgroup_join(pair: vec2f, local: u32) -> vec2f {
  shared_pairs[local] = pair;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      shared_pairs[local] = join(shared_pairs[local], shared_pairs[local + half]);
    }
  }
  workgroupBarrier();
  return shared_pairs[0];
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let r = workgroup.y * workgroups.x + workgroup.x;
  if (r >= params.rows) {
    return;
  }
  let row = r * params.V;
  var pair = vec2f(LOWEST, 0.0);
  for (var i = local; i < params.V; i += WORKGROUP) {
    pair = join(pair, vec2f(logits[row + i], 1.0));
  }
  let whole = workgroup_join(pair, local);
  if (local == 0u) {
    let log_sum = whole.x + log(whole.y);
    lse[r] = log_sum;
    losses[r] = log_sum - logits[row + min(targets[r], params.V - 1u)];
  }
}
