// Where workers meet between kernel calls. The words lie in the first 1024 bytes of the shared memory, each on a cache
// line of its own: see lib/backend/wasm/layout.ts.

const ARRIVED: usize = 128;
const GENERATION: usize = 256;
const SLEEPERS: usize = 384;

/**
 * Returns once all workers have called it. Spins up to `spins` times, then sleeps, so that workers that outnumber the
 * cores, or share them with other programs, do not hold each other up.
 */
export function barrier(workers: u32, spins: u32): void {
  const generation = atomic.load<u32>(GENERATION);
  if (atomic.add<u32>(ARRIVED, 1) + 1 === workers) {
    atomic.store<u32>(ARRIVED, 0);
    atomic.store<u32>(GENERATION, generation + 1);
    // A worker that counts itself as a sleeper after this load finds the new generation and does not sleep.
    if (atomic.load<u32>(SLEEPERS) !== 0) atomic.notify(GENERATION, -1);
    return;
  }
  for (let i: u32 = 0; i < spins; i++) {
    if (atomic.load<u32>(GENERATION) !== generation) return;
  }
  atomic.add<u32>(SLEEPERS, 1);
  while (atomic.load<u32>(GENERATION) === generation) atomic.wait<u32>(GENERATION, generation, -1);
  atomic.sub<u32>(SLEEPERS, 1);
}
