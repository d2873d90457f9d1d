// An element of a kernel's arrays that is four numbers, for rows or arrays whose length divides by 4: GPUs read memory
// fastest by 16 bytes an invocation.
const WIDTH = 4u;
alias Element = vec4f;
// What belongs to an element in arrays of u32.
alias Integers = vec4u;

fn largest_of(x: Element) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

fn sum_of(x: Element) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

// 1 for the number in this place of the element, 0 for the others.
fn one_at(place: u32) -> Element {
  return select(vec4f(), vec4f(1.0), vec4u(0u, 1u, 2u, 3u) == vec4u(place));
}

fn number_at(element: Element, place: u32) -> f32 {
  return element[place];
}

// 1 where the word of each number is at least so large, 0 elsewhere; `first` is 0.
fn is_at_least(words: vec4u, first: u32, least: u32) -> Element {
  return select(vec4f(), vec4f(1.0), words >= vec4u(least));
}
