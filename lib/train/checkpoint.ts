import type { Backend } from "../backend/backend.ts";
import { UserError } from "../errors.ts";
import { viewOf } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { writeDirectoryAtomically, writeFileAtomically } from "../io/atomic.ts";
import type { OwnEntries } from "../io/own_entries.ts";
import { parentOf } from "../io/parent_of.ts";
import { removeTreeIfPresent } from "../io/remove_if_present.ts";
import { restoreReplaced, restoreReplacedIn } from "../io/replace_directory.ts";
import { sha256, sha256OfFile } from "../io/sha256.ts";
import { temporaryNameFor } from "../io/temporary.ts";
import { Safetensors, writeSafetensors } from "../model/safetensors.ts";
import type { WeightSource } from "../model/weights.ts";
import { weightsFrom } from "../model/weights_file.ts";
import type { RunConfig } from "./run_directory.ts";
import type { Snapshot } from "./train.ts";

/** The best validation so far. */
export interface BestValidation {
  /** The step after which it was measured, counted from 0. */
  readonly step: number;
  readonly validLoss: number;
}

/** What a checkpoint's checkpoint.json says. */
export interface CheckpointState {
  /** Steps taken: the next one's number, counted from 0. */
  readonly step: number;
  /** Time spent on them, in seconds. */
  readonly seconds: number;
  readonly best?: BestValidation;
  /** The run's configuration: its seed and `step` decide every batch that follows. */
  readonly config: RunConfig;
}

/** A file's size and checksum. */
interface FileRecord {
  readonly bytes: number;
  readonly sha256: string;
}

/** checkpoint.json: the state, what the other files must be, and the checksum of all that. */
interface CheckpointRecord extends CheckpointState {
  readonly files: Readonly<Record<string, FileRecord>>;
  readonly sha256: string;
}

/** The names of a checkpoint's files. */
const FILES = {
  record: "checkpoint.json",
  weights: "weights.safetensors",
  optimizer: "optimizer.safetensors",
} as const;

/** What is written into the checkpoints' directory. */
export const CHECKPOINTS_ENTRIES: OwnEntries = {
  what: "checkpoints",
  files: [],
  directories: [[/^step-\d{9,}$/, { what: "a checkpoint", files: Object.values(FILES) }]],
};

/** A directory in the checkpoints' directory: the steps taken, so that names sort as numbers do. */
const nameOf = (step: number) => `step-${String(step).padStart(9, "0")}`;

/** A checkpoint on disk that was found whole. */
export interface Checkpoint {
  readonly path: string;
  readonly state: CheckpointState;
}

/**
 * Writes a checkpoint under a temporary name, waits until it is on disk, and gives it its name: a checkpoint that has its
 * name is whole.
 *
 * @param directory Where checkpoints are kept; made if need be.
 */
export async function writeCheckpoint(
  directory: string,
  backend: Backend,
  snapshot: Snapshot,
  state: CheckpointState,
): Promise<void> {
  const name = nameOf(state.step);
  const [, entries] = CHECKPOINTS_ENTRIES.directories!.find(([pattern]) => pattern.test(name))!;
  await writeDirectoryAtomically(`${directory}/${name}`, async (temporary) => {
    await writeTensors(`${temporary}/${FILES.weights}`, backend, snapshot.weights);
    await writeTensors(`${temporary}/${FILES.optimizer}`, backend, snapshot.optimizer);
    const files: Record<string, FileRecord> = {};
    for (const name of [FILES.weights, FILES.optimizer]) {
      const { size } = await Deno.stat(`${temporary}/${name}`);
      files[name] = { bytes: size, sha256: await sha256OfFile(`${temporary}/${name}`) };
    }
    const record = { ...state, files };
    const sealed: CheckpointRecord = { ...record, sha256: sha256(JSON.stringify(record)) };
    await writeFileAtomically(`${temporary}/${FILES.record}`, `${JSON.stringify(sealed, null, 2)}\n`);
  }, { replace: entries }); // by a resumed run that comes by one that was found damaged
}

/**
 * Reads a checkpoint's state, after comparing every file with its checksum.
 * @throws {UserError} Naming the first file that is missing, torn or edited.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { sha256: expected, ...record } = await readRecord(path);
  if (sha256(JSON.stringify(record)) !== expected) {
    throw damaged(path, `${FILES.record} that does not match its checksum`);
  }
  const { files, ...state } = record;
  for (const [name, { bytes, sha256: expectedSum }] of Object.entries(files)) {
    const size = await sizeOrUndefined(`${path}/${name}`);
    if (size === undefined) throw damaged(path, `no ${name}`);
    if (size !== bytes) throw damaged(path, `${name} of ${size} bytes instead of ${bytes}`);
    if (await sha256OfFile(`${path}/${name}`) !== expectedSum) {
      throw damaged(path, `${name} that does not match its checksum`);
    }
  }
  return { path, state };
}

/** A checkpoint that cannot be used, and why. */
export interface DamagedCheckpoint {
  readonly path: string;
  readonly problem: string;
}

