// dequantize_weight: y[o,i] = scales[o] * weight[o,i]
// weight: (O, words of a row) of bf16 or int8; scales: (O); y: (O, I)
// One invocation per Element, 1 or 4 numbers (element_1.wgsl, element_4.wgsl); dispatch ceil(O * I / WIDTH / 256), folded
// into two dimensions. Overwrites y. numbers: quantized.ts.

const WORKGROUP = 256u;
// I / WIDTH: a constant, because to divide by one takes a few instructions, by a parameter dozens.
const ROW = 1u;

struct Params {
  I: u32,
  O: u32,
  bits: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<u32>;
@group(0) @binding(1) var<storage, read> scales: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local;
  let o = i / ROW;
  if (o >= params.O) {
    return;
  }
  y[i] = scales[o] * numbers(o * ((params.I * params.bits + 31u) / 32u), i % ROW);
}
