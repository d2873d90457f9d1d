// Module workers: each gets one job, reports while it does it, and ends.
import { rejectOnAbort } from "./reject_on_abort.ts";
import { errorOf, type WorkerFailure } from "./worker_failure.ts";

/** What a worker of {@linkcode runWorkers} posts: a report, or its result. */
export type WorkerReport<R> =
  | { readonly kind: "report"; readonly report: R }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly failure: WorkerFailure };

/**
 * Starts workers with one job each, and resolves when all are done. If one fails or the signal is aborted, all are
 * ended, whatever they are doing.
 *
 * @param url The worker's module, which calls {@linkcode serveJob}: `new URL("./x_worker.ts", import.meta.url)`.
 * @param onReport Called with each report.
 * @throws {unknown} If a worker's job threw, what it threw; if a worker did not start, why; if the signal is aborted,
 *   its reason.
 */
export async function runWorkers<J, R>(
  url: URL,
  jobs: readonly J[],
  onReport: (report: R) => void,
  signal?: AbortSignal,
): Promise<void> {
  const workers: Worker[] = [];
  using aborted = rejectOnAbort(signal);
  try {
    const ended = Promise.all(jobs.map((job) => {
      const worker = new Worker(url, { type: "module" });
      workers.push(worker);
      return new Promise<void>((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<WorkerReport<R>>) => {
          if (data.kind === "done") resolve();
          else if (data.kind === "failed") {
            reject(errorOf(data.failure));
          } else onReport(data.report);
        };
        worker.onerror = (event) => {
          event.preventDefault();
          reject(new Error(`A worker ended: ${event.message}`));
        };
        worker.onmessageerror = () => reject(new Error("A worker ended: it sent a message that cannot be read"));
        worker.postMessage(job);
      });
    }));
    await Promise.race([ended, aborted.promise]);
  } finally {
    for (const worker of workers) worker.terminate();
  }
}
