// How a kernel's work is divided: worker w of W takes units ⌊w · U / W⌋ ≤ u < ⌊(w + 1) · U / W⌋. Which worker computes an
// element never changes how it is computed, so results have the same bits for any number of workers.

/** Elements of one unit of elementwise work: a cache line of f32, so that no two workers write to the same line. */
export const LINE: u32 = 16;

/** The first unit that worker `worker` of `workers` owns; with `worker + 1`, one past its last. @inline */
export function share(units: u32, worker: u32, workers: u32): u32 {
  return ((units as u64) * (worker as u64) / (workers as u64)) as u32;
}

/** The first of n elements that a worker owns, in whole cache lines; with `worker + 1`, one past its last. @inline */
export function firstElement(n: u32, worker: u32, workers: u32): u32 {
  return min(share((n + LINE - 1) / LINE, worker, workers) * LINE, n);
}
