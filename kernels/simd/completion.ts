// How workers know that a call is complete. Nobody waits for another worker as such, only for the pieces of work that it
// has taken: a worker that shares its core with another program is left behind, and finds the calls it missed complete.

/** Words at the start of a call's counters (work.ts), all 0 before a run. 1 when the whole call is computed. */
const COMPLETE: usize = 0;
/** Units that are computed. */
const COMPUTED: usize = 4;
/** 1 when a worker has taken what is made by one alone. */
const TAKEN: usize = 8;

/** Words in the first 1024 bytes of the shared memory, each on a cache line of its own: lib/backend/wasm/layout.ts. */
const EVENT: usize = 256;
const SLEEPERS: usize = 384;
const FAILED: usize = 768;

/** Looks before a sleep: at most and at least. About 10 and 1 µs on a machine of 2025. */
const MOST_SPINS: u32 = 20000;
const LEAST_SPINS: u32 = 2000;

/** How often this worker looks next time: halved when that was in vain, doubled when it was not. */
let spins: u32 = MOST_SPINS;

/** Notes that `count` more of a call's units are computed. */
export function noteComputed(work: usize, count: u32, units: u32): void {
  if (atomic.add<u32>(work, count, COMPUTED) + count === units) complete(work);
}

/** Marks a call as complete and wakes those who sleep until it is. */
export function complete(work: usize): void {
  atomic.store<u32>(work, 1, COMPLETE);
  wake();
}

/** Wakes all who sleep, to look again: a call is complete, or has failed. */
export function wake(): void {
  // A worker that counts itself as a sleeper after this load sees what there is to see before it sleeps.
  if (atomic.load<u32>(SLEEPERS) === 0) return;
  atomic.add<u32>(EVENT, 1);
  atomic.notify(EVENT, -1);
}

/** Takes what is made by one worker alone; false if another has. */
export function take(work: usize): bool {
  return atomic.load<u32>(work, TAKEN) === 0 && atomic.cmpxchg<u32>(work, 0, 1, TAKEN) === 0;
}

/**
 * Returns once a call is complete, or one has failed. Looks for a while, then sleeps, so that workers that outnumber the
 * cores, or share them with other programs, do not hold each other up.
 */
export function await_call(work: usize): void {
  for (let i: u32 = 0; i < spins; i++) {
    if (isOver(work)) {
      spins = min(spins * 2, MOST_SPINS);
      return;
    }
  }
  spins = max(spins / 2, LEAST_SPINS);
  atomic.add<u32>(SLEEPERS, 1);
  for (;;) {
    const event = atomic.load<u32>(EVENT);
    if (isOver(work)) break;
    atomic.wait<u32>(EVENT, event, -1);
  }
  atomic.sub<u32>(SLEEPERS, 1);
}

/** @inline */
function isOver(work: usize): bool {
  return atomic.load<u32>(work, COMPLETE) !== 0 || atomic.load<u32>(FAILED) !== 0;
}
