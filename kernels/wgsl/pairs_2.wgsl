// What an invocation of rope turns: two pairs, for heads whose size divides by 4.
const PAIRS = 2u;
alias Pairs = vec4f;
alias Angles = vec2f;

// A number of each pair for both of its places.
fn spread(angles: Angles) -> Pairs {
  return angles.xxyy;
}

// Each pair (a, b) turned by a right angle: (-b, a).
fn turned(pairs: Pairs) -> Pairs {
  return vec4f(-pairs.y, pairs.x, -pairs.w, pairs.z);
}