/**
 * The newest checkpoint that is whole, and the newer ones that are not.
 * @throws {UserError} If there are checkpoints and none is whole.
 */
export async function latestCheckpoint(
  directory: string,
): Promise<{ checkpoint: Checkpoint | undefined; damaged: DamagedCheckpoint[] }> {
  const damagedOnes: DamagedCheckpoint[] = [];
  await restoreReplaced(parentOf(directory));
  await restoreReplacedIn(directory);
  for (const path of (await listCheckpoints(directory)).toReversed()) {
    try {
      return { checkpoint: await readCheckpoint(path), damaged: damagedOnes };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      damagedOnes.push({ path, problem: error.message });
    }
  }
  if (damagedOnes.length > 0) {
    const problems = damagedOnes.map(({ problem }) => problem).join("; ");
    throw new UserError(`Cannot resume from ${directory}: got no whole checkpoint, must have one. ${problems}`);
  }
  return { checkpoint: undefined, damaged: [] };
}

/** The paths of all checkpoints, oldest first. Those without their final name, left by a killed process, do not count. */
export async function listCheckpoints(directory: string): Promise<string[]> {
  const entries = await entriesOf(directory);
  return entries.filter((name) => /^step-\d{9,}$/.test(name)).sort().map((name) => `${directory}/${name}`);
}

/** Removes all but the newest `keep` checkpoints. */
export async function pruneCheckpoints(directory: string, keep: number): Promise<void> {
  for (const path of (await listCheckpoints(directory)).slice(0, -keep)) await removeCheckpoint(path);
}

/** Removes the checkpoints of later steps. */
export async function discardCheckpointsAfter(directory: string, step: number): Promise<void> {
  const last = `${directory}/${nameOf(step)}`;
  for (const path of await listCheckpoints(directory)) if (path > last) await removeCheckpoint(path);
}

/** A checkpoint's weights and optimizer state. Close it, or declare it with `using`. */
export class CheckpointTensors implements Disposable {
  readonly weights: WeightSource;
  readonly optimizer: WeightSource;
  readonly #files: readonly Safetensors[];

  private constructor(path: string, weights: Safetensors, optimizer: Safetensors) {
    this.weights = weightsFrom(weights, `${path}/${FILES.weights}`);
    this.optimizer = weightsFrom(optimizer, `${path}/${FILES.optimizer}`);
    this.#files = [weights, optimizer];
  }

  static async open({ path }: Checkpoint): Promise<CheckpointTensors> {
    const weights = await Safetensors.open(checkpointWeights(path));
    try {
      return new CheckpointTensors(path, weights, await Safetensors.open(`${path}/${FILES.optimizer}`));
    } catch (error) {
      weights[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const file of this.#files) file[Symbol.dispose]();
  }
}

/** The path of a checkpoint's weights. */
export function checkpointWeights(path: string): string {
  return `${path}/${FILES.weights}`;
}

async function writeTensors(path: string, backend: Backend, tensors: ReadonlyMap<string, Tensor>): Promise<void> {
  const toWrite = [...tensors].map(([name, tensor]) => ({
    name,
    dtype: "F32" as const,
    shape: tensor.shape,
    data: async () => await backend.read(viewOf(tensor, tensor.placement!)) as Float32Array,
  }));
  await writeSafetensors(path, toWrite);
}

async function readRecord(path: string): Promise<CheckpointRecord> {
  let text: string;
  try {
    text = await Deno.readTextFile(`${path}/${FILES.record}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw damaged(path, `no ${FILES.record}`);
    throw error;
  }
  try {
    const record = JSON.parse(text) as Partial<CheckpointRecord> | null;
    if (typeof record?.sha256 !== "string" || typeof record.files !== "object") throw new SyntaxError("no checksum");
    return record as CheckpointRecord;
  } catch (error) {
    if (error instanceof SyntaxError) throw damaged(path, `unusable ${FILES.record} (${error.message})`);
    throw error;
  }
}

function damaged(path: string, got: string): UserError {
  return new UserError(`Cannot use checkpoint ${path}: got ${got}, must be as it was written. Use the one before`);
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function sizeOrUndefined(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Takes a checkpoint's name from it first: one that has its name is whole, also after a kill half-way. */
async function removeCheckpoint(path: string): Promise<void> {
  const temporary = temporaryNameFor(path);
  await Deno.rename(path, temporary);
  await removeTreeIfPresent(temporary);
}
