// An element of a kernel's arrays that is one number, for rows and arrays of any length.
const WIDTH = 1u;
alias Element = f32;
// What belongs to an element in arrays of u32.
alias Integers = u32;

fn largest_of(x: Element) -> f32 {
  return x;
}

fn sum_of(x: Element) -> f32 {
  return x;
}

// 1 for the number in this place of the element, 0 for the others.
fn one_at(place: u32) -> Element {
  return select(0.0, 1.0, place == 0u);
}

fn number_at(element: Element, place: u32) -> f32 {
  return element;
}

// 1 where the word of this number, which is the one at `first`, is at least so large, 0 elsewhere.
fn is_at_least(words: vec4u, first: u32, least: u32) -> Element {
  return select(0.0, 1.0, words[first] >= least);
}
