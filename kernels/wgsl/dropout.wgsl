// dropout: y[i] = factor * x[i] where word i % 4 of Philox's block i / 4 is at least the threshold, 0 elsewhere
// x, y: (n); draw: (4) = seed, and the number of the pass, each as two words
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(n / WIDTH / 256), folded
// into two dimensions. Overwrites y, or adds to it where accumulate is 1.
// Source: Salmon et al. 2011, SC '11; Srivastava et al. 2014, JMLR 15

const WORKGROUP = 256u;

struct Params {
  // Elements.
  n: u32,
  // The number that the first of them is in the whole array.
  first: u32,
  site: u32,
  threshold: u32,
  accumulate: u32,
  factor: f32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> draw: array<u32>;
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
  let number = params.first + i * WIDTH;
  let block = philox(vec4u(number / 4u, params.site, draw[2], draw[3]), vec2u(draw[0], draw[1] ^ 0x80000000u));
  var value = is_at_least(block, number % 4u, params.threshold) * (params.factor * x[i]);
  if (params.accumulate != 0u) {
    value += y[i];
  }
  y[i] = value;
}
