// One line of metrics.jsonl, written and read.
import { UserError } from "../errors.ts";
import { JsonFields, type JsonSource } from "../io/json_fields.ts";
import { stringifyNumbers } from "../io/json_number.ts";
import type { StepMetrics } from "./train.ts";

/** A longer line was not written here: what varies in a line is its sample, and the longest one fits. */
export const MAX_LINE_BYTES = 1 << 20;

/** No run is longer. Plots of larger numbers that lie close together have no end of ticks. */
const [MAX_STEP, MAX_SECONDS] = [1e12, 1e10];

/** UTF-16 units of a step's texts that are kept, so that their line can be read: in JSON each takes six bytes at most. */
const MAX_LENGTHS = { sample: 150_000, diverged: 1000 } as const;

/** The line of a step, with its end. NaN and infinities are texts, as `stringifyNumbers` writes them. */
export function metricsLine(metrics: StepMetrics): string {
  const { sample, diverged } = metrics;
  return `${
    stringifyNumbers({
      ...metrics,
      ...(sample !== undefined && { sample: cut(sample, MAX_LENGTHS.sample) }),
      ...(diverged !== undefined && { diverged: cut(diverged, MAX_LENGTHS.diverged) }),
    })
  }\n`;
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/**
 * Reads a line. Fields that are not a step's are passed over: whoever adds some of their own to a log loses nothing.
 * @throws {UserError} If it is not UTF-8, not JSON, or a field is not what it is to be.
 */
export function parseMetricsLine(line: Uint8Array, source: JsonSource): StepMetrics {
  const fields = JsonFields.parse(decode(line, source), source);
  const validLoss = fields.anyNumberOrNone("validLoss");
  const sample = fields.stringOrNone("sample");
  const diverged = fields.stringOrNone("diverged");
  return {
    step: fields.integer("step", { min: 0, max: MAX_STEP }),
    loss: fields.anyNumber("loss"),
    gradNorm: fields.anyNumber("gradNorm"),
    ...(fields.booleanOrNone("skipped") && { skipped: true }),
    lr: fields.number("lr", { min: 0 }),
    // Infinite where a stretch of steps took no time that the clock could tell.
    tokensPerSecond: fields.anyNumber("tokensPerSecond"),
    seconds: fields.number("seconds", { min: 0, max: MAX_SECONDS }),
    ...(validLoss !== undefined && { validLoss }),
    ...(sample !== undefined && { sample }),
    ...(diverged !== undefined && { diverged }),
  };
}

function decode(line: Uint8Array, { name, nextStep }: JsonSource): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(line);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UserError(`Cannot read ${name}: got bytes that are not UTF-8, must be JSON. ${nextStep}`);
  }
}
