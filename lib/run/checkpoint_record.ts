// A checkpoint's checkpoint.json: its contents, and how it is read.
import { UserError } from "../errors.ts";
import { JsonFields } from "../io/json_fields.ts";
import { sha256 } from "../io/sha256.ts";
import { runConfigOf } from "./config_fields.ts";
import type { RunConfig } from "./run_directory.ts";

/** The best validation so far. */
export interface BestValidation {
  /** The step after which it was measured, counted from 0. */
  readonly step: number;
  /** Mean cross-entropy, in nats per token. */
  readonly validLoss: number;
}

/** The state that a checkpoint.json holds. */
export interface CheckpointState {
  /** Steps taken; as steps are counted from 0, also the next one's number. */
  readonly step: number;
  /** Time spent on them, in seconds. */
  readonly seconds: number;
  /** Absent before the first validation. */
  readonly best?: BestValidation;
  /** Of a run with `patience`: how many validations came after the best one. */
  readonly validationsSinceBest?: number;
  /**
   * Of a run that averages its weights: which were better at the last validation, and so would be the run's model; the
   * average, if there was none.
   */
  readonly better?: "live" | "average";
  /** The run's configuration: its seed and `step` decide every batch that follows. */
  readonly config: RunConfig;
}

/** A file's size and checksum. */
export interface FileRecord {
  readonly bytes: number;
  readonly sha256: string;
}

/** checkpoint.json: the state, the size and checksum of the other files, and a checksum of all that. */
export interface CheckpointRecord extends CheckpointState {
  readonly files: Readonly<Record<string, FileRecord>>;
  readonly sha256: string;
}

/** The names of a checkpoint's files. */
export const FILES = {
  record: "checkpoint.json",
  weights: "weights.safetensors",
  optimizer: "optimizer.safetensors",
  /** Only of a training that averages its weights. */
  average: "average.safetensors",
} as const;

/**
 * Reads a checkpoint.json, and checks that it is as it was written.
 * @throws {UserError} If it is missing, incomplete or edited.
 */
export async function readRecord(path: string): Promise<{ state: CheckpointState; files: Record<string, FileRecord> }> {
  let text: string;
  try {
    text = await Deno.readTextFile(`${path}/${FILES.record}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw damaged(path, `no ${FILES.record}`);
    throw error;
  }
  const fields = JsonFields.parse(text, { name: `${path}/${FILES.record}`, nextStep: "Use the previous checkpoint" });
  const { sha256: expected, ...record } = fields.record;
  if (sha256(JSON.stringify(record)) !== expected) {
    throw damaged(path, `${FILES.record} that does not match its checksum`);
  }
  // The checksum protects against accidents, not against somebody who can compute one.
  fields.allowOnly(["step", "seconds", "best", "validationsSinceBest", "better", "config", "files", "sha256"]);
  const files = fields.object("files");
  files.allowOnly([FILES.weights, FILES.optimizer, FILES.average]);
  try {
    const state = stateOf(fields);
    const names = [FILES.weights, FILES.optimizer, ...(state.better ? [FILES.average] : [])];
    return { state, files: Object.fromEntries(names.map((name) => [name, fileOf(files, name)])) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw damaged(path, `${FILES.record} with an unusable configuration (${error.message})`);
  }
}

function stateOf(fields: JsonFields): CheckpointState {
  const best = bestOf(fields.objectOrNone("best"));
  const validationsSinceBest = fields.integerOrNone("validationsSinceBest", { min: 0 });
  return {
    step: fields.integer("step", { min: 0 }),
    seconds: fields.number("seconds", { min: 0 }),
    ...(best && { best }),
    ...(validationsSinceBest !== undefined && { validationsSinceBest }),
    ...(fields.has("better") && { better: fields.oneOf("better", ["live", "average"]) }),
    config: runConfigOf(fields.object("config")),
  };
}

function bestOf(fields: JsonFields | undefined): BestValidation | undefined {
  // Earlier versions could take NaN for the best loss, and wrote it as null: any number is better.
  if (fields === undefined || fields.value("validLoss") === null) return undefined;
  fields.allowOnly(["step", "validLoss"]);
  return { step: fields.integer("step", { min: 0 }), validLoss: fields.number("validLoss") };
}

function fileOf(files: JsonFields, name: string): FileRecord {
  const file = files.object(name);
  file.allowOnly(["bytes", "sha256"]);
  return { bytes: file.integer("bytes", { min: 0 }), sha256: file.string("sha256") };
}

/** The error for a checkpoint that cannot be used. */
export function damaged(path: string, got: string): UserError {
  return new UserError(`Cannot use checkpoint ${path}: got ${got}, must be as it was written. Use the previous one`);
}
