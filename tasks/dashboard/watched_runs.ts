// Runs on disk as they go: read again when asked, from where they were left.
import { UserError } from "../../lib/errors.ts";
import { isFile } from "../../lib/io/is_file.ts";
import { MetricsFollower } from "../../lib/train/metrics_follower.ts";
import type { ReportRun } from "../../lib/train/report.ts";
import { readRunConfig, RUN_FILES, type RunConfig } from "../../lib/train/run_directory.ts";
import { describeRun } from "../report/describe_run.ts";

/** One run. */
class WatchedRun {
  readonly #directory: string;
  readonly #follower: MetricsFollower;
  /** The configuration, or why there is none; to be compared. */
  #configText = "";
  #report: ReportRun;

  constructor(directory: string) {
    this.#directory = directory;
    this.#follower = new MetricsFollower(directory);
    this.#report = this.#waiting("");
  }

  get report(): ReportRun {
    return this.#report;
  }

  /** Reads what is new; returns whether anything is. */
  async poll(): Promise<boolean> {
    let config: RunConfig | undefined;
    let problem = "";
    let hasNewMetrics = false;
    try {
      hasNewMetrics = await this.#follower.poll();
      config = await readRunConfig(this.#directory);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      // That there is none yet is no mistake.
      problem = await isFile(`${this.#directory}/${RUN_FILES.config}`).catch(() => true) ? `: ${error.message}` : "";
    }
    const configText = problem + JSON.stringify(config);
    if (!hasNewMetrics && configText === this.#configText) return false;
    this.#configText = configText;
    this.#report = config === undefined
      ? this.#waiting(problem)
      : describeRun(this.#directory, config, this.#follower.metrics);
    return true;
  }

  #waiting(problem: string): ReportRun {
    return { name: this.#directory, metrics: [], facts: {}, summary: `Waiting for the run to begin${problem}` };
  }
}

/** Several runs, and a version that changes whenever one of them does. */
export class WatchedRuns {
  readonly #runs: readonly WatchedRun[];
  /** Tells this server's versions from those of one before it, which a page may still hold. */
  readonly #id = crypto.randomUUID();
  #changes = 0;
  #polling: Promise<void> | undefined;

  /** @param directories They need not be there yet. */
  constructor(directories: readonly string[]) {
    this.#runs = directories.map((directory) => new WatchedRun(directory));
  }

  get version(): string {
    return `${this.#id}-${this.#changes}`;
  }

  get reports(): readonly ReportRun[] {
    return this.#runs.map(({ report }) => report);
  }

  /** Reads what is new; whoever asks while that goes on gets the same answer. */
  async poll(): Promise<void> {
    this.#polling ??= this.#pollAll().finally(() => this.#polling = undefined);
    await this.#polling;
  }

  async #pollAll(): Promise<void> {
    const changed = await Promise.all(this.#runs.map((run) => run.poll()));
    if (changed.includes(true)) this.#changes++;
  }
}
