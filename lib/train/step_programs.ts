import { option, OptionError, say } from "../errors.ts";
import { backward } from "../graph/backward.ts";
import { copy } from "../graph/copy.ts";
import { Graph } from "../graph/graph.ts";
import { plan } from "../graph/plan.ts";
import type { Program } from "../graph/program.ts";
import { BYTES_PER_ELEMENT, DeviceStorage, Tensor } from "../graph/tensor.ts";
import { type LanguageModel, requireMembers } from "../model/language_model.ts";
import { ParameterLayout } from "../model/parameters.ts";
import { requireZLoss } from "../ops/cross_entropy.ts";
import { requireDropoutRate } from "../ops/dropout.ts";
import { logRow } from "../ops/write_rows.ts";
import { clipGradNorm } from "./optimizer/clip_grad_norm.ts";
import { trainedOf, whileTraining } from "./optimizer/frozen.ts";
import { lossOf } from "./loss.ts";
import { LossScale } from "./optimizer/loss_scale.ts";
import { createOptimizers, type Optimizer } from "./optimizer/optimizers.ts";
import type { TrainerOptions } from "./trainer.ts";

/** The programs of a training step, and the tensors that the host reads and writes. */
export interface StepPrograms {
  /** Sets every gradient to zero; only if gradients are accumulated. */
  readonly empty?: Program;
  /** Forward and backward pass of one batch, and, unless gradients are accumulated, everything else. */
  readonly batch: Program;
  /** Clipping and the optimizer's update, if `batch` does not do them. */
  readonly update?: Program;
  readonly inputs: {
    readonly ids: Tensor;
    readonly targets: Tensor;
    /** Shape of `targets`. Only with `weighted`. */
    readonly weights?: Tensor;
    readonly dLoss: Tensor;
    /** (4): see `DropoutOptions.draw`. Only with dropout. */
    readonly draw?: Tensor;
    readonly lossRow: Tensor;
    /** One per optimizer; inputs of `update`, like `normRow`. */
    readonly schedules: readonly Tensor[];
    readonly normRow: Tensor;
  };
  readonly log: { readonly loss: DeviceStorage; readonly clip: DeviceStorage };
  /** Of the parameters that are trained. */
  readonly gradients: ParameterLayout;
  /** One for all parameters, or one per group. */
  readonly optimizers: readonly Optimizer[];
  /** Only in f16. */
  readonly lossScale: LossScale | undefined;
  /** What these programs share only with each other. */
  readonly shared: readonly DeviceStorage[];
}

