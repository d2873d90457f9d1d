// How the main thread and the workers begin and end a run. Nobody waits for a worker that did not come: one that shares
// its core with another program may find the run over, or may be late from the run before and find the next one open.
import { CLOSED, QUIT, WORD } from "./layout.ts";

/** The number of the run that follows run `number`. */
export function nextRun(number: number): number {
  return (number + 1) | 0;
}

/** The gate of a pool that runs nothing yet. */
export function closeGate(words: Int32Array): void {
  Atomics.store(words, WORD.gate, CLOSED);
}

/**
 * Begins run `number`. The run before must be over.
 *
 * The gate opens only when everything that a worker reads inside is in place, above all `run`. A worker that is late
 * from the run before may enter at once, and do the whole run before `sequence`, which wakes the others, is stored.
 *
 * @param address Of the program's list of calls.
 * @param profile Where times are noted, or 0.
 */
export function beginRun(words: Int32Array, number: number, address: number, profile: number): void {
  Atomics.store(words, WORD.failed, 0);
  Atomics.store(words, WORD.command, address);
  Atomics.store(words, WORD.profile, profile);
  Atomics.store(words, WORD.run, number);
  Atomics.store(words, WORD.gate, 0);
  Atomics.store(words, WORD.sequence, number);
  Atomics.notify(words, WORD.sequence);
}

/** Whether run `number` is over, and everyone has left it. */
export function isOver(words: Int32Array, number: number): boolean {
  return Atomics.load(words, WORD.done) === number;
}

/** Tells the workers to end. No run may be under way. */
export function quit(words: Int32Array): void {
  Atomics.store(words, WORD.command, QUIT);
  Atomics.add(words, WORD.sequence, 1);
  Atomics.notify(words, WORD.sequence);
}

/**
 * Enters the run whose gate is open; false if there is none. From then on the run does not end without this worker, so
 * what it reads of the run stays as it is.
 */
export function enterRun(words: Int32Array): boolean {
  for (;;) {
    const gate = Atomics.load(words, WORD.gate);
    if (gate & CLOSED) return false;
    if (Atomics.compareExchange(words, WORD.gate, gate, gate + 1) === gate) return true;
  }
}

/**
 * Leaves the run, all of which is computed. The first to leave closes the gate; the last publishes the number of the run
 * it was in. (`sequence` may still be that of the run before, if nobody but late workers came.)
 */
export function leaveRun(words: Int32Array): void {
  for (;;) {
    const gate = Atomics.load(words, WORD.gate);
    const left = gate - 1 | CLOSED;
    if (Atomics.compareExchange(words, WORD.gate, gate, left) !== gate) continue;
    if (left !== CLOSED) return;
    Atomics.store(words, WORD.done, Atomics.load(words, WORD.run));
    Atomics.notify(words, WORD.done);
    return;
  }
}
