import { writeFileAtomically } from "../io/atomic.ts";
import { readMetrics } from "./metrics_follower.ts";
import { RUN_FILES } from "./run_directory.ts";
import type { StepMetrics } from "./train.ts";

/** Appends steps to a run's metrics.jsonl, one object a line. Close it, or declare it with `using`. */
export class MetricsLog implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Opens a run's log.
   * @param step Lines of this step and later ones, and one that a killed process left half-written, are removed first.
   */
  static async open(directory: string, step: number): Promise<MetricsLog> {
    const path = `${directory}/${RUN_FILES.metrics}`;
    const kept = (await readMetrics(directory)).filter((metrics) => metrics.step < step);
    await writeFileAtomically(path, kept.map((metrics) => `${JSON.stringify(metrics)}\n`).join(""));
    return new MetricsLog(await Deno.open(path, { append: true }));
  }

  /** Writes one line; in one call where the system allows, so that a reader seldom sees half of it. */
  async append(metrics: StepMetrics): Promise<void> {
    const line = new TextEncoder().encode(`${JSON.stringify(metrics)}\n`);
    for (let done = 0; done < line.length;) done += await this.#file.write(line.subarray(done));
  }

  /** Waits until every line is on disk. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
