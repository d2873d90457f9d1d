import { UserError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { spelledOut } from "./config_fields.ts";
import type { RunConfig } from "./run_directory.ts";
import { RUN_FILES } from "./run_entries.ts";

/** A setting in which two configurations differ. */
export interface ConfigDifference {
  /** `training.steps`, `data.valid`, `backend`. */
  readonly field: string;
  /** The values; of data their names. */
  readonly got: unknown;
  readonly expected: unknown;
}

/**
 * The settings in which two configurations differ; none if they train the same model on the same data. Where the data are,
 * which preset the model began with and what was said change nothing of that.
 */
export function configDifferences(got: RunConfig, expected: RunConfig): ConfigDifference[] {
  const differences: ConfigDifference[] = [];
  const [one, other] = [spelledOut(got), spelledOut(expected)];
  for (const part of ["model", "training"] as const) {
    const [a, b]: Readonly<Record<string, unknown>>[] = [{ ...one[part] }, { ...other[part] }];
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (a[key] !== b[key]) differences.push({ field: `${part}.${key}`, got: a[key], expected: b[key] });
    }
  }
  for (const part of ["train", "valid"] as const) {
    const [a, b] = [got.data[part], expected.data[part]];
    if (a?.sha256 !== b?.sha256 || a?.tokens !== b?.tokens) {
      differences.push({ field: `data.${part}`, got: a?.name, expected: b?.name });
    }
  }
  if (got.backend !== expected.backend) {
    differences.push({ field: "backend", got: got.backend, expected: expected.backend });
  }
  return differences;
}

/** Differences that a message names. */
const MAX_NAMED = 6;

/** @throws {UserError} Naming what differs, if a run's configuration is not the one that its checkpoint was made with. */
export function requireSameConfig(directory: string, config: RunConfig, { path, state }: Checkpoint): void {
  const differences = configDifferences(config, state.config);
  if (differences.length === 0) return;
  const text = (value: unknown) => value === undefined ? "none" : excerpt(value);
  const named = differences.slice(0, MAX_NAMED).map(({ field, got, expected }) =>
    `${field} ${text(got)} instead of ${text(expected)}`
  );
  const more = differences.length > MAX_NAMED ? ` and ${differences.length - MAX_NAMED} more` : "";
  throw new UserError(
    `Cannot resume ${directory}: got a ${RUN_FILES.config} with ${
      named.join(", ")
    }${more}, must be as when ${path} was ` +
      `written. Restore it, or start a new run with --config ${directory}/${RUN_FILES.config}`,
  );
}
