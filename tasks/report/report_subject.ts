// What a report is on: runs that were named, and in place of a sweep's directory all of its runs.
import { plainPath } from "../../lib/io/parent_of.ts";
import { begunRunsOfSweep, isSweep } from "../../lib/run/sweep_directory.ts";
import { SWEEP_FILES } from "../../lib/run/sweep_results.ts";
import type { ReportSubject } from "./write_report.ts";

/** The runs of a report. */
export interface NamedRuns {
  /** The directories of all runs. */
  readonly directories: readonly string[];
  /** Files that were read to find them. */
  readonly files: readonly string[];
  /** The title and the settings, if there is a sweep among what was named. */
  readonly subject?: ReportSubject;
}

/** The title of a page on a sweep. */
export function sweepTitle(directory: string, shown: number, total: number): string {
  const of = shown < total ? ` of ${total}` : "";
  return `Sweep ${directory}: ${shown}${of} ${total === 1 ? "run" : "runs"}`;
}

/**
 * The runs that paths stand for: a sweep's directory for all of its runs that have begun.
 * @throws {UserError} If a sweep has none, or its sweep.json cannot be read.
 */
export async function namedRuns(paths: readonly string[]): Promise<NamedRuns> {
  const directories: string[] = [];
  const files: string[] = [];
  const settings = new Map<string, Readonly<Record<string, string>>>();
  let title: string | undefined;
  for (const path of paths) {
    if (!await isSweep(path)) {
      directories.push(path);
      continue;
    }
    files.push(...Object.values(SWEEP_FILES).map((name) => `${path}/${name}`));
    const { begun, total } = await begunRunsOfSweep(plainPath(path));
    for (const run of begun) settings.set(run.directory, run.settings);
    directories.push(...begun.map(({ directory }) => directory));
    // Of one sweep alone: several things have a title made of their names.
    if (paths.length === 1) title = sweepTitle(plainPath(path), begun.length, total);
  }
  return { directories, files, ...(settings.size > 0 && { subject: { title, settings } }) };
}
