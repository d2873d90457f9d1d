import { option, say, UserError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { isJsonObject } from "../io/json_fields.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { spelledOut } from "./config_fields.ts";
import { FREE_SETTINGS, mayTakeSteps } from "./free_settings.ts";
import type { RunConfig } from "./run_directory.ts";
import { RUN_FILES } from "./run_entries.ts";

/** A setting in which two configurations differ. */
export interface ConfigDifference {
  /** For example `training.steps`, `data.train.sha256` or `backend`; `data.valid` if one has none. */
  readonly field: string;
  /** The two values; for data that the other does not have, the name. */
  readonly got: unknown;
  readonly expected: unknown;
}

/**
 * The settings in which two configurations differ; none if they train the same model on the same data. It does not
 * matter where the data are, which preset the model started from, or which settings were given.
 */
export function configDifferences(got: RunConfig, expected: RunConfig): ConfigDifference[] {
  const differences: ConfigDifference[] = [];
  const [one, other] = [spelledOut(got), spelledOut(expected)];
  for (const part of ["model", "training"] as const) {
    const [a, b]: Readonly<Record<string, unknown>>[] = [{ ...one[part] }, { ...other[part] }];
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (!isSame(a[key], b[key])) differences.push({ field: `${part}.${key}`, got: a[key], expected: b[key] });
    }
  }
  for (const part of ["train", "valid"] as const) {
    const [a, b] = [got.data[part], expected.data[part]];
    if (a === undefined || b === undefined) {
      if (a !== b) differences.push({ field: `data.${part}`, got: a?.name, expected: b?.name });
      continue;
    }
    for (const key of ["tokens", "sha256"] as const) {
      if (a[key] !== b[key]) differences.push({ field: `data.${part}.${key}`, got: a[key], expected: b[key] });
    }
  }
  const [a, b] = [originOfBits(got), originOfBits(expected)];
  for (const [field, value] of Object.entries(a)) {
    if (value !== b[field]) differences.push({ field: `from.${field}`, got: value, expected: b[field] });
  }
  if (got.backend !== expected.backend) {
    differences.push({ field: "backend", got: got.backend, expected: expected.backend });
  }
  return differences;
}

/**
 * The settings in which two configurations of a run differ and that decide the bits of its steps.
 * @param step How many steps were taken with `expected`.
 */
export function bindingDifferences(got: RunConfig, expected: RunConfig, step: number): ConfigDifference[] {
  return configDifferences(got, expected).filter(({ field }) => {
    // Validation may begin at any time.
    if (field === "data.valid") return expected.data.valid !== undefined;
    // Says only which length to aim at, and that changes while no step depends on it.
    if (field === "training.timeBudget") return false;
    const isLength = field === "training.steps" ||
      (field === "training.decaySteps" && got.training.timeBudget !== undefined);
    if (isLength) return !mayTakeSteps(got.training, expected.training, step);
    return !FREE_SETTINGS.some((name) => field === `training.${name}`);
  });
}

/** What decides the bits that a run begins with, wherever its files are. */
function originOfBits({ from }: RunConfig): Record<string, string | number | undefined> {
  return {
    weights: from?.weights.sha256,
    optimizer: from?.optimizer?.sha256,
    step: from?.optimizer && from.step,
  };
}

/** Whether two settings are the same; lists and objects are compared by their elements. */
function isSame(a: unknown, b: unknown): boolean {
  if (isJsonObject(a) && isJsonObject(b)) {
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => isSame(a[key], b[key]));
  }
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** The most differences that a message names. */
const MAX_NAMED = 6;

/** Characters of a value that a message shows: a checksum is shown whole. */
const MAX_SHOWN = 64;

/** The actual and the expected value, shortened if long, but not so much that both look the same. */
function shownValues({ got, expected }: ConfigDifference): string[] {
  const shown = [got, expected].map((value) => value === undefined ? "none" : excerpt(value, MAX_SHOWN));
  if (shown[0] !== shown[1] || typeof got !== "string" || typeof expected !== "string") return shown;
  let same = 0;
  while (got[same] === expected[same]) same++;
  return [got, expected].map((value) => `${excerpt(value.slice(same), MAX_SHOWN)} from character ${same + 1} on`);
}

/**
 * @throws {UserError} If a run's configuration does not give the bits that its checkpoint's does, naming what differs. Other
 *   settings may differ.
 */
export function requireSameConfig(directory: string, config: RunConfig, { path, state }: Checkpoint): void {
  const differences = bindingDifferences(config, state.config, state.step);
  if (differences.length === 0) return;
  const named = differences.slice(0, MAX_NAMED).map((difference) =>
    `${difference.field} ${shownValues(difference).join(" instead of ")}`
  );
  const more = differences.length > MAX_NAMED ? ` and ${differences.length - MAX_NAMED} more` : "";
  throw new UserError(
    say`Cannot resume ${directory}: got a ${RUN_FILES.config} with ${
      named.join(", ")
    }${more}, must be as it was when ${path} was written. Restore it, or start a new run with ${
      option("config", `${directory}/${RUN_FILES.config}`)
    }`,
  );
}
