/// <reference lib="deno.worker" />
// The other end of module_workers.ts, called by a worker's module.
import type { WorkerReport } from "./module_workers.ts";
import { failureOf } from "./worker_failure.ts";

/** Does the one job that this worker is sent, with `run`, and reports the result. */
export function serveJob<J, R>(run: (job: J, report: (report: R, transfer: Transferable[]) => void) => void): void {
  const post = (message: WorkerReport<R>, transfer: Transferable[] = []) => self.postMessage(message, transfer);
  self.onmessage = ({ data }: MessageEvent<J>) => {
    try {
      run(data, (report, transfer) => post({ kind: "report", report }, transfer));
      post({ kind: "done" });
    } catch (error) {
      post({ kind: "failed", failure: failureOf(error) });
    }
  };
}
