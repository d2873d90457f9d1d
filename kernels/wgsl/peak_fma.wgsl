// peak_fma: multiply-adds in registers alone, to find what a GPU can do at most
// result: (any size), element i of it from invocation i, so that no work is dropped as unused
// One invocation does iterations * 32 multiply-adds of 4 elements, in 8 independent chains; dispatch workgroups, folded
// into two dimensions. Overwrites result as far as it goes.

const WORKGROUP = 256u;

struct Params {
  iterations: u32,
  workgroups: u32,
}

@group(0) @binding(0) var<storage, read_write> result: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  // Numbers that the compiler cannot know, and that stay finite: x tends to term / (1 - factor).
  let factor = vec4f(0.5 + 0.25 / f32(params.workgroups));
  let term = vec4f(f32(local));
  var x0 = vec4f(0.0);
  var x1 = vec4f(1.0);
  var x2 = vec4f(2.0);
  var x3 = vec4f(3.0);
  var x4 = vec4f(4.0);
  var x5 = vec4f(5.0);
  var x6 = vec4f(6.0);
  var x7 = vec4f(7.0);
  for (var iteration = 0u; iteration < params.iterations; iteration++) {
    x0 = fma(x0, factor, term);
    x1 = fma(x1, factor, term);
    x2 = fma(x2, factor, term);
    x3 = fma(x3, factor, term);
    x4 = fma(x4, factor, term);
    x5 = fma(x5, factor, term);
    x6 = fma(x6, factor, term);
    x7 = fma(x7, factor, term);
    x0 = fma(x0, factor, term);
    x1 = fma(x1, factor, term);
    x2 = fma(x2, factor, term);
    x3 = fma(x3, factor, term);
    x4 = fma(x4, factor, term);
    x5 = fma(x5, factor, term);
    x6 = fma(x6, factor, term);
    x7 = fma(x7, factor, term);
    x0 = fma(x0, factor, term);
    x1 = fma(x1, factor, term);
    x2 = fma(x2, factor, term);
    x3 = fma(x3, factor, term);
    x4 = fma(x4, factor, term);
    x5 = fma(x5, factor, term);
    x6 = fma(x6, factor, term);
    x7 = fma(x7, factor, term);
    x0 = fma(x0, factor, term);
    x1 = fma(x1, factor, term);
    x2 = fma(x2, factor, term);
    x3 = fma(x3, factor, term);
    x4 = fma(x4, factor, term);
    x5 = fma(x5, factor, term);
    x6 = fma(x6, factor, term);
    x7 = fma(x7, factor, term);
  }
  let sum = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7;
  if (i < arrayLength(&result)) {
    result[i] = sum.x + sum.y + sum.z + sum.w;
  }
}
