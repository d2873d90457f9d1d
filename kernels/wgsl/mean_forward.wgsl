// mean_forward: y[0] = sum_i x[i] / n
// x: (n), y: (1)
// One workgroup; dispatch 1. Overwrites y.
// Element and WIDTH, 1 or 4 numbers: element_1.wgsl or element_4.wgsl. mean_forward.ts chooses these and WORKGROUP.
// workgroup_sum: workgroup_sum.wgsl.

const WORKGROUP = 256u;
// Elements that an invocation reads at the same time.
const GROUP = 4u;

struct Params {
  n: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

// An element of x, 0 beyond its end.
fn element(i: u32, width: u32) -> Element {
  return select(Element(), x[min(i, width - 1u)], i < width);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) local: u32) {
  let width = params.n / WIDTH;
  var sum = Element();
  for (var i = local; i < width; i += GROUP * WORKGROUP) {
    sum += (element(i, width) + element(i + WORKGROUP, width)) +
      (element(i + 2u * WORKGROUP, width) + element(i + 3u * WORKGROUP, width));
  }
  let total = workgroup_sum(sum_of(sum), local);
  if (local == 0u) {
    y[0] = total / f32(params.n);
  }
}
