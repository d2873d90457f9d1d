import { UserError } from "../errors.ts";
import { configDifferences } from "./config_difference.ts";
import type { RunConfig } from "./run_directory.ts";

/** What a sweep varies: the values of each setting, as text. */
export type SweepAxes = ReadonlyMap<string, readonly string[]>;

/** A point of a sweep's grid. */
export interface SweepPoint {
  /** A name for its run's directory, made of the varied settings: `lr-1e-3_batch-size-8`. */
  readonly name: string;
  /** Its value of every axis. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Values of an axis, without those that stand for the same as one before. */
export interface DistinctValues {
  /** The first of each. */
  readonly distinct: readonly string[];
  /** The others, each with the first that stands for the same. */
  readonly repeated: readonly (readonly [value: string, first: string])[];
}

/** Which values stand for the same: numbers are compared as numbers, however they are written; words as they are. */
export function distinctValues(values: readonly string[]): DistinctValues {
  const firstOf = new Map<string | number, string>();
  const repeated: [string, string][] = [];
  for (const text of values) {
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
    const first = firstOf.get(value);
    if (first === undefined) firstOf.set(value, text);
    else repeated.push([text, first]);
  }
  return { distinct: [...firstOf.values()], repeated };
}

/**
 * Every combination of the axes' values, the last axis varying fastest.
 * @throws {UserError} If an axis has a value twice, however it is written, or one that cannot be in a file's name.
 */
export function sweepGrid(axes: SweepAxes): SweepPoint[] {
  let points: SweepPoint[] = [{ name: "", settings: {} }];
  for (const [axis, values] of axes) {
    const repeated = new Set(distinctValues(values).repeated.map(([value]) => value));
    for (const value of values) {
      const problem = !/^[\w.+-]+$/.test(value) ? "letters and digits" : repeated.has(value) ? "given once" : "";
      if (problem) {
        throw new UserError(`Cannot sweep --${axis}: got value ${JSON.stringify(value)}, must be ${problem}`);
      }
    }
    points = points.flatMap(({ name, settings }) =>
      values.map((value) => ({
        name: `${name}${name && "_"}${axis}-${value}`,
        settings: { ...settings, [axis]: value },
      }))
    );
  }
  return points;
}

/** The first setting in which two configurations differ, in words; nothing if they train the same model on the same data. */
export function firstDifference(got: RunConfig, expected: RunConfig): string | undefined {
  const [difference] = configDifferences(got, expected);
  if (difference === undefined) return undefined;
  const { field, ...values } = difference;
  for (const part of ["train", "valid"] as const) {
    const [name, mustBe] = [got, expected].map(({ data }) => data[part]?.name ?? "none");
    // Under one name there may be other tokens: then what differs is told.
    if (field.startsWith(`data.${part}`) && name !== mustBe) {
      return `got other ${part} data (${name}), must be ${mustBe}`;
    }
  }
  return `got ${field} ${values.got ?? "unset"}, must be ${values.expected ?? "unset"}`;
}
