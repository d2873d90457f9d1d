// clip_grad_norm_factor: clip[0] = norm = sqrt(sum_p partials[p]), clip[1] = min(1, maxNorm / (norm + 1e-6))
// clip[1] = 0, which stands for no update, where the norm is NaN or infinite
// partials: (P), clip: (2)
// One workgroup; dispatch 1. Overwrites clip.
// workgroup_sum: workgroup_sum.wgsl.
// Source: Pascanu et al. 2012, arXiv:1211.5063

const WORKGROUP = 256u;
// Keeps the division finite; the value that torch.nn.utils.clip_grad_norm_ adds.
const NORM_EPS = 1e-6;

struct Params {
  P: u32,
  maxNorm: f32,
}

@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> clip: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var p = local; p < params.P; p += WORKGROUP) {
    sum += partials[p];
  }
  let norm = sqrt(workgroup_sum(sum, local));
  if (local == 0u) {
    clip[0] = norm;
    // Told by its bits: WGSL may assume that no number is NaN or infinite.
    let is_finite = (bitcast<u32>(norm) & 0x7f800000u) != 0x7f800000u;
    clip[1] = select(0.0, min(1.0, params.maxNorm / (norm + NORM_EPS)), is_finite);
  }
}
