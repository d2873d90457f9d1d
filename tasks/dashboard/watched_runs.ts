// Runs on disk while they are in progress: each time, what was added since is read.
import { UserError } from "../../lib/errors.ts";
import { isFile } from "../../lib/io/is_file.ts";
import { plainPath } from "../../lib/io/parent_of.ts";
import { MetricsFollower } from "../../lib/run/metrics_follower.ts";
import type { ReportRun } from "../../lib/report/report.ts";
import { RUN_FILES } from "../../lib/run/run_directory.ts";
import { isSweep, runsOfSweep } from "../../lib/run/sweep_directory.ts";
import { readRunRecord, type RunRecord } from "../../lib/run/run_record.ts";
import { messageOf } from "../cli/errors.ts";
import { isFileSystemError } from "../cli/file_system_errors.ts";
import { bytesPerToken } from "../report/bytes_per_token.ts";
import { sweepTitle } from "../report/report_subject.ts";
import { describeRun, type RunContext } from "../report/describe_run.ts";

/** One run. */
class WatchedRun {
  readonly #directory: string;
  readonly #follower: MetricsFollower;
  /** What was read last, apart from the metrics, to see whether it changed. */
  #seen = "";
  /** Of its validation data; read as often as its configuration changes. */
  #bytesPerToken: number | undefined;
  /** What a sweep sets it to. */
  readonly #settings: RunContext["settings"];
  #report: ReportRun;

  constructor(directory: string, settings?: RunContext["settings"]) {
    this.#directory = directory;
    this.#settings = settings;
    this.#follower = new MetricsFollower(directory);
    this.#report = this.#without("Waiting for the run to start");
  }

  /** Reads what is new. A run that cannot be read is shown with what is wrong: the others stay visible. */
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
        this.#report = describeRun(this.#directory, record, this.#follower.log, {
          ...(this.#bytesPerToken !== undefined && { bytesPerToken: this.#bytesPerToken }),
          ...(this.#settings && { settings: this.#settings }),
        });
        this.#seen = seen;
      }
      return this.#report;
    } catch (error) {
      problem = await this.#hasBegun() ? `: ${problemOf(error)}` : "";
    }
    if (problem !== this.#seen) {
      this.#report = this.#without(`Waiting for the run to start${problem}`);
      this.#seen = problem;
    }
    return this.#report;
  }

  /** A run without a configuration has not started, which is not an error. */
  async #hasBegun(): Promise<boolean> {
    return await isFile(`${this.#directory}/${RUN_FILES.config}`).catch(() => true);
  }

  #without(summary: string): ReportRun {
    return { ...unreadable(this.#directory, summary), ...(this.#settings && { settings: this.#settings }) };
  }
}

/** What went wrong, in one line. A fault of the program is named by its kind: its stack trace is no reader's business. */
function problemOf(error: unknown): string {
  if (error instanceof UserError || isFileSystemError(error)) return messageOf(error);
  return `the program failed to show it (${error instanceof Error ? error.name : typeof error})`;
}

/** What a path stands for: one run, or all those of a sweep, of which more may come. */
class WatchedPath {
  readonly #path: string;
  /** By directory and settings. */
  #runs = new Map<string, WatchedRun>();
  #unreadable: ReportRun | undefined;
  /** How many runs its sweep has; `undefined` if it is no sweep. */
  numRuns: number | undefined;

  constructor(path: string) {
    this.#path = plainPath(path);
  }

  async poll(): Promise<ReportRun[]> {
    try {
      const runs = await isSweep(this.#path) ? await runsOfSweep(this.#path) : undefined;
      this.numRuns = runs?.length;
      this.#keep(runs ?? [{ directory: this.#path }]);
      this.#unreadable = undefined;
    } catch (error) {
      const summary = `Cannot show the sweep: ${problemOf(error)}`;
      this.numRuns = undefined;
      // The same one as long as nothing changes.
      if (this.#unreadable?.summary !== summary) this.#unreadable = unreadable(this.#path, summary);
      return [this.#unreadable!];
    }
    return await Promise.all([...this.#runs.values()].map((run) => run.poll()));
  }

  /** Runs that were watched before keep what was read of them. */
  #keep(planned: readonly { readonly directory: string; readonly settings?: RunContext["settings"] }[]): void {
    this.#runs = new Map(planned.map(({ directory, settings }) => {
      const key = JSON.stringify([directory, settings]);
      return [key, this.#runs.get(key) ?? new WatchedRun(directory, settings)];
    }));
  }
}

/** What is shown in place of something that cannot be. */
function unreadable(name: string, summary: string): ReportRun {
  return { name, metrics: [], facts: {}, summary, status: summary };
}

/** All runs at one time, and a version that is another one whenever one of them is. */
export interface WatchedState {
  readonly version: string;
  readonly reports: readonly ReportRun[];
  /** The page's title, if it is on one sweep. */
  readonly title?: string;
}

/** Several runs. */
export class WatchedRuns {
  readonly #paths: readonly string[];
  readonly #watched: readonly WatchedPath[];
  /** Tells this server's versions from those of one before it, which a page may still hold. */
  readonly #id = crypto.randomUUID();
  #changes = 0;
  #reports: readonly ReportRun[] = [];
  #polling: Promise<WatchedState> | undefined;

  /** @param paths Of runs and sweeps. They need not be there yet. */
  constructor(paths: readonly string[]) {
    this.#paths = paths;
    this.#watched = paths.map((path) => new WatchedPath(path));
  }

  /** Reads what is new; whoever asks while that goes on gets the same answer. */
  async poll(): Promise<WatchedState> {
    this.#polling ??= this.#pollAll().finally(() => this.#polling = undefined);
    return await this.#polling;
  }

  async #pollAll(): Promise<WatchedState> {
    const reports = (await Promise.all(this.#watched.map((path) => path.poll()))).flat();
    const before = this.#reports;
    if (reports.length !== before.length || reports.some((report, i) => report !== before[i])) this.#changes++;
    this.#reports = reports;
    const [{ numRuns }] = this.#watched;
    const title = this.#paths.length > 1 || numRuns === undefined
      ? undefined
      : sweepTitle(plainPath(this.#paths[0]), numRuns, numRuns);
    return { version: `${this.#id}-${this.#changes}`, reports, ...(title !== undefined && { title }) };
  }
}
