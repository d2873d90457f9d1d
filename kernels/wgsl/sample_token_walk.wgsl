// The part of sample_token that finds how far a walk through a lane's tokens comes: the likeliest first, or by id.
// Nothing is sorted: the place where the walk has added up to an amount is searched for by its key, and each pass over
// the scores tries 16 keys. Sums are trees of one shape, so that more tokens never have a smaller sum, and the search
// ends at a token; equal scores are told apart by id. So the order is exact, only the sums are rounded.

// What a walk goes by.
const BY_SCORE = 0u;
const BY_ID = 1u;
// What it adds up: tokens, their weights, which are 0 of those that are out, or those with one score.
const COUNT = 0u;
const WEIGHT = 1u;
const TIES = 2u;
// Keys that a pass tries.
const GUESSES = 16u;
// A weight is 0 long before a score is this far from the best, but at temperatures far above all scores.
const FARTHEST = -1e6;

// Where a key lies in the walk by score: the sum before it, how many tokens have it, and the sum of all.
struct Place {
  before: f32,
  ties: f32,
  total: f32,
}

// 16 KiB at most: what every device has.
var<workgroup> shared_sums: array<mat4x4f, WORKGROUP>;

// Every invocation's sums added up, by a tree: the same order every time.
fn workgroup_sum(sums: mat4x4f, local: u32) -> mat4x4f {
  workgroupBarrier();
  shared_sums[local] = sums;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      shared_sums[local] += shared_sums[local + half];
    }
  }
  workgroupBarrier();
  return shared_sums[0];
}

fn workgroup_max(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  shared_sums[local][0].x = value;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      shared_sums[local][0].x = max(shared_sums[local][0].x, shared_sums[local + half][0].x);
    }
  }
  workgroupBarrier();
  return shared_sums[0][0].x;
}

// A score's place in the walk: its bits as an integer that is smaller the larger the score.
fn score_key(score: f32) -> u32 {
  let bits = select(bitcast<u32>(score), 0u, score == 0.0);
  return select(~bits & 0x7fffffffu, bits, (bits >> 31u) == 1u);
}

fn score_of(key: u32) -> f32 {
  return bitcast<f32>(select(~key & 0x7fffffffu, key, (key >> 31u) == 1u));
}

// A token's probability over the likeliest one's.
fn weight(score: f32) -> f32 {
  return select(0.0, exp(max(score - best, FARTHEST) * options[0]), score > LOWEST);
}

fn mass(score: f32, measure: u32, tie: f32) -> f32 {
  if (measure == WEIGHT) {
    return weight(score);
  }
  return select(0.0, 1.0, measure == COUNT || score == tie);
}

// A mass four times, in the places whose guess the key is not beyond.
fn up_to(guesses: vec4u, key: u32, value: f32) -> vec4f {
  return select(vec4f(), vec4f(value), vec4u(key) <= guesses);
}

fn count_up_to(amount: f32, sums: vec4f) -> u32 {
  let is_short = vec4u(sums <= vec4f(amount));
  return is_short.x + is_short.y + is_short.z + is_short.w;
}

// The first key up to which the walk adds up to more than `amount`, of keys up to `last`; beyond `last` if it never does.
fn search(order: u32, measure: u32, tie: f32, amount: f32, last: u32, local: u32) -> u32 {
  var first = 0u;
  for (var width = last; width > 0u; width /= GUESSES + 1u) {
    let step = width / (GUESSES + 1u) + 1u;
    let guesses = first - 1u + step * vec4u(1u, 2u, 3u, 4u);
    var sums = mat4x4f();
    for (var i = local; i < params.V; i += WORKGROUP) {
      let score = scores[row + i];
      let key = select(score_key(score), i, order == BY_ID);
      let value = mass(score, measure, tie);
      sums += mat4x4f(
        up_to(guesses, key, value),
        up_to(guesses + 4u * step, key, value),
        up_to(guesses + 8u * step, key, value),
        up_to(guesses + 12u * step, key, value),
      );
    }
    sums = workgroup_sum(sums, local);
    first += step * (count_up_to(amount, sums[0]) + count_up_to(amount, sums[1]) +
      count_up_to(amount, sums[2]) + count_up_to(amount, sums[3]));
  }
  return first;
}

fn split(key: u32, measure: u32, local: u32) -> Place {
  var sums = mat4x4f();
  for (var i = local; i < params.V; i += WORKGROUP) {
    let score = scores[row + i];
    let value = mass(score, measure, 0.0);
    let own_key = score_key(score);
    sums[0] += vec4f(select(0.0, value, own_key < key), select(0.0, 1.0, own_key == key), value, 0.0);
  }
  let joined = workgroup_sum(sums, local)[0];
  return Place(joined.x, joined.y, joined.z);
}

// The next smaller number than a positive one: sums are at least x where they are more than this.
fn next_below(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) - 1u);
}
