// loss_scale_update: clip = (norms[0] / scale, min(1, maxNorm / (clip[0] + 1e-6)) / scale), and the scale doubled after
// growthSteps updates in a row; where norms[0] is not finite, clip = (norms[0], 0), and half the scale
// norms, clip: (2); state: (N) = scale, updates since it changed, and what is not looked at
// One invocation; dispatch 1. Overwrites clip, reads and overwrites state's first two.
// Source: Micikevicius et al. 2018, arXiv:1710.03740

// Keeps the division finite; the value that torch.nn.utils.clip_grad_norm_ adds.
const NORM_EPS = 1e-6;
// Between these the scale stays; powers of 2.
const SMALLEST = 0x1p-14;
const LARGEST = 0x1p+24;
// A float32 is infinite or NaN where these bits are all set. Comparisons may not tell: WGSL may assume finite values.
const EXPONENT = 0x7f800000u;

struct Params {
  N: u32,
  growthSteps: u32,
  maxNorm: f32,
}

@group(0) @binding(0) var<storage, read> norms: array<f32>;
@group(0) @binding(1) var<storage, read_write> state: array<f32>;
@group(0) @binding(2) var<storage, read_write> clip: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  let scale = state[0];
  if ((bitcast<u32>(norms[0]) & EXPONENT) == EXPONENT) {
    clip[0] = norms[0];
    clip[1] = 0.0;
    state[0] = max(scale * 0.5, SMALLEST);
    state[1] = 0.0;
    return;
  }
  let norm = norms[0] / scale;
  clip[0] = norm;
  clip[1] = min(1.0, params.maxNorm / (norm + NORM_EPS)) / scale;
  let grows = state[1] + 1.0 >= f32(params.growthSteps);
  state[0] = select(scale, min(2.0 * scale, LARGEST), grows);
  state[1] = select(state[1] + 1.0, 0.0, grows);
}
