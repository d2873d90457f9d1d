import { lowestOf } from "../run/course.ts";
import type { ReportRun } from "./report_run.ts";

/** One setting that a sweep varies, and how low each run's validation loss came. */
export interface SweepAxis {
  /** The setting. */
  readonly name: string;
  /** Its values: numbers in ascending order, words in the order of the runs. */
  readonly values: readonly string[];
  /** For each run: which of the values it has, and its lowest validation loss in nats per token if there is one. */
  readonly runs: readonly { readonly value: number; readonly loss?: number }[];
}

/** The settings that differ between runs of a sweep; none if any run was not part of it. */
export function sweepAxes(runs: readonly ReportRun[]): SweepAxis[] {
  const names = Object.keys(runs[0]?.settings ?? {});
  return names.flatMap((name) => {
    const given = runs.flatMap(({ settings }) => settings && Object.hasOwn(settings, name) ? [settings[name]] : []);
    const values = ordered([...new Set(given)]);
    if (given.length < runs.length || values.length < 2) return [];
    return [{
      name,
      values,
      runs: runs.map(({ metrics }, i) => {
        const loss = lowestOf(metrics.flatMap(({ validLoss }) => validLoss === undefined ? [] : [validLoss]));
        return { value: values.indexOf(given[i]), ...(loss !== undefined && { loss }) };
      }),
    }];
  });
}

function ordered(values: readonly string[]): readonly string[] {
  return values.every((value) => Number.isFinite(Number(value)))
    ? values.toSorted((a, b) => Number(a) - Number(b))
    : values;
}
