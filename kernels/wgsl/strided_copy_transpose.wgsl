// strided_copy of matrices that are turned: y[i0,i1,i2,i3] = x[i0 stride0 + i1 stride1 + i2 + i3 stride3], or += where
// accumulate is 1
// y: (n0, N1, 4 BANDS, 4 ROW), dense; x: what the strides reach. Strides are Elements of four numbers.
// One invocation per block of 4 by 4, which it reads and writes by 16 bytes; dispatch ceil(n / 256), folded into two
// dimensions. GROUP invocations on end have blocks that lie side by side in x, the next ones those to the right in y.

const WORKGROUP = 256u;
// Constants, because to divide by one takes a few instructions, by a parameter dozens.
const N1 = 1u;
const BANDS = 1u;
const ROW = 1u;
// Divides BANDS.
const GROUP = 1u;

struct Params {
  // n0 * N1 * BANDS * ROW.
  n: u32,
  stride0: u32,
  stride1: u32,
  stride3: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

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
  let column = i / GROUP % ROW;
  // Bands of four rows, counted through all matrices.
  let band = i / (GROUP * ROW) * GROUP + i % GROUP;
  let matrix = band / BANDS;
  let at = matrix / N1 * params.stride0 + matrix % N1 * params.stride1 + band % BANDS + 4u * column * params.stride3;
  var block = transpose(mat4x4f(
    x[at],
    x[at + params.stride3],
    x[at + 2u * params.stride3],
    x[at + 3u * params.stride3],
  ));
  for (var row = 0u; row < 4u; row++) {
    let place = (4u * band + row) * ROW + column;
    var value = block[row];
    if (params.accumulate != 0u) {
      value += y[place];
    }
    y[place] = value;
  }
}
