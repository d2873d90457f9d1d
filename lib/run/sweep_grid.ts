import { UserError } from "../errors.ts";
import { configDifferences } from "./config_difference.ts";
import type { RunConfig } from "./run_directory.ts";

/** What a sweep varies: the values of each setting, as text. */
export type SweepAxes = ReadonlyMap<string, readonly string[]>;

/** A point of a sweep's grid. */
export interface SweepPoint {
  /** The name of its run's directory, made of the varied settings: `lr-1e-3_batch-size-8`. */
  readonly name: string;
  /** Its value on every axis. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The values of an axis, without duplicates. */
export interface DistinctValues {
  /** The first spelling of each value. */
  readonly distinct: readonly string[];
  /** The other spellings, each with the first one of the same value. */
  readonly repeated: readonly (readonly [value: string, first: string])[];
}

/** Which values are the same: numbers are compared as numbers, however they are written; words as they are. */
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
 * @throws {UserError} If an axis has a value twice, however it is written, or a value that cannot be part of a file
 *   name.
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

/** The first setting in which two configurations differ, in words; `undefined` if they are equivalent. */
export function firstDifference(got: RunConfig, expected: RunConfig): string | undefined {
  const [difference] = configDifferences(got, expected);
  if (difference === undefined) return undefined;
  const { field, ...values } = difference;
  for (const part of ["train", "valid"] as const) {
    const [name, mustBe] = [got, expected].map(({ data }) => data[part]?.name ?? "none");
    // The same name may stand for other tokens: then the message says what differs.
    if (field.startsWith(`data.${part}`) && name !== mustBe) {
      return `got other ${part} data (${name}), must be ${mustBe}`;
    }
  }
  return `got ${field} ${values.got ?? "unset"}, must be ${values.expected ?? "unset"}`;
}
