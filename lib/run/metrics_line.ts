// Writes and reads one line of metrics.jsonl.
import { UserError } from "../errors.ts";
import { JsonFields, type JsonSource } from "../io/json_fields.ts";
import { stringifyNumbers } from "../io/json_number.ts";
import type { StepMetrics } from "../train/train.ts";

/** No line that is written here is longer: what varies is the text, and the longest one fits. */
export const MAX_LINE_BYTES = 1 << 20;

/** No run is longer. A plot of larger numbers that are close together would draw ticks without end. */
const [MAX_STEP, MAX_SECONDS] = [1e12, 1e10];

/** How many UTF-16 units of a text are kept, so that its line can be read: in JSON, each takes six bytes at most. */
const MAX_TEXT_LENGTH = 150_000;

/** Where training stopped because it diverged: the last line of a log. */
export interface LoggedDivergence {
  /** The step at which this was noticed, counted from 0: the last one that was logged, or the one after. */
  readonly step: number;
  /** What happened, and what to do next. */
  readonly diverged: string;
}

/** What a line of the log holds. */
export type LogEntry = StepMetrics | LoggedDivergence;

/** An entry's line, with its newline. NaN and infinities are strings, as `stringifyNumbers` writes them. */
export function lineOf(entry: LogEntry): string {
  const kept = Object.entries(entry).map(([key, value]) => {
    const isLong = typeof value === "string" && value.length > MAX_TEXT_LENGTH;
    return [key, isLong ? `${value.slice(0, MAX_TEXT_LENGTH)}…` : value];
  });
  return `${stringifyNumbers(Object.fromEntries(kept))}\n`;
}

/**
 * Reads a line. Unknown fields are ignored, so that you can add your own to a log.
 * @throws {UserError} If it is not UTF-8 or not JSON, or a field is not what it should be.
 */
export function parseLine(line: Uint8Array, source: JsonSource): LogEntry {
  const fields = JsonFields.parse(decode(line, source), source);
  const step = fields.integer("step", { min: 0, max: MAX_STEP });
  if (fields.has("diverged")) return { step, diverged: fields.string("diverged") };
  const validLoss = fields.anyNumberOrNone("validLoss");
  const averageValidLoss = fields.anyNumberOrNone("averageValidLoss");
  const sample = fields.stringOrNone("sample");
  return {
    step,
    loss: fields.anyNumber("loss"),
    gradNorm: fields.anyNumber("gradNorm"),
    ...(fields.booleanOrNone("skipped") && { skipped: true }),
    lr: fields.number("lr", { min: 0 }),
    // Infinite if some steps took less time than the clock can measure.
    tokensPerSecond: fields.anyNumber("tokensPerSecond"),
    seconds: fields.number("seconds", { min: 0, max: MAX_SECONDS }),
    ...(validLoss !== undefined && { validLoss }),
    ...(averageValidLoss !== undefined && { averageValidLoss }),
    ...(sample !== undefined && { sample }),
    ...(fields.booleanOrNone("stoppedEarly") && { stoppedEarly: true }),
  };
}

const DECODER = new TextDecoder("utf-8", { fatal: true });

function decode(line: Uint8Array, { name, nextStep }: JsonSource): string {
  try {
    return DECODER.decode(line);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UserError(`Cannot read ${name}: got bytes that are not UTF-8, must be JSON. ${nextStep}`);
  }
}
