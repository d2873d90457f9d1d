// What an invocation of rope turns: one pair, for heads of any even size.
const PAIRS = 1u;
alias Pairs = vec2f;
alias Angles = f32;

// A number of each pair for both of its places.
fn spread(angles: Angles) -> Pairs {
  return vec2f(angles);
}

// Each pair (a, b) turned by a right angle: (-b, a).
fn turned(pairs: Pairs) -> Pairs {
  return vec2f(-pairs.y, pairs.x);
}
