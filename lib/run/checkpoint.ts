import type { Backend } from "../backend/backend.ts";
import { UserError } from "../errors.ts";
import { writeDirectoryAtomically, writeFileAtomically } from "../io/atomic.ts";
import { removeIfEmpty, removeOwnEntries } from "../io/own_entries.ts";
import { parentOf } from "../io/parent_of.ts";
import { restoreReplaced, restoreReplacedIn } from "../io/replace_directory.ts";
import { sha256, sha256OfFile } from "../io/sha256.ts";
import { statIfPresent } from "../io/stat_if_present.ts";
import { temporaryNameFor } from "../io/temporary.ts";
import { Safetensors } from "../formats/safetensors.ts";
import { isAdapter } from "../model/lora.ts";
import type { WeightSource } from "../model/weights.ts";
import { weightsFrom } from "../model/weights_file.ts";
import {
  type BestValidation,
  type CheckpointRecord,
  type CheckpointState,
  damaged,
  type FileRecord,
  FILES,
  readRecord,
} from "./checkpoint_record.ts";
import { adapterMetadata } from "./origin_tensors.ts";
import { loraOf } from "../train/adapters.ts";
import { DivergenceError } from "../train/divergence.ts";
import type { RunConfig } from "./run_directory.ts";
import { CHECKPOINT_ENTRIES, CHECKPOINTS_ENTRIES, RUN_ENTRIES } from "./run_entries.ts";
import { learningRate } from "../train/schedule.ts";
import { writeTensors } from "./write_tensors.ts";
import type { Snapshot } from "../train/train.ts";
import { namesIn } from "../io/names_in.ts";

export type { BestValidation, CheckpointState };

/** A checkpoint's directory name: the number of steps taken, padded so that names sort as numbers do. */
const nameOf = (step: number) => `step-${String(step).padStart(9, "0")}`;

/** A complete checkpoint on disk. */
export interface Checkpoint {
  /** Its directory. */
  readonly path: string;
  /** The contents of its checkpoint.json. */
  readonly state: CheckpointState;
}

/**
 * Writes a checkpoint under a temporary name, waits until it is on disk, and renames it. So a checkpoint with its final
 * name is complete.
 *
 * @param directory Where checkpoints are kept; made if it does not exist.
 * @throws {DivergenceError} If a weight or the optimizer's state is NaN or infinite: no run could continue from there.
 */
export async function writeCheckpoint(
  directory: string,
  backend: Backend,
  snapshot: Snapshot,
  state: CheckpointState,
): Promise<void> {
  const requireFinite = (name: string, values: Float32Array) => {
    const bad = countNonFinite(values);
    if (bad === 0) return;
    const { step, config } = state;
    const what = `${name} (${bad} of ${values.length} values)`;
    const { training } = config;
    const lr = learningRate(step - 1, training);
    throw DivergenceError.inWeights(step - 1, what, { lr, clip: training.clip });
  };
  const name = nameOf(state.step);
  await writeDirectoryAtomically(`${directory}/${name}`, async (temporary) => {
    const { weights, optimizer, average } = snapshot;
    // Weights that the run leaves as they are, the files that it started from have.
    const kept = (map: typeof weights) =>
      loraOf(state.config.training) ? new Map([...map].filter(([name]) => isAdapter(name))) : map;
    const tensors = new Map<string, typeof weights>([[FILES.weights, kept(weights)], [FILES.optimizer, optimizer]]);
    if (average) tensors.set(FILES.average, kept(average));
    const metadata = adapterMetadata(state.config);
    const files: Record<string, FileRecord> = {};
    for (const [name, map] of tensors) {
      await writeTensors(`${temporary}/${name}`, backend, map, { metadata, check: requireFinite });
      const { size } = await Deno.stat(`${temporary}/${name}`);
      files[name] = { bytes: size, sha256: await sha256OfFile(`${temporary}/${name}`) };
    }
    const record = { ...state, files };
    const sealed: CheckpointRecord = { ...record, sha256: sha256(JSON.stringify(record)) };
    await writeFileAtomically(`${temporary}/${FILES.record}`, `${JSON.stringify(sealed, null, 2)}\n`);
  }, { own: CHECKPOINT_ENTRIES, replace: true }); // by a resumed run that comes by one that was found damaged
}

/**
 * Reads a checkpoint's state after comparing every file with its checksum.
 * @throws {UserError} If a file is missing, incomplete or edited, naming the first one.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { state, files } = await readRecord(path);
  for (const [name, { bytes, sha256: expectedSum }] of Object.entries(files)) {
    const size = (await statIfPresent(`${path}/${name}`))?.size;
    if (size === undefined) throw damaged(path, `no ${name}`);
    if (size !== bytes) throw damaged(path, `${name} of ${size} bytes instead of ${bytes}`);
    if (await sha256OfFile(`${path}/${name}`) !== expectedSum) {
      throw damaged(path, `${name} that does not match its checksum`);
    }
  }
  return { path, state };
}

/**
 * Reads only a checkpoint's state, as it was written. Its tensor files are not checked.
 * @throws {UserError} If the record is missing, incomplete or edited.
 */
export async function readCheckpointState(path: string): Promise<CheckpointState> {
  return (await readRecord(path)).state;
}

