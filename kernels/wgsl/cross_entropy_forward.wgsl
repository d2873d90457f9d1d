// cross_entropy_forward: losses[r] = lse[r] - logits[r, targets[r]], lse[r] = log(sum_v exp(logits[r,v]))
// logits: (rows, V); targets: (rows); losses, lse: (rows), lse kept for backward
// One workgroup per row; dispatch rows, folded into two dimensions. Overwrites losses and lse.
// Element and WIDTH, 1 or 4 logits: element_1.wgsl or element_4.wgsl.
// The maximum and the sum are found in one pass, by join.wgsl and workgroup_join.wgsl.

const WORKGROUP = 256u;
// Elements that an invocation reads at the same time: each such group costs one exponential more than it has logits.
const GROUP = 4u;

struct Params {
  rows: u32,
  V: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<Element>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// A row's element, LOWEST beyond its end.
fn element(row: u32, i: u32, width: u32) -> Element {
  return select(Element(LOWEST), logits[row + min(i, width - 1u)], i < width);
}

// The sum over every WORKGROUP-th element of a row.
fn own_sum(row: u32, width: u32, local: u32) -> vec2f {
  var pair = vec2f(LOWEST, 0.0);
  for (var i = local; i < width; i += GROUP * WORKGROUP) {
    let a = element(row, i, width);
    let b = element(row, i + WORKGROUP, width);
    let c = element(row, i + 2u * WORKGROUP, width);
    let d = element(row, i + 3u * WORKGROUP, width);
    let maximum = max(pair.x, largest_of(max(max(a, b), max(c, d))));
    let sum = sum_of((exp(a - maximum) + exp(b - maximum)) + (exp(c - maximum) + exp(d - maximum)));
    pair = vec2f(maximum, pair.y * exp(pair.x - maximum) + sum);
  }
  return pair;
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
  let width = params.V / WIDTH;
  let row = r * width;
  let whole = workgroup_join(own_sum(row, width, local), local);
  if (local == 0u) {
    let log_sum = whole.x + log(whole.y);
    let wanted = min(targets[r], params.V - 1u);
    lse[r] = log_sum;
    losses[r] = log_sum - number_at(logits[row + wanted / WIDTH], wanted % WIDTH);
  }
}
