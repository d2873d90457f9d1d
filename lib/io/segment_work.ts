// Work on numbered segments, shared by this thread and workers.
import { runWorkers } from "./module_workers.ts";
import type { SegmentQueue } from "./segment_queue.ts";

/** A worker takes about as long to start as it takes to work on so many bytes. */
const BYTES_WORTH_A_WORKER = 1 << 23;

/** After so long, other things that wait for this thread get their turn. */
const MAX_TURN_MS = 20;

/** Work to be shared: `J` is what a worker is told, `R` what it reports. */
export interface SegmentWork<J, R> {
  readonly queue: SegmentQueue;
  /** This thread's part, a step per segment: takes segments from the queue until none is left. */
  readonly own: Iterable<void>;
  /** The module of a worker that does the same. */
  readonly workerUrl: URL;
  readonly job: J;
  /** Threads, this one included. */
  readonly numThreads: number;
  readonly onReport: (report: R) => void;
  /** Called between this thread's segments, and at the end. */
  readonly onProgress: () => void;
  readonly signal?: AbortSignal;
}

/** How many threads to use for a text of `bytes`: as many as asked for, else one per processor, fewer for little text. */
export function numThreadsFor(bytes: number, wanted?: number): number {
  return wanted ?? Math.min(navigator.hardwareConcurrency, Math.ceil(bytes / BYTES_WORTH_A_WORKER));
}

/** Resolves when all segments are done. Throws what a thread threw, or the reason of the signal; then all have ended. */
export async function workOnSegments<J, R>(work: SegmentWork<J, R>): Promise<void> {
  const { queue, signal } = work;
  const jobs = Array.from({ length: Math.max(0, work.numThreads - 1) }, () => work.job);
  const others = runWorkers(work.workerUrl, jobs, work.onReport);
  // It is waited for below, after this thread's part.
  others.catch(() => {});
  try {
    signal?.throwIfAborted();
    let turnStarted = performance.now();
    for (const _ of work.own) {
      work.onProgress();
      if (performance.now() - turnStarted > MAX_TURN_MS) {
        await nextTurn();
        turnStarted = performance.now();
      }
      signal?.throwIfAborted();
    }
  } catch (error) {
    queue.stop();
    await others.catch(() => {});
    throw error;
  }
  await others;
  work.onProgress();
}

/** Lets whatever else waits for this thread run. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
