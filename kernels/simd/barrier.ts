// Where workers meet between kernel calls. The words lie in the first 1024 bytes of the shared memory, each on a cache
// line of its own: see lib/backend/wasm/layout.ts.

const ARRIVED: usize = 128;
const GENERATION: usize = 256;
const SLEEPERS: usize = 384;

/** Looks before a sleep: at most and at least. About 10 and 1 µs on a machine of 2025. */
const MOST_SPINS: u32 = 20000;
const LEAST_SPINS: u32 = 2000;

/** How often this worker looks next time: halved when that was in vain, doubled when it was not. */
let spins: u32 = MOST_SPINS;

/**
 * Returns once all workers have called it. Looks for a while, then sleeps, so that workers that outnumber the cores, or
 * share them with other programs, do not hold each other up.
 */
export function barrier(workers: u32): void {
  const generation = atomic.load<u32>(GENERATION);
  if (atomic.add<u32>(ARRIVED, 1) + 1 === workers) {
    atomic.store<u32>(ARRIVED, 0);
    atomic.store<u32>(GENERATION, generation + 1);
    // A worker that counts itself as a sleeper after this load finds the new generation and does not sleep.
    if (atomic.load<u32>(SLEEPERS) !== 0) atomic.notify(GENERATION, -1);
    return;
  }
  for (let i: u32 = 0; i < spins; i++) {
    if (atomic.load<u32>(GENERATION) !== generation) {
      spins = min(spins * 2, MOST_SPINS);
      return;
    }
  }
  spins = max(spins / 2, LEAST_SPINS);
  atomic.add<u32>(SLEEPERS, 1);
  while (atomic.load<u32>(GENERATION) === generation) atomic.wait<u32>(GENERATION, generation, -1);
  atomic.sub<u32>(SLEEPERS, 1);
}
