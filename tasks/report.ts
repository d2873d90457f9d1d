/**
 * Writes a page about training runs.
 *
 *   deno task report --run RUN_A --run RUN_B --out report.html
 */
import { RUN_ENTRIES, RUN_FILES } from "../lib/run/run_directory.ts";
import { requireDirectory } from "./cli/files.ts";
import { UsageError } from "./cli/errors.ts";
import type { Flags } from "./cli/flags.ts";
import { requireOutputFile } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { namedRuns } from "./report/report_subject.ts";
import { REPORT_FILE, writeReport } from "./report/write_report.ts";

const HELP = `
Writes a self-contained HTML page about one or several runs: losses by step and by time, learning rate, gradient norm,
throughput, samples, and how their configurations differ; for several runs, a table that can be sorted. You can use it
while a run is in progress.

  deno task report --run out/run
  deno task report --run out/run --run out/other --out out/compare.html
  deno task report --run out/sweep

  --run RUN     A run directory that train-lm wrote, or a sweep's directory, which stands for all of its runs. Several are
                drawn in the same plots.
  --out FILE    Where to write (default: ${REPORT_FILE} in that directory, which is replaced; required if --run is given
                several times)
  --force       Replace an existing FILE.
`;

const FLAGS = {
  run: { type: "strings", required: true },
  out: { type: "string" },
  force: { type: "boolean" },
} as const;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "report", help: HELP, flags: FLAGS }, args, report);
}

async function report({ run: paths, out, force }: Flags<typeof FLAGS>): Promise<void> {
  if (out === undefined && paths.length > 1) {
    throw new UsageError(`Cannot report on ${paths.length} runs: --out is required. Pass --out FILE.html`);
  }
  for (const path of paths) await requireDirectory(path, RUN_ENTRIES);
  const { directories, files, subject } = await namedRuns(paths);
  // A run's own report is the one file of it that may be replaced.
  const inputs = directories.flatMap((run) =>
    RUN_ENTRIES.files.filter((name) => name !== RUN_FILES.report).map((name) => `${run}/${name}`)
  );
  if (out !== undefined) await requireOutputFile(out, { force, inputs: [...files, ...inputs] });
  const path = out ?? `${paths[0]}/${REPORT_FILE}`;
  await writeReport(directories, path, { replace: force || out === undefined }, subject);
  console.log(`Written to ${path}`);
}

if (import.meta.main) await runProgram(main);
