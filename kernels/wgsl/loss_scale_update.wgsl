// loss_scale_update: clip = (norms[0] / scale, min(1, maxNorm / (clip[0] + 1e-6)) / scale), told = schedule with
// c1 = 1 - beta1^t and c2 = 1 - beta2^t of the t updates so far, and the scale doubled after growthSteps updates in a row;
// where norms[0] is not finite, clip = (norms[0], 0), told = schedule, and half the scale
// norms, clip: (2); schedule, told: (S), S is 1 or 3 = lr, c1, c2; state: (4) = scale, updates since it changed, c1, c2
// Params: beta1Rest = 1 - beta1 and beta2Rest = 1 - beta2, each rounded once: c = beta c + (1 - beta) is exact enough
// where 1 - beta^t would cancel.
// One invocation; dispatch 1. Overwrites clip and told, reads and overwrites state.
// Source: Micikevicius et al. 2018, arXiv:1710.03740

// Keeps the division finite; the value that torch.nn.utils.clip_grad_norm_ adds.
const NORM_EPS = 1e-6;
// Between these the scale stays; powers of 2.
const SMALLEST = 0x1p-14;
const LARGEST = 0x1p+24;
// A float32 is infinite or NaN where these bits are all set. Comparisons may not tell: WGSL may assume finite values.
const EXPONENT = 0x7f800000u;

struct Params {
  S: u32,
  growthSteps: u32,
  maxNorm: f32,
  beta1: f32,
  beta1Rest: f32,
  beta2: f32,
  beta2Rest: f32,
}

@group(0) @binding(0) var<storage, read> norms: array<f32>;
@group(0) @binding(1) var<storage, read> schedule: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: array<f32>;
@group(0) @binding(3) var<storage, read_write> clip: array<f32>;
@group(0) @binding(4) var<storage, read_write> told: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  let scale = state[0];
  for (var i = 0u; i < params.S; i++) {
    told[i] = schedule[i];
  }
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
  let c1 = params.beta1 * state[2] + params.beta1Rest;
  let c2 = params.beta2 * state[3] + params.beta2Rest;
  if (params.S == 3u) {
    told[1] = c1;
    told[2] = c2;
  }
  let grows = state[1] + 1.0 >= f32(params.growthSteps);
  state[0] = select(scale, min(2.0 * scale, LARGEST), grows);
  state[1] = select(state[1] + 1.0, 0.0, grows);
  state[2] = c1;
  state[3] = c2;
}
