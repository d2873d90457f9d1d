// sample_token: chooses the token that follows each lane's sequence; lib/generate/sampling.ts says how
// logits: (B, V); start: (1), the position of the newest token; uniforms: (B), random numbers in [0, 1)
// options: (6) = 1 / temperature, or 0 for the likeliest token; topK; margin; topP; penalty; 1 / penalty;
// the margin is how far a score may lie below the best: -temperature * log(minP)
// drawable: (ceil(V / 32)), a bit for each token, 1 for those that may be drawn
// ids: (B), the tokens chosen; context: (B, S), the tokens up to `start`, after which the chosen one is written
// scores: (B, V), scratch: the logits with the penalty, LOWEST where a token is out
// NO_TOKEN is chosen where a logit is NaN or infinite, or no token is in. What lies beyond the arrays is taken for the last.
// One workgroup per lane; dispatch B, folded into two dimensions. Overwrites ids and scores.
// Completed by sample_token_walk.wgsl.
// Source: Holtzman et al. 2019, arXiv:1904.09751; Fan et al. 2018, arXiv:1805.04833; Nguyen et al. 2024, arXiv:2407.01082

const WORKGROUP = 256u;
// Stands for minus infinity, which WGSL may assume never occurs; half the lowest f32, so that differences stay finite.
const LOWEST = -1.7e38;
// Scores end here, so that a penalty and differences stay finite.
const LARGEST = 1e30;
// Stands for a logit that is NaN or infinite.
const BROKEN = 3e38;
const NO_TOKEN = 0xffffffffu;

struct Params {
  B: u32,
  V: u32,
  S: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> start: array<u32>;
@group(0) @binding(2) var<storage, read> uniforms: array<f32>;
@group(0) @binding(3) var<storage, read> options: array<f32>;
@group(0) @binding(4) var<storage, read> drawable: array<u32>;
@group(0) @binding(5) var<storage, read_write> ids: array<u32>;
@group(0) @binding(6) var<storage, read_write> context: array<u32>;
@group(0) @binding(7) var<storage, read_write> scores: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;

// The index of the lane's first score, and its best score.
var<private> row: u32;
var<private> best: f32;

fn newest() -> u32 {
  return min(start[0], params.S - 2u);
}

// A logit within bounds; LOWEST for minus infinity and for a token that may not be drawn. By its bits, because WGSL may
// assume that no number is infinite or NaN.
fn score_before(token: u32) -> f32 {
  let logit = logits[row + token];
  let bits = bitcast<u32>(logit);
  if (bits == 0xff800000u || ((drawable[token / 32u] >> (token % 32u)) & 1u) == 0u) {
    return LOWEST;
  }
  return select(clamp(logit, -LARGEST, LARGEST), BROKEN, (bits & 0x7fffffffu) >= 0x7f800000u);
}

fn fill_scores(lane: u32, local: u32) {
  for (var i = local; i < params.V; i += WORKGROUP) {
    scores[row + i] = score_before(i);
  }
  if (options[4] != 1.0) {
    storageBarrier();
    // A token that is there twice is written twice, with the same score.
    for (var position = local; position <= newest(); position += WORKGROUP) {
      let token = min(context[lane * params.S + position], params.V - 1u);
      let score = score_before(token);
      if (abs(score) <= LARGEST) {
        scores[row + token] = score * select(options[4], options[5], score > 0.0);
      }
    }
    storageBarrier();
  }
  var own_best = LOWEST;
  for (var i = local; i < params.V; i += WORKGROUP) {
    own_best = max(own_best, scores[row + i]);
  }
  best = workgroup_max(own_best, local);
}

// By scores alone, so that no rounding of an exponential decides: at a margin of 0, the likeliest stay and no others.
fn keep_min_p(local: u32) {
  for (var i = local; i < params.V; i += WORKGROUP) {
    if (best - scores[row + i] > options[2]) {
      scores[row + i] = LOWEST;
    }
  }
}

fn keep_top_k(local: u32) {
  let lightest = search(BY_SCORE, COUNT, 0.0, options[1] - 1.0, score_key(LOWEST), local);
  let ties = options[1] - split(lightest, COUNT, local).before;
  let last_tie = search(BY_ID, TIES, score_of(lightest), ties - 1.0, params.V - 1u, local);
  for (var i = local; i < params.V; i += WORKGROUP) {
    let key = score_key(scores[row + i]);
    if (key > lightest || (key == lightest && i > last_tie)) {
      scores[row + i] = LOWEST;
    }
  }
}

// Draws from the smallest set of the likeliest tokens that topP asks for, the likeliest first.
fn sample_nucleus(uniform_number: f32, total: f32, local: u32) -> u32 {
  let wanted = max(options[3] * total, 1e-30);
  let lightest = search(BY_SCORE, WEIGHT, 0.0, next_below(wanted), score_key(LOWEST), local);
  let edge = split(lightest, WEIGHT, local);
  let lightest_weight = weight(score_of(lightest));
  let kept_ties = clamp(ceil((wanted - edge.before) / lightest_weight), 1.0, edge.ties);
  let kept = edge.before + kept_ties * lightest_weight;

  let amount = uniform_number * kept;
  // Rounding can reach beyond the last token that is kept.
  let drawn = min(search(BY_SCORE, WEIGHT, 0.0, amount, score_key(LOWEST), local), lightest);
  let place = split(drawn, WEIGHT, local);
  let ties = select(place.ties, kept_ties, drawn == lightest);
  let rank = clamp((amount - place.before) / weight(score_of(drawn)), 0.0, ties - 0.5);
  return search(BY_ID, TIES, score_of(drawn), rank, params.V - 1u, local);
}

fn sample(uniform_number: f32, local: u32) -> u32 {
  if (options[2] < -LOWEST) {
    keep_min_p(local);
  }
  if (options[1] < f32(params.V)) {
    keep_top_k(local);
  }
  let total = split(0u, WEIGHT, local).total;
  if (options[3] < 1.0) {
    return sample_nucleus(uniform_number, total, local);
  }
  let amount = min(uniform_number * total, next_below(total));
  return search(BY_ID, WEIGHT, 0.0, amount, params.V - 1u, local);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = workgroup.y * workgroups.x + workgroup.x;
  if (lane >= params.B) {
    return;
  }
  row = lane * params.V;
  fill_scores(lane, local);
  var token: u32;
  if (options[0] == 0.0) {
    token = search(BY_ID, TIES, best, 0.0, params.V - 1u, local);
  } else {
    token = sample(uniforms[lane], local);
  }
  if (local == 0u) {
    token = select(min(token, params.V - 1u), NO_TOKEN, best == LOWEST || best == BROKEN);
    ids[lane] = token;
    context[lane * params.S + newest() + 1u] = token;
  }
}
