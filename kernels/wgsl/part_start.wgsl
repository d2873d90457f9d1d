// For kernels that make partial sums, each of a part of what is summed.

// Where part p of n items in P parts starts: floor(p * n / P), without overflow.
fn part_start(p: u32, n: u32, P: u32) -> u32 {
  return p * (n / P) + p * (n % P) / P;
}
