import { writeFileAtomically } from "../io/atomic.ts";
import { JsonFields } from "../io/json_fields.ts";
import { stringifyNumbers } from "../io/json_number.ts";
import { courseOf, lowestOf } from "./course.ts";
import { readMetrics } from "./metrics_follower.ts";
import type { SweepPoint } from "./sweep_grid.ts";

/** The state and results of one run of a sweep. */
export interface SweepResult extends SweepPoint {
  /** `stopped` runs can be resumed; `diverged` ones are not tried again. */
  readonly status: "waiting" | "stopped" | "finished" | "diverged";
  /** Steps taken. */
  readonly steps: number;
  /** Time spent on them. */
  readonly seconds?: number;
  /** Mean training loss of the last tenth of the steps, in nats per token. */
  readonly loss?: number;
  /** The last validation loss, in nats per token. */
  readonly validLoss?: number;
  /** The lowest validation loss, in nats per token. */
  readonly lowestValidLoss?: number;
  /** If the run diverged: what happened. */
  readonly problem?: string;
}

/** The names of a sweep's files; each run has a directory beside them. */
export const SWEEP_FILES = { json: "sweep.json", table: "sweep.tsv" } as const;

/** A run's results, from its metrics. */
export async function readResult(
  directory: string,
  { name, settings }: SweepPoint,
  status: SweepResult["status"],
): Promise<SweepResult> {
  const course = courseOf(await readMetrics(directory));
  if (course === undefined) return { name, settings, status, steps: 0 };
  const { steps, seconds, recentLoss: loss, validLoss, lowestValidLoss } = course;
  return {
    ...{ name, settings, status, steps, seconds, loss },
    ...(validLoss !== undefined && { validLoss }),
    ...(lowestValidLoss !== undefined && { lowestValidLoss }),
  };
}

/**
 * The best of the finished runs: the one with the lowest validation loss, or the lowest training loss if there was no
 * validation. A run whose loss is NaN or infinite is never the best.
 */
export function bestResult(results: readonly SweepResult[]): SweepResult | undefined {
  const finished = results.filter(({ status }) => status === "finished");
  const measure = ({ validLoss, lowestValidLoss, loss }: SweepResult) => lowestValidLoss ?? validLoss ?? loss ?? NaN;
  const lowest = lowestOf(finished.map(measure));
  return lowest === undefined ? undefined : finished.find((result) => measure(result) === lowest);
}

/** The columns of a sweep's table, after those of the settings. */
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
  await writeFileAtomically(`${directory}/${SWEEP_FILES.json}`, `${stringifyNumbers(json, 2)}\n`);
  const lines = sweepTable(results).map((row) => `${row.join("\t")}\n`);
  await writeFileAtomically(`${directory}/${SWEEP_FILES.table}`, lines.join(""));
}

/**
 * Reads what `writeResults` wrote; an empty list if the directory has no sweep.
 * @throws {UserError} If the file is not one that `writeResults` wrote.
 */
export async function readResults(directory: string): Promise<SweepResult[]> {
  const path = `${directory}/${SWEEP_FILES.json}`;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  const nextStep = "Remove it, and run the sweep again";
  const fields = JsonFields.parse(text, { name: path, nextStep });
  // The best one is determined again.
  fields.allowOnly(["best", "runs"]);
  return fields.objects("runs").map(parseResult);
}

function parseResult(fields: JsonFields): SweepResult {
  const numbers = ["seconds", "loss", "validLoss", "lowestValidLoss"] as const;
  fields.allowOnly(["name", "settings", "status", "steps", ...numbers, "problem"]);
  const settings = fields.object("settings");
  const problem = fields.stringOrNone("problem");
  // It is shown on a terminal, which would obey control characters.
  if (problem !== undefined && /\p{Cc}/u.test(problem)) fields.refuse("problem", "a text on one line");
  // It names a directory beside the table, and nothing else.
  const name = fields.string("name");
  if (/[/\\\p{Cc}]/u.test(name) || ["", ".", ".."].includes(name)) fields.refuse("name", "the name of a directory");
  const known = numbers.map((name) => [name, fields.anyNumberOrNone(name)] as const);
  return {
    name,
    settings: Object.fromEntries(settings.names.map((name) => [name, settings.string(name)])),
    status: fields.oneOf("status", ["waiting", "stopped", "finished", "diverged"]),
    steps: fields.integer("steps", { min: 0 }),
    ...Object.fromEntries(known.filter(([, value]) => value !== undefined)),
    ...(problem !== undefined && { problem }),
  };
}
