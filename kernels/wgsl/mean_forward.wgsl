// mean_forward: y[0] = sum_i x[i] / n
// x: (n), y: (1)
// One workgroup; dispatch 1. Overwrites y.

const WORKGROUP = 256u;

struct Params {
  n: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> shared_values: array<f32, WORKGROUP>;

// The sum of every invocation's value, by a tree: the same order every time.
fn workgroup_sum(value: f32, local: u32) -> f32 {
  shared_values[local] = value;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      shared_values[local] += shared_values[local + half];
    }
  }
  workgroupBarrier();
  return shared_values[0];
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var i = local; i < params.n; i += WORKGROUP) {
    sum += x[i];
  }
  let total = workgroup_sum(sum, local);
  if (local == 0u) {
    y[0] = total / f32(params.n);
  }
}