/** Traces and plans a training step. */
export function traceStep(model: LanguageModel, options: TrainerOptions): StepPrograms {
  requireMembers("train", model, "config", "parameters", "forward");
  const { batchSize, gradAccumulation = 1, seqLen = model.config.contextLength, logCapacity } = options;
  const accumulate = gradAccumulation > 1;
  const trained = trainedOf(model.parameters.specs, options.frozen);
  const gradients = new ParameterLayout("gradients", trained, false);
  const optimizers = createOptimizers(model.parameters, trained, options.optimizer);
  const log = {
    loss: new DeviceStorage("loss log", logCapacity * gradAccumulation * BYTES_PER_ELEMENT),
    clip: new DeviceStorage("gradient norm log", 2 * logCapacity * BYTES_PER_ELEMENT),
  };
  const appendTo = (storage: DeviceStorage, graph: Graph, value: Tensor, row: Tensor) => {
    const shape = [storage.bytes / BYTES_PER_ELEMENT / value.size, value.size];
    logRow(graph, value, row, new Tensor(storage.name, shape, { placement: { storage, byteOffset: 0 } }));
  };

  const { precision = "f32" } = options;
  const lossScale = precision === "f16" ? new LossScale(options.lossScale, optimizers) : undefined;
  const batch = new Graph({ precision });
  // All of an update is f32, but for the products of Muon's in bf16.
  const update = accumulate ? new Graph({ precision: precision === "bf16" ? "bf16" : "f32" }) : batch;
  const { dropout: rate = 0, zLoss = 0 } = options;
  if (rate !== 0) requireCanDrop(model, rate);
  if (zLoss !== 0) requireCrossEntropy(model, zLoss);
  const inputs = {
    ...(rate !== 0 && { draw: batch.input("dropout draw", [4], { dtype: "u32" }) }),
    ids: batch.input("ids", [batchSize, seqLen], { dtype: "u32" }),
    targets: batch.input("targets", [batchSize, seqLen], { dtype: "u32" }),
    ...(options.weighted && { weights: batch.input("weights", [batchSize, seqLen]) }),
    dLoss: batch.input("dLoss", [1]),
    lossRow: batch.input("loss log row", [1], { dtype: "u32" }),
    schedules: optimizers.map(({ entries }) => update.input("schedule", [entries.length])),
    normRow: update.input("norm log row", [1], { dtype: "u32" }),
  };
  const gradientOf = new Map([...gradients.parts].map(([name, part]) => [model.parameters.part(name), part]));
  const loss = whileTraining(model.parameters, trained, () => {
    const dropout = inputs.draw && { rate, draw: inputs.draw };
    const loss = lossOf(model, batch, inputs.ids, inputs.targets, { dropout, zLoss, weights: inputs.weights });
    const dLoss = lossScale?.apply(batch, inputs.dLoss) ?? inputs.dLoss;
    backward(batch, loss, dLoss, { gradientOf, accumulate });
    return loss;
  });
  appendTo(log.loss, batch, loss, inputs.lossRow);

  const maxNorm = options.maxGradNorm === 0 ? Infinity : options.maxGradNorm;
  const norms = clipGradNorm(update, gradients.flat, maxNorm);
  const clip = lossScale?.update(update, norms, maxNorm) ?? norms;
  optimizers.forEach((optimizer, i) => {
    const schedule = lossScale?.tell(update, clip, inputs.schedules[i], optimizer) ?? inputs.schedules[i];
    optimizer.update(update, { gradients, clip, schedule });
  });
  appendTo(log.clip, update, clip, inputs.normRow);
  const zeros = accumulate ? zerosFor(gradients) : undefined;
  const programs = {
    batch: plan(batch),
    ...(zeros && { empty: plan(emptied(gradients, zeros)), update: plan(update) }),
  };
  const layouts = [gradients, ...optimizers.flatMap(({ state }) => [...state.values()])];
  const shared = [
    ...layouts.map(({ flat }) => flat.placement!.storage),
    ...Object.values(log),
    ...(lossScale?.storages ?? []),
    ...(zeros ? [zeros] : []),
  ];
  return { ...programs, inputs, log, gradients, optimizers, lossScale, shared };
}

/** @throws {OptionError} If the rate is no share, or the model does not drop. */
function requireCanDrop(model: LanguageModel, rate: number): void {
  requireDropoutRate(rate);
  if (model.canDrop && model.loss === undefined) return;
  const which = model.loss === undefined ? "a model that does not say it canDrop" : "a model with a loss of its own";
  throw new OptionError(say`Cannot train: got ${option("dropout", String(rate))} for ${which}, must be 0`);
}

/** @throws {OptionError} If the factor is out of range, or the model's loss is not the cross-entropy that has it. */
function requireCrossEntropy(model: LanguageModel, zLoss: number): void {
  requireZLoss(zLoss);
  if (model.loss === undefined) return;
  throw new OptionError(
    say`Cannot train: got ${option("zLoss", String(zLoss))} for a model with a loss of its own, must be 0`,
  );
}

/** A storage that is never written holds zeros. */
function zerosFor({ parts }: ParameterLayout): DeviceStorage {
  return new DeviceStorage("zeros", Math.max(...[...parts.values()].map(({ size }) => size)) * BYTES_PER_ELEMENT);
}

/** Copies zeros over each part. */
function emptied({ parts }: ParameterLayout, zeros: DeviceStorage): Graph {
  const graph = new Graph();
  for (const part of parts.values()) {
    copy(graph, new Tensor(zeros.name, part.shape, { placement: { storage: zeros, byteOffset: 0 } }), part, false);
  }
  return graph;
}