/** A checkpoint that cannot be used, and why. */
export interface DamagedCheckpoint {
  /** Its directory. */
  readonly path: string;
  /** The reason, in words. */
  readonly problem: string;
}

/**
 * The newest complete checkpoint, and any newer ones that are damaged.
 * @throws {UserError} If there are checkpoints, but all are damaged.
 */
export async function latestCheckpoint(
  directory: string,
): Promise<{ checkpoint: Checkpoint | undefined; damaged: DamagedCheckpoint[] }> {
  const damagedOnes: DamagedCheckpoint[] = [];
  await restoreReplaced(parentOf(directory), RUN_ENTRIES);
  await restoreReplacedIn(directory, CHECKPOINTS_ENTRIES);
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
    throw new UserError(`Cannot resume from ${directory}: there is no complete checkpoint. ${problems}`);
  }
  return { checkpoint: undefined, damaged: [] };
}

/**
 * The checkpoint after so many steps, whole.
 * @throws {UserError} If there is none, naming those there are; or if it is damaged.
 */
export async function findCheckpoint(directory: string, step: number): Promise<Checkpoint> {
  const path = `${directory}/${nameOf(step)}`;
  const paths = await listCheckpoints(directory);
  if (paths.includes(path)) return await readCheckpoint(path);
  const steps = paths.map((path) => Number(/\d+$/.exec(path)![0]));
  const mustBe = steps.length === 0 ? "a run that has checkpoints" : `one of ${steps.join(", ")}`;
  throw new UserError(`Cannot find a checkpoint in ${directory}: got step ${step}, must be ${mustBe}`);
}

/** Whether a run has no step left to take after a checkpoint: it took all, or early stopping ended it there. */
export function hasTakenAll({ state }: Checkpoint, { training }: Pick<RunConfig, "training">): boolean {
  return state.step === training.steps || (state.validationsSinceBest ?? 0) >= (training.patience ?? Infinity);
}

/** The paths of all checkpoints, oldest first. Unfinished ones that a killed process left behind do not count. */
export async function listCheckpoints(directory: string): Promise<string[]> {
  const entries = await namesIn(directory);
  return entries.filter((name) => /^step-\d{9,}$/.test(name)).sort().map((name) => `${directory}/${name}`);
}

/** Removes all but the newest `keep` checkpoints. */
export async function pruneCheckpoints(directory: string, keep: number): Promise<void> {
  for (const path of (await listCheckpoints(directory)).slice(0, -keep)) await removeCheckpoint(path);
}

/** Removes checkpoints of later steps. */
export async function discardCheckpointsAfter(directory: string, step: number): Promise<void> {
  const last = `${directory}/${nameOf(step)}`;
  for (const path of await listCheckpoints(directory)) if (path > last) await removeCheckpoint(path);
}

/** A checkpoint's weights and optimizer state. Close it, or declare it with `using`. */
export class CheckpointTensors implements Disposable {
  /** The parameters, by name; of a run that trains adapters, only theirs. */
  readonly weights: WeightSource;
  /** The optimizer's state, by the names that a {@linkcode Snapshot} gives. */
  readonly optimizer: WeightSource;
  /** The average of the parameters, by name, where the training keeps one. */
  readonly average?: WeightSource;
  readonly #files: DisposableStack;

  private constructor(path: string, files: readonly Safetensors[], owned: DisposableStack) {
    const [weights, optimizer, average] = files;
    this.weights = weightsFrom(weights, `${path}/${FILES.weights}`);
    this.optimizer = weightsFrom(optimizer, `${path}/${FILES.optimizer}`);
    if (average) this.average = weightsFrom(average, `${path}/${FILES.average}`);
    this.#files = owned;
  }

  /** Opens the files and checks their headers; no tensor is read yet. */
  static async open({ path, state }: Checkpoint): Promise<CheckpointTensors> {
    using owned = new DisposableStack();
    const files: Safetensors[] = [];
    for (const name of [FILES.weights, FILES.optimizer, ...(state.better ? [FILES.average] : [])]) {
      files.push(owned.use(await Safetensors.open(`${path}/${name}`)));
    }
    return new CheckpointTensors(path, files, owned.move());
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#files.dispose();
  }
}

/** The path of a checkpoint's weights. */
export function checkpointWeights(path: string): string {
  return `${path}/${FILES.weights}`;
}

/** The path of a checkpoint's weights that the run's model would be: see `CheckpointState.better`. */
export function checkpointModel({ path, state }: Checkpoint): string {
  return state.better === "average" ? `${path}/${FILES.average}` : checkpointWeights(path);
}

/** The path of the optimizer's state in a checkpoint. */
export function checkpointOptimizer(path: string): string {
  return `${path}/${FILES.optimizer}`;
}

/** How many values are NaN or infinite. */
function countNonFinite(values: Float32Array): number {
  let count = 0;
  // A plain loop: weights are many, and a call for each would take longer than writing them.
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) count++;
  return count;
}

/**
 * Renames a checkpoint before removing it: one with its final name is complete, even if this is killed half-way. Files
 * that somebody else put into it stay.
 */
async function removeCheckpoint(path: string): Promise<void> {
  const temporary = temporaryNameFor(path);
  await Deno.rename(path, temporary);
  await removeOwnEntries(temporary, CHECKPOINT_ENTRIES);
  await removeIfEmpty(temporary);
}
