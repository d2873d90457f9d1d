// masked_fill: y[i] = value where mask[i mod maskSize] is not 0, x[i] where it is; y[i] += that where accumulate is 1
// x, y: (n), mask: (maskSize)
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / WIDTH / 256), folded
// into two dimensions.

const WORKGROUP = 256u;
// maskSize / WIDTH: a constant, because to divide by one takes a few instructions, by a parameter dozens.
const MASK = 1u;

struct Params {
  // Elements.
  n: u32,
  // Which Element of the mask belongs to the first one here.
  first: u32,
  accumulate: u32,
  value: f32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> mask: array<Integers>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  if (i >= params.n) {
    return;
  }
  var value = select(x[i], Element(params.value), mask[(params.first + i) % MASK] != Integers());
  if (params.accumulate != 0u) {
    value += y[i];
  }
  y[i] = value;
}
