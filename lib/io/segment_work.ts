// Work on numbered segments, shared by this thread and workers.
import { runWorkers } from "./module_workers.ts";
import { rejectOnAbort } from "./reject_on_abort.ts";
import type { SegmentQueue } from "./segment_queue.ts";
import { Watchdog } from "./watchdog.ts";

/** Starting a worker takes about as long as working on this many bytes. */
const BYTES_WORTH_A_WORKER = 1 << 23;

/** How long this thread works before it lets other things run. */
const MAX_TURN_MS = 20;

/** Work to share: `J` is a worker's job, `R` its report. */
export interface SegmentWork<J, R> {
  readonly queue: SegmentQueue;
  /**
   * This thread's part, one step per segment: takes segments from the queue until none are left. Yields the number of a
   * segment if it must first be known where its output starts.
   */
  readonly own: Iterable<number | undefined | void>;
  /** The module of workers that do the same. */
  readonly workerUrl: URL;
  readonly job: J;
  /** Threads, this one included. */
  readonly numThreads: number;
  readonly onReport: (report: R) => void;
  /** Called between this thread's segments, and at the end. */
  readonly onProgress: () => void;
  readonly signal?: AbortSignal;
}

/**
 * How many threads to use for a text of `bytes`: the number given, else one per processor, but fewer for little text.
 */
export function numThreadsFor(bytes: number, wanted?: number): number {
  return wanted ?? Math.min(navigator.hardwareConcurrency, Math.ceil(bytes / BYTES_WORTH_A_WORKER));
}

/**
 * Resolves when all segments are done. This thread never blocks: signals and timers still work.
 *
 * @throws {unknown} If a thread threw, what it threw; if the signal is aborted, its reason. The workers have been ended
 *   by then.
 * @throws {Error} If no segment ends for minutes: a worker hangs.
 */
export async function workOnSegments<J, R>(work: SegmentWork<J, R>): Promise<void> {
  const { queue, signal } = work;
  const jobs = Array.from({ length: Math.max(0, work.numThreads - 1) }, () => work.job);
  const ending = new AbortController();
  using _watchdog = new Watchdog({
    isAwaited: () => true,
    progress: () => queue.bytesDone,
    onSilence: (seconds) =>
      ending.abort(new Error(`A worker hangs: no piece of work has finished for ${seconds} seconds`)),
  });
  const ended = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
  const others = runWorkers(work.workerUrl, jobs, work.onReport, ended);
  using aborted = rejectOnAbort(ended);
  // Rejects as soon as a worker fails; awaited below, after this thread's part.
  const failure = others.then(() => new Promise<never>(() => {}));
  failure.catch(() => {});
  try {
    ended.throwIfAborted();
    let turnStarted = performance.now();
    for (const awaited of work.own) {
      work.onProgress();
      if (awaited !== undefined) await Promise.race([queue.startKnown(awaited), failure, aborted.promise]);
      if (performance.now() - turnStarted > MAX_TURN_MS) {
        await nextTurn();
        turnStarted = performance.now();
      }
      ended.throwIfAborted();
    }
    await others;
  } catch (error) {
    queue.stop();
    ending.abort(error);
    throw error;
  }
  work.onProgress();
}

/** Lets other things run on this thread. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
