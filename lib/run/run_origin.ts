// Starting a run from another one's weights: fine-tuning.
import { option, say, UserError } from "../errors.ts";
import { Safetensors } from "../formats/safetensors.ts";
import { sha256OfFile } from "../io/sha256.ts";
import type { ParameterSpec } from "../model/parameters.ts";
import type { TrainingConfig } from "../train/config.ts";
import { trainedOf } from "../train/optimizer/frozen.ts";
import { definitionFor } from "../train/optimizer/groups.ts";
import { OPTIMIZERS } from "../train/optimizer/registry.ts";
import { checkpointOptimizer, checkpointWeights, findCheckpoint, latestCheckpoint } from "./checkpoint.ts";
import type { OriginFile, RunOrigin } from "./origin_record.ts";
import { findWeights } from "./run_directory.ts";
import { RUN_FILES } from "./run_entries.ts";

export { OriginTensors } from "./origin_tensors.ts";
export type { OriginFile, RunOrigin };

/** Options for `originOf`. */
export interface OriginOptions {
  /** The weights at the end of the run, those with the lowest validation loss, or a checkpoint's. Default: `"last"`. */
  readonly weights?: "last" | "best" | { readonly step: number };
  /** Whether to take over the optimizer's state, which a checkpoint has. Default: false. */
  readonly keepOptimizer?: boolean;
  /** What the run is called in the record. Default: its directory. */
  readonly name?: string;
}

/**
 * Describes another run's weights, for a run that starts from them: put this in its `RunConfig` as `from`.
 * {@linkcode trainRun} then reads the weights from there, and checks that they are still the same. The model's shape is
 * the other run's to say: see {@linkcode readRunConfig}.
 *
 * @throws {NoWeightsError} If the run does not have the weights that were asked for.
 * @throws {UserError} If it has no such checkpoint, or a damaged one; or none with the optimizer's state.
 *
 * @example Fine-tuning a run's model on other tokens
 * ```ts
 * import { createBackend, createRunDirectory, mergeConfigs, readRunConfig, recordOf, trainRun } from "@bytelm/bytelm";
 * import { tokensInMemory } from "@bytelm/bytelm";
 * import { originOf } from "@bytelm/bytelm/train";
 *
 * const place = await Deno.makeTempDir();
 * await using backend = await createBackend("wasm", { workers: 1 });
 * const model = { vocabSize: 11, contextLength: 8, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12 };
 * const tokens = tokensInMemory(Array.from({ length: 100 }, (_, i) => i % 11));
 * const parent = { ...mergeConfigs([{ model, training: { steps: 3, batchSize: 2 } }]), backend: backend.name };
 * const data = { train: await recordOf(tokens) };
 * await createRunDirectory(`${place}/parent`, { ...parent, data });
 * await Array.fromAsync(trainRun({ backend, directory: `${place}/parent`, config: { ...parent, data }, train: tokens }));
 *
 * const others = tokensInMemory(Array.from({ length: 100 }, (_, i) => (3 * i) % 11));
 * const config = {
 *   ...await readRunConfig(`${place}/parent`),
 *   from: await originOf(`${place}/parent`),
 *   training: { ...parent.training, lr: 3e-4, minLr: 0, frozen: ["token_embeddings"] },
 *   data: { train: await recordOf(others) },
 * };
 * await createRunDirectory(`${place}/tuned`, config);
 * const run = { backend, directory: `${place}/tuned`, config, train: others };
 * for await (const { step, loss } of trainRun(run)) console.log(step, loss);
 * ```
 */
export async function originOf(run: string, options: OriginOptions = {}): Promise<RunOrigin> {
  const { weights: which = "last", keepOptimizer = false, name = run } = options;
  if (typeof which === "object" || keepOptimizer) {
    return { run: name, ...await inCheckpoint(run, which, keepOptimizer) };
  }
  const path = await findWeights(run, which);
  const step = which === "best" ? await stepOfBest(path) : await stepOfLast(run);
  return { run: name, ...(step !== undefined && { step }), weights: await fileOf(path) };
}

async function inCheckpoint(
  run: string,
  which: OriginOptions["weights"],
  keepOptimizer: boolean,
): Promise<Omit<RunOrigin, "run">> {
  if (which === "best") {
    throw new UserError(
      say`Cannot start from ${run}: got ${
        option("keepOptimizer")
      } for its best weights, must be for those of a checkpoint. Name a checkpoint's step, or leave it out`,
    );
  }
  const checkpoints = `${run}/${RUN_FILES.checkpoints}`;
  const found = typeof which === "object"
    ? await findCheckpoint(checkpoints, which.step)
    : (await latestCheckpoint(checkpoints)).checkpoint;
  if (found === undefined) {
    throw new UserError(
      say`Cannot start from ${run}: got ${
        option("keepOptimizer")
      } and no checkpoint, must be a run that has one. Leave it out`,
    );
  }
  return {
    step: found.state.step,
    weights: await fileOf(checkpointWeights(found.path)),
    ...(keepOptimizer && { optimizer: await fileOf(checkpointOptimizer(found.path)) }),
  };
}

async function fileOf(path: string): Promise<OriginFile> {
  return { path: await Deno.realPath(path), sha256: await sha256OfFile(path) };
}

/** The best weights' file says after which step, counted from 0, they were measured. */
async function stepOfBest(path: string): Promise<number | undefined> {
  using file = await Safetensors.open(path);
  const { step } = file.metadata;
  return step !== undefined && /^\d{1,15}$/.test(step) ? Number(step) + 1 : undefined;
}

/** A run that ended, or was stopped, wrote a checkpoint then. */
async function stepOfLast(run: string): Promise<number | undefined> {
  return (await latestCheckpoint(`${run}/${RUN_FILES.checkpoints}`)).checkpoint?.state.step;
}

/**
 * Checks that a training can go on with the optimizer's state that it is to take over.
 * @param specs All of the model's parameters.
 * @throws {UserError} If that state lacks something: it is another optimizer's, of another precision, or of a run that
 *   did not train some parameter.
 */
export async function requireKeptState(
  { run, optimizer }: RunOrigin,
  specs: readonly ParameterSpec[],
  training: TrainingConfig,
): Promise<void> {
  if (optimizer === undefined) return;
  using file = await Safetensors.open(optimizer.path);
  const { dtype, frozen } = training;
  const problem = (got: string) =>
    new UserError(
      say`Cannot keep the optimizer's state of ${run}: got ${got}, must be one for ${
        option("optimizer", training.optimizer)
      } and ${
        option("dtype", dtype)
      }. Train with the optimizer, the precision and the parameters of that run, or leave ${
        option("keepOptimizer")
      } out`,
    );
  const names = trainedOf(specs, frozen).flatMap((spec) => {
    const kinds = Object.keys(definitionFor(OPTIMIZERS[training.optimizer], spec)?.state ?? {});
    return kinds.map((kind) => `${kind}.${spec.name}`);
  });
  if (names.length === 0) throw problem(`${training.optimizer}, which keeps none`);
  if (dtype === "f16") names.push("loss_scale");
  const missing = names.find((name) => !file.tensors.has(name));
  if (missing !== undefined) throw problem(`one without ${missing}`);
}

/** Updates that the optimizer's state had seen before a run's first step. */
export function updatesBefore(origin: RunOrigin | undefined): number {
  return origin?.optimizer ? origin.step ?? 0 : 0;
}
