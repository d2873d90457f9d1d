import { UserError } from "../errors.ts";
import { writeFileAtomically } from "../io/atomic.ts";
import { readMetrics } from "./metrics_follower.ts";
import type { SweepPoint } from "./sweep_grid.ts";

/** How a run of a sweep stands, and what came of it. */
export interface SweepResult extends SweepPoint {
  /** `stopped` runs can be resumed; `diverged` ones are not tried again. */
  readonly status: "waiting" | "stopped" | "finished" | "diverged";
  /** Steps taken. */
  readonly steps: number;
  /** Time spent on them. */
  readonly seconds?: number;
  /** Mean training loss of the last tenth of the steps, in nats per token. */
  readonly loss?: number;
  /** The last validation loss, and the lowest. */
  readonly validLoss?: number;
  readonly lowestValidLoss?: number;
  /** Of a run that diverged: what happened. */
  readonly problem?: string;
}

/** The names of a sweep's files; each run has a directory beside them. */
export const SWEEP_FILES = { json: "sweep.json", table: "sweep.tsv" } as const;

/** What a run's metrics say. */
export async function readResult(directory: string, point: SweepPoint, status: SweepResult["status"]) {
  const metrics = await readMetrics(directory);
  const last = metrics.at(-1);
  const recent = metrics.slice(-Math.ceil(metrics.length / 10));
  const valid = metrics.flatMap(({ validLoss }) => validLoss === undefined ? [] : [validLoss]);
  const result: SweepResult = {
    name: point.name,
    settings: point.settings,
    status,
    steps: last === undefined ? 0 : last.step + 1,
    ...(last && { seconds: last.seconds, loss: recent.reduce((sum, { loss }) => sum + loss, 0) / recent.length }),
    ...(valid.length > 0 && { validLoss: valid.at(-1)!, lowestValidLoss: valid.reduce((a, b) => Math.min(a, b)) }),
  };
  return result;
}

/**
 * The best of the finished runs: the one of the lowest validation loss, or of the lowest training loss where nothing was
 * validated.
 */
export function bestResult(results: readonly SweepResult[]): SweepResult | undefined {
  const measure = ({ lowestValidLoss, loss }: SweepResult) => lowestValidLoss ?? loss ?? Infinity;
  return results.filter(({ status }) => status === "finished").reduce<SweepResult | undefined>(
    (best, result) => best === undefined || measure(result) < measure(best) ? result : best,
    undefined,
  );
}

/** Columns of a sweep's table, after those of the settings. */
const COLUMNS = ["status", "steps", "seconds", "loss", "validLoss", "lowestValidLoss"] as const;

/** A sweep's table: a header, and a row for each run; the last column marks the best. */
export function sweepTable(results: readonly SweepResult[]): string[][] {
  const axes = Object.keys(results[0]?.settings ?? {});
  const best = bestResult(results);
  return [
    ["run", ...axes, ...COLUMNS, "best"],
    ...results.map((result) => [
      result.name,
      ...axes.map((axis) => result.settings[axis]),
      ...COLUMNS.map((column) => {
        const value = result[column];
        if (typeof value !== "number" || Number.isInteger(value)) return String(value ?? "");
        return value.toFixed(column === "seconds" ? 1 : 4);
      }),
      result === best ? "*" : "",
    ]),
  ];
}

/** Writes a sweep's results as sweep.json and sweep.tsv. */
export async function writeResults(directory: string, results: readonly SweepResult[]): Promise<void> {
  const best = bestResult(results)?.name;
  const json = { ...(best !== undefined && { best }), runs: results };
  await writeFileAtomically(`${directory}/${SWEEP_FILES.json}`, `${JSON.stringify(json, null, 2)}\n`);
  const lines = sweepTable(results).map((row) => `${row.join("\t")}\n`);
  await writeFileAtomically(`${directory}/${SWEEP_FILES.table}`, lines.join(""));
}

/**
 * Reads what `writeResults` wrote; nothing if the directory has no sweep.
 * @throws {UserError} If the file is not one that `writeResults` wrote.
 */
export async function readResults(directory: string): Promise<SweepResult[]> {
  const path = `${directory}/${SWEEP_FILES.json}`;
  try {
    const { runs } = JSON.parse(await Deno.readTextFile(path)) as { runs?: SweepResult[] };
    if (!Array.isArray(runs)) throw new SyntaxError(`no "runs"`);
    return runs;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    if (!(error instanceof SyntaxError)) throw error;
    throw new UserError(
      `Cannot go on with the sweep: got an unusable ${path} (${error.message}), must be as it was written. Remove it: ` +
        `finished runs are found by their checkpoints`,
    );
  }
}
