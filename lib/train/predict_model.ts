import { BYTES_PER_ELEMENT } from "../graph/tensor.ts";
import type { LanguageModel } from "../model/language_model.ts";
import type { ParameterLayout } from "../model/parameters.ts";
import type { ModelConfig } from "../model/config.ts";
import { Transformer } from "../model/transformer.ts";
import { frozenIn, loraOf } from "./adapters.ts";
import { TRAINING_DEFAULTS, type TrainingConfig } from "./config.ts";
import { traceStep } from "./step_programs.ts";
import type { PlannedStep } from "../accounting/planned_memory.ts";
import type { Frozen } from "./optimizer/frozen.ts";
import { countProgram } from "../accounting/program.ts";
import { predictTraining, type TrainingPrediction } from "../accounting/training_summary.ts";

/**
 * Predicts a training run of any model. {@linkcode predictTraining} has formulas for a Transformer; this traces and
 * plans a step, and counts what it holds and computes. It needs no backend.
 *
 * The memory does not include inputs, logs, or what the model keeps besides its parameters. Kernels that declare no
 * FLOPs count as 0.
 *
 * @param step.frozen Parameters that are not trained. They take no gradient, no optimizer state and no work of the
 *   backward pass, which the formulas know nothing of. They are counted among `parameters`.
 */
export function predictModel(
  model: LanguageModel,
  step: PlannedStep & { readonly frozen?: Frozen },
): TrainingPrediction {
  const { batchSize, seqLen = model.config.contextLength, dtype, optimizer, gradAccumulation = 1 } = step;
  const { batch, empty, update, ...traced } = traceStep(model, {
    batchSize,
    gradAccumulation,
    seqLen,
    optimizer: { ...TRAINING_DEFAULTS, optimizer: optimizer ?? "adamw" },
    frozen: step.frozen,
    precision: dtype,
    maxGradNorm: TRAINING_DEFAULTS.clip,
    logCapacity: 1,
  });
  const bytesOf = ({ flat }: ParameterLayout) => BYTES_PER_ELEMENT * flat.size;
  const programs = [batch, empty, update].filter((program) => program !== undefined);
  const scratch = programs.flatMap((program) => program.scratch);
  const zeros = new Set(empty?.storages.filter((storage) => storage !== traced.gradients.flat.placement!.storage));
  const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, n) => total + n, 0);
  const memory = {
    parameters: bytesOf(model.parameters),
    gradients: bytesOf(traced.gradients) + sum([...zeros].map(({ bytes }) => bytes)),
    optimizer: sum(traced.optimizers.flatMap(({ state }) => [...state.values()]).map(bytesOf)) +
      (step.averageWeights === undefined ? 0 : bytesOf(traced.gradients)),
    activations: sum(scratch.map(({ bytes }) => bytes)),
  };
  const { forwardMatmul, backwardMatmul } = countProgram(batch);
  const tokens = batchSize * seqLen;
  return {
    parameters: model.parameters.count,
    memory: { ...memory, total: sum(Object.values(memory)) },
    forwardFlops: forwardMatmul / tokens,
    backwardFlops: backwardMatmul / tokens,
  };
}

/**
 * Predicts a run of a Transformer: by formulas, or counted from its programs where parameters are frozen or adapters are
 * trained.
 */
export function predictRun(model: ModelConfig, training: TrainingConfig): TrainingPrediction {
  const lora = loraOf(training);
  if (lora === undefined && !training.frozen?.length) return predictTraining(model, training);
  return predictModel(new Transformer(model, { lora }), { ...training, frozen: frozenIn(training) });
}
