// Report pages of runs on disk, with the plotting library that they carry.
import { writeFileAtomically } from "../../lib/io/atomic.ts";
import type { PublishOptions } from "../../lib/io/pending_file.ts";
import { readLog } from "../../lib/run/metrics_follower.ts";
import { reportHtml } from "../../lib/report/report.ts";
import { RUN_FILES } from "../../lib/run/run_directory.ts";
import { readRunRecord } from "../../lib/run/run_record.ts";
import { messageOf } from "../cli/errors.ts";
import { bytesPerToken } from "./bytes_per_token.ts";
import { startedAs } from "../cli/started_as.ts";
import { describeRun } from "./describe_run.ts";
import { PLOT_LIBRARY } from "./plot_library.ts";

/** The name of a run's own report. */
export const REPORT_FILE = RUN_FILES.report;

/** What a report is on, if not just on some runs. */
export interface ReportSubject {
  /** The page's title. Default: the names of its runs, or their directory. */
  readonly title?: string;
  /** The values of the settings that a sweep varies, by run directory. */
  readonly settings: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** Writes a page as `writeReport` does. If that fails, warns and continues: what the page would show is not lost. */
export async function tryToWriteReport(
  directories: readonly string[],
  path: string,
  subject?: ReportSubject,
): Promise<void> {
  try {
    await writeReport(directories, path, undefined, subject);
  } catch (error) {
    console.error(`warning: ${messageOf(error)}. To write the report later: ${startedAs()} report --help`);
  }
}

/** Writes one page on some runs, complete in itself. */
export async function writeReport(
  directories: readonly string[],
  path: string,
  options?: PublishOptions,
  subject?: ReportSubject,
): Promise<void> {
  const runs = await Promise.all(
    directories.map(async (directory) => {
      const record = await readRunRecord(directory);
      const settings = subject?.settings.get(directory);
      const bytes = await bytesPerToken(record.config);
      return describeRun(directory, record, await readLog(directory), {
        ...(bytes !== undefined && { bytesPerToken: bytes }),
        ...(settings && { settings }),
      });
    }),
  );
  await writeFileAtomically(path, reportHtml(runs, PLOT_LIBRARY, { title: subject?.title }), options);
}
