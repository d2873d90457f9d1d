// peak_fma_workgroups: multiply-adds in registers alone, to find what a GPU can do at most
// result: (workgroups * 256), an element of each invocation, so that no work is dropped as unused
// Each of 32 numbers of an invocation goes x -> x * x + c, 8 * iterations times: 256 * iterations multiply-adds, in 32
// independent chains. No compiler can fold two steps of a square into one, nor find two chains alike, as it can where
// x -> x * a + c. Dispatch workgroups, folded into two dimensions. Overwrites result.

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
  // Numbers that no compiler knows, all different. From -1/2 to 0 the steps stay there, for c from -1/2 to -1/4.
  let unknown = f32(local) / f32(WORKGROUP * params.workgroups);
  let c = vec4f(-0.26, -0.32, -0.38, -0.44) - 0.05 * unknown;
  let start = vec4f(-0.1, -0.2, -0.3, -0.4) + 0.01 * unknown;
  var x0 = start;
  var x1 = start + 0.01 * 1.0;
  var x2 = start + 0.01 * 2.0;
  var x3 = start + 0.01 * 3.0;
  var x4 = start + 0.01 * 4.0;
  var x5 = start + 0.01 * 5.0;
  var x6 = start + 0.01 * 6.0;
  var x7 = start + 0.01 * 7.0;
  for (var iteration = 0u; iteration < params.iterations; iteration++) {
    x0 = fma(x0, x0, c);
    x1 = fma(x1, x1, c);
    x2 = fma(x2, x2, c);
    x3 = fma(x3, x3, c);
    x4 = fma(x4, x4, c);
    x5 = fma(x5, x5, c);
    x6 = fma(x6, x6, c);
    x7 = fma(x7, x7, c);
    x0 = fma(x0, x0, c);
    x1 = fma(x1, x1, c);
    x2 = fma(x2, x2, c);
    x3 = fma(x3, x3, c);
    x4 = fma(x4, x4, c);
    x5 = fma(x5, x5, c);
    x6 = fma(x6, x6, c);
    x7 = fma(x7, x7, c);
    x0 = fma(x0, x0, c);
    x1 = fma(x1, x1, c);
    x2 = fma(x2, x2, c);
    x3 = fma(x3, x3, c);
    x4 = fma(x4, x4, c);
    x5 = fma(x5, x5, c);
    x6 = fma(x6, x6, c);
    x7 = fma(x7, x7, c);
    x0 = fma(x0, x0, c);
    x1 = fma(x1, x1, c);
    x2 = fma(x2, x2, c);
    x3 = fma(x3, x3, c);
    x4 = fma(x4, x4, c);
    x5 = fma(x5, x5, c);
    x6 = fma(x6, x6, c);
    x7 = fma(x7, x7, c);
    x0 = fma(x0, x0, c);
    x1 = fma(x1, x1, c);
    x2 = fma(x2, x2, c);
    x3 = fma(x3, x3, c);
    x4 = fma(x4, x4, c);
    x5 = fma(x5, x5, c);
    x6 = fma(x6, x6, c);
    x7 = fma(x7, x7, c);
    x0 = fma(x0, x0, c);
    x1 = fma(x1, x1, c);
    x2 = fma(x2, x2, c);
    x3 = fma(x3, x3, c);
    x4 = fma(x4, x4, c);
    x5 = fma(x5, x5, c);
    x6 = fma(x6, x6, c);
    x7 = fma(x7, x7, c);
    x0 = fma(x0, x0, c);
    x1 = fma(x1, x1, c);
    x2 = fma(x2, x2, c);
    x3 = fma(x3, x3, c);
    x4 = fma(x4, x4, c);
    x5 = fma(x5, x5, c);
    x6 = fma(x6, x6, c);
    x7 = fma(x7, x7, c);
    x0 = fma(x0, x0, c);
    x1 = fma(x1, x1, c);
    x2 = fma(x2, x2, c);
    x3 = fma(x3, x3, c);
    x4 = fma(x4, x4, c);
    x5 = fma(x5, x5, c);
    x6 = fma(x6, x6, c);
    x7 = fma(x7, x7, c);
  }
  let sum = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7;
  if (i < arrayLength(&result)) {
    result[i] = sum.x + sum.y + sum.z + sum.w;
  }
}
