// peak_read: sums over an array that is larger than any cache, to find how fast a GPU reads its memory
// data: (4 * n); sums: (workgroups * 256), sums[i] = the sum of the fours i, i + all, i + 2 * all, ..., of which there are
// all = workgroups * 256 in a round
// Four loads of an invocation are under way at once. Dispatch workgroups, folded into two dimensions. Overwrites sums.

const WORKGROUP = 256u;

struct Params {
  n: u32,
  workgroups: u32,
}

@group(0) @binding(0) var<storage, read> data: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = workgroup.y * workgroups.x + workgroup.x;
  if (index >= params.workgroups) {
    return;
  }
  let all = params.workgroups * WORKGROUP;
  let first = index * WORKGROUP + local;
  var sum0 = vec4f(0.0);
  var sum1 = vec4f(0.0);
  var sum2 = vec4f(0.0);
  var sum3 = vec4f(0.0);
  var i = first;
  for (; i + 3u * all < params.n; i += 4u * all) {
    let a = data[i];
    let b = data[i + all];
    let c = data[i + 2u * all];
    let d = data[i + 3u * all];
    sum0 += a;
    sum1 += b;
    sum2 += c;
    sum3 += d;
  }
  for (; i < params.n; i += all) {
    sum0 += data[i];
  }
  let sum = sum0 + sum1 + sum2 + sum3;
  sums[first] = sum.x + sum.y + sum.z + sum.w;
}
