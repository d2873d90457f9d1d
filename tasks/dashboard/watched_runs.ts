// Runs on disk as they go: read again when asked, from where they were left.
import { UserError } from "../../lib/errors.ts";
import { isFile } from "../../lib/io/is_file.ts";
import { MetricsFollower } from "../../lib/run/metrics_follower.ts";
import type { ReportRun } from "../../lib/report/report.ts";
import { RUN_FILES } from "../../lib/run/run_directory.ts";
import { readRunRecord, type RunRecord } from "../../lib/run/run_record.ts";
import { messageOf } from "../cli/errors.ts";
import { isFileSystemError } from "../cli/file_system_errors.ts";
import { bytesPerToken } from "../report/bytes_per_token.ts";
import { describeRun } from "../report/describe_run.ts";

/** One run. */
class WatchedRun {
  readonly #directory: string;
  readonly #follower: MetricsFollower;
  /** What was read last, beside the metrics; to be compared. */
  #seen = "";
  /** Of its validation data; read as often as its configuration changes. */
  #bytesPerToken: number | undefined;
  #report: ReportRun;

  constructor(directory: string) {
    this.#directory = directory;
    this.#follower = new MetricsFollower(directory);
    this.#report = this.#without("Waiting for the run to begin");
  }

  /** Reads what is new. A run that cannot be read is shown with what is wrong: the others are to be seen nonetheless. */
  async poll(): Promise<ReportRun> {
    let hasNewMetrics = false;
    let record: RunRecord | undefined;
    let problem = "";
    try {
      hasNewMetrics = await this.#follower.poll();
      record = await readRunRecord(this.#directory);
      const seen = JSON.stringify(record);
      if (hasNewMetrics || seen !== this.#seen) {
        if (seen !== this.#seen) this.#bytesPerToken = await bytesPerToken(record.config);
        const context = this.#bytesPerToken === undefined ? {} : { bytesPerToken: this.#bytesPerToken };
        this.#report = describeRun(this.#directory, record, this.#follower.log, context);
        this.#seen = seen;
      }
      return this.#report;
    } catch (error) {
      problem = await this.#hasBegun() ? `: ${problemOf(error)}` : "";
    }
    if (problem !== this.#seen) {
      this.#report = this.#without(`Waiting for the run to begin${problem}`);
      this.#seen = problem;
    }
    return this.#report;
  }

  /** That there is no configuration yet is no mistake. */
  async #hasBegun(): Promise<boolean> {
    return await isFile(`${this.#directory}/${RUN_FILES.config}`).catch(() => true);
  }

  #without(summary: string): ReportRun {
    return { name: this.#directory, metrics: [], facts: {}, summary, status: summary };
  }
}

/** What went wrong, in one line. A fault of the program is named by its kind: its stack trace is no reader's business. */
function problemOf(error: unknown): string {
  if (error instanceof UserError || isFileSystemError(error)) return messageOf(error);
  return `the program failed to show it (${error instanceof Error ? error.name : typeof error})`;
}

/** All runs at one time, and a version that is another one whenever one of them is. */
export interface WatchedState {
  readonly version: string;
  readonly reports: readonly ReportRun[];
}

/** Several runs. */
export class WatchedRuns {
  readonly #runs: readonly WatchedRun[];
  /** Tells this server's versions from those of one before it, which a page may still hold. */
  readonly #id = crypto.randomUUID();
  #changes = 0;
  #reports: readonly ReportRun[] = [];
  #polling: Promise<WatchedState> | undefined;

  /** @param directories They need not be there yet. */
  constructor(directories: readonly string[]) {
    this.#runs = directories.map((directory) => new WatchedRun(directory));
  }

  /** Reads what is new; whoever asks while that goes on gets the same answer. */
  async poll(): Promise<WatchedState> {
    this.#polling ??= this.#pollAll().finally(() => this.#polling = undefined);
    return await this.#polling;
  }

  async #pollAll(): Promise<WatchedState> {
    const reports = await Promise.all(this.#runs.map((run) => run.poll()));
    if (reports.some((report, i) => report !== this.#reports[i])) this.#changes++;
    this.#reports = reports;
    return { version: `${this.#id}-${this.#changes}`, reports };
  }
}
