// Report pages of runs on disk, with the plotting library that they carry.
import { writeFileAtomically } from "../../lib/io/atomic.ts";
import type { PublishOptions } from "../../lib/io/pending_file.ts";
import { readLog } from "../../lib/run/metrics_follower.ts";
import { reportHtml } from "../../lib/report/report.ts";
import { RUN_FILES } from "../../lib/run/run_directory.ts";
import { readRunRecord } from "../../lib/run/run_record.ts";
import { messageOf } from "../cli/errors.ts";
import { startedAs } from "../cli/started_as.ts";
import { describeRun } from "./describe_run.ts";
import { PLOT_LIBRARY } from "./plot_library.ts";

/** The name of a run's own report. */
export const REPORT_FILE = RUN_FILES.report;

/** Writes one page as `writeReport` does; where that fails, says so and goes on: what the page shows is not lost. */
export async function tryToWriteReport(directories: readonly string[], path: string): Promise<void> {
  try {
    await writeReport(directories, path);
  } catch (error) {
    console.error(`warning: ${messageOf(error)}. The report can be made later: ${startedAs()} report --help`);
  }
}

/** Writes one page on some runs, complete in itself. */
export async function writeReport(
  directories: readonly string[],
  path: string,
  options?: PublishOptions,
): Promise<void> {
  const runs = await Promise.all(
    directories.map(async (directory) =>
      describeRun(directory, await readRunRecord(directory), await readLog(directory))
    ),
  );
  await writeFileAtomically(path, reportHtml(runs, PLOT_LIBRARY), options);
}
