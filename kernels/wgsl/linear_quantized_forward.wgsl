// linear_quantized_forward: y[r,o] = scales[o] * sum_i x[r,i] * weight[o,i], made for few rows
// x: (rows, I); weight: (O, words of a row) of bf16 or int8; scales: (O); y: (rows, O)
// LANES invocations per column, which have every row's sum of up to ROWS rows; dispatch ceil(rows / ROWS) times
// ceil(O * LANES / WORKGROUP), folded into two dimensions. Overwrites y.
// Element and WIDTH, 1 or 4 numbers: element_1.wgsl or element_4.wgsl. numbers: quantized.ts, which chooses all of these.
// row_sum: row_sum.wgsl.

const WORKGROUP = 256u;
const LANES = 32u;
const ROWS = 1u;

struct Params {
  rows: u32,
  I: u32,
  O: u32,
  bits: u32,
  first_workgroup: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> weight: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let width = params.I / WIDTH;
  let lane = local % LANES;
  let blocks = (params.O * LANES + WORKGROUP - 1u) / WORKGROUP;
  let index = params.first_workgroup + workgroup.y * workgroups.x + workgroup.x;
  let first = index / blocks * ROWS;
  let o = index % blocks * (WORKGROUP / LANES) + local / LANES;
  // Beyond the last column or row, that one is read, and nothing is written.
  let column = min(o, params.O - 1u);
  let words = column * ((params.I * params.bits + 31u) / 32u);
  var sums = array<Element, ROWS>();
  for (var i = lane; i < width; i += LANES) {
    let values = numbers(words, i);
    for (var r = 0u; r < ROWS; r++) {
      sums[r] += values * x[min(first + r, params.rows - 1u) * width + i];
    }
  }
  for (var r = 0u; r < ROWS; r++) {
    // The sum before is read by all.
    workgroupBarrier();
    let sum = row_sum(sum_of(sums[r]), local) * scales[column];
    if (lane == 0u && o < params.O && first + r < params.rows) {
      y[(first + r) * params.O + o] = sum;
    }
  }
}
