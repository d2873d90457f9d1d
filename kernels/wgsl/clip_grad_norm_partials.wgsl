// clip_grad_norm_partials: partials[p] = sum over part p of gradients[i]^2
// gradients: (n), of which the elements from first_element on are bound; partials: (P); part p has elements
// floor(p * n / P) <= i < floor((p + 1) * n / P)
// One workgroup per part p, first_part <= p < end_part; dispatch their number, folded into two dimensions.
// Overwrites the partials of these parts.
// part_start: part_start.wgsl; workgroup_sum: workgroup_sum.wgsl.

const WORKGROUP = 256u;

struct Params {
  n: u32,
  P: u32,
  first_element: u32,
  first_part: u32,
  end_part: u32,
}

@group(0) @binding(0) var<storage, read> gradients: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

// The square of a gradient, by its place among all.
fn square(i: u32) -> f32 {
  let gradient = gradients[i - params.first_element];
  return gradient * gradient;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let p = params.first_part + workgroup.y * workgroups.x + workgroup.x;
  if (p >= params.end_part) {
    return;
  }
  let end = part_start(p + 1u, params.n, params.P);
  var i = part_start(p, params.n, params.P) + local;
  // Four gradients at a time are on their way from memory.
  var squares = vec4f();
  for (; i + 3u * WORKGROUP < end; i += 4u * WORKGROUP) {
    squares += vec4f(square(i), square(i + WORKGROUP), square(i + 2u * WORKGROUP), square(i + 3u * WORKGROUP));
  }
  for (; i < end; i += WORKGROUP) {
    squares.x += square(i);
  }
  let total = workgroup_sum((squares.x + squares.y) + (squares.z + squares.w), local);
  if (local == 0u) {
    partials[p] = total;
  }
}
