/**
 * Draws the course of trainings.
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
import { REPORT_FILE, writeReport } from "./report/write_report.ts";

const HELP = `
Writes a self-contained HTML page about one or several runs: losses by step and by time, learning rate, gradient norm,
throughput, samples, and how their configurations differ; for several runs, a table that can be sorted. You can use it
while a run is in progress.

  deno task report --run out/run
  deno task report --run out/run --run out/other --out out/compare.html

  --run RUN     A run directory that train-lm wrote; several are drawn in the same plots.
  --out FILE    Where to write (default: ${REPORT_FILE} in the run, which is replaced; required for several runs)
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

async function report({ run: runs, out, force }: Flags<typeof FLAGS>): Promise<void> {
  if (out === undefined && runs.length > 1) {
    throw new UsageError(`Cannot report on ${runs.length} runs: --out is required. Pass --out FILE.html`);
  }
  for (const run of runs) await requireDirectory(run, RUN_ENTRIES);
  // A run's own report is the one file of it that may be replaced.
  const inputs = runs.flatMap((run) =>
    RUN_ENTRIES.files.filter((name) => name !== RUN_FILES.report).map((name) => `${run}/${name}`)
  );
  if (out !== undefined) await requireOutputFile(out, { force, inputs });
  const path = out ?? `${runs[0]}/${REPORT_FILE}`;
  await writeReport(runs, path, { replace: force || out === undefined });
  console.log(`Written to ${path}`);
}

if (import.meta.main) await runProgram(main);
