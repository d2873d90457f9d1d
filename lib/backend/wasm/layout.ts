import type { Step } from "./schedule.ts";

/**
 * The shared memory, as the main thread, the workers and kernels/simd/completion.ts agree on it.
 *
 * The first kilobyte holds the words below, each on cache lines of its own. Behind it, up to the end of the first page,
 * lie the module's own constants. The heap, with everything else, begins at the second page.
 */

/** Indices into an Int32Array over the memory; the module's own words are at bytes 256 and 384. */
export const WORD = {
  /** Changes when there is something to do: see `command`. */
  sequence: 512 / 4,
  /** What to do: the address of a program's call list, or `QUIT`. */
  command: 544 / 4,
  /** The address of f64s that the first worker fills with the times, in ms, of the start and of each call's end; or 0. */
  profile: 576 / 4,
  /** Workers inside the run; `CLOSED` is added when it is complete, and nobody may enter any more. */
  gate: 896 / 4,
  /** The number of the run whose gate is open, or was last. */
  run: 608 / 4,
  /** Follows `run` when the run is complete and the last worker has left it. */
  done: 640 / 4,
  /** 0, or 1 + the index of a call that trapped during this run. */
  failed: 768 / 4,
} as const;

/** The command that ends a worker. It cannot be an address, because the heap begins above it. */
export const QUIT = 1;

/** Added to `WORD.gate` when there is no run to enter. */
export const CLOSED = 1 << 30;

/** Bytes of a page, the unit in which memory grows. */
export const PAGE_BYTES = 65536;

/** Pages that 32-bit pointers reach, and the maximum that the module declares. */
export const MAX_PAGES = 65536;

/** Where the heap begins. */
export const HEAP_START = PAGE_BYTES;

/** Private memory of each worker: `SCRATCH_BYTES` of kernels/simd/scratch.ts. */
export const SCRATCH_BYTES = 8 << 20;

/** Each worker's heartbeat, on a cache line of its own: an i32 that counts the calls it began, and the newest's index. */
export const BEAT_BYTES = 64;

/** Bytes of a call's counters: a line of kernels/simd/completion.ts, and one of kernels/simd/work.ts for each worker. */
export function counterBytes(workers: number): number {
  return 64 * (1 + workers);
}

/** A call as the workers make it: a function of the module by its index, and addresses and constants. */
export interface EncodedCall extends Step {
  readonly kernel: number;
  /** The address of the call's counters; 0 for a worker by itself. */
  readonly counters: number;
  /** The kernel's arguments; the last is the address of the counters if workers share the call, else 0. */
  readonly args: readonly number[];
}

/**
 * A program in memory is a list of f64: a number that no other program of this backend has, the number of calls, then
 * for each call the kernel's index, whether workers meet before it (1 or 0), whether one worker makes it alone (1 or
 * 0), the address of its counters, the number of arguments, and the arguments.
 */
export function encodeProgram(id: number, calls: readonly EncodedCall[]): number[] {
  const words = [id, calls.length];
  for (const { kernel, meet, alone, counters, args } of calls) {
    words.push(kernel, Number(meet), Number(alone), counters, args.length, ...args);
  }
  return words;
}

/** Reads what `encodeProgram` made. */
export function decodeProgram(memory: WebAssembly.Memory, address: number): { id: number; calls: EncodedCall[] } {
  const words = new Float64Array(memory.buffer, address);
  let at = 2;
  const calls = Array.from({ length: words[1] }, () => {
    const [kernel, meet, alone, counters, length] = words.subarray(at, at + 5);
    const args = Array.from(words.subarray(at + 5, at + 5 + length));
    at += 5 + length;
    return { kernel, meet: meet === 1, alone: alone === 1, counters, args };
  });
  return { id: words[0], calls };
}
