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
import { runTask } from "./cli/run.ts";
import { REPORT_FILE, writeReport } from "./report/write_report.ts";

const HELP = `
Writes one HTML page, complete in itself, with the course of one or several runs: losses by step and by time, learning
rate, gradient norm, throughput, samples, and how their configurations differ; of several runs, a table to sort. It may
be used while a run goes on.

  deno task report --run RUN [--run RUN …] [options]

  --run RUN     A run directory that train-lm wrote; several are laid over each other.
  --out FILE    Where to write (default: ${REPORT_FILE} in the run, replaced; needed for several runs)
  --force       Replace FILE if it exists.
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
    throw new UsageError(`Cannot report on ${runs.length} runs: got no --out, must be given one. Pass --out FILE.html`);
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

if (import.meta.main) Deno.exit(await main(Deno.args));
