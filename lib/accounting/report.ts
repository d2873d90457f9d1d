import { OptionError } from "../errors.ts";
import type { UpdateItem } from "../train/optimizer/definition.ts";
import { type OptimizerName, OPTIMIZERS } from "../train/optimizer/registry.ts";
import { type UpdatePart, updateParts } from "./optimizer.ts";
import { type ActivationItem, activationItems } from "./activations.ts";
import { type Device, type DeviceName, DEVICES } from "./devices.ts";
import { type ForwardFlops, forwardFlops, forwardFlopsPerToken, type OpFlops, opFlops } from "./flops.ts";
import {
  type BatchChoice,
  batchChoices,
  generationMemory,
  kvCacheBytesPerToken,
  largestBatch,
  type MemoryOptions,
  type TrainingMemory,
  trainingMemory,
} from "./memory.ts";
import { countParameters, type ParameterItem, parameterItems } from "./parameters.ts";
import { largestPlannedBatch, plannedTrainingMemory } from "./planned_memory.ts";
import { peakFlops, type PrecisionName, PRECISIONS } from "./precision.ts";
import { type ModelShape, validateShape } from "./shape.ts";
import { type Duration, energyKwh, optimalTokens, type StepFlops, stepFlops, timeFor } from "./time.ts";

/** Options for `account`. */
export interface AccountRequest {
  /** What the model is called. */
  readonly name: string;
  /** The model. */
  readonly shape: ModelShape;
  /** Sequences that go through the model together. Default: 1. */
  readonly batchSize?: number;
  /** Such batches per step, whose gradients are averaged. Default: 1. */
  readonly gradAccumulation?: number;
  /** The share of the training that this project averages weights over, for their memory; without it there is no average. */
  readonly averageWeights?: number;
  /** Default: adamw. */
  readonly optimizer?: OptimizerName;
  /**
   * The format that this project's own training step computes in. With it, memory and FLOPs are those of
   * `predictTraining`, and `precision`, `attention` and `checkpointing` must be left out. Without it, they are those of
   * a textbook's step with these options.
   */
  readonly dtype?: "f32" | "f16" | "bf16";
  /** Default: a100. */
  readonly device?: DeviceName;
  /** The share of the device's peak that is reached, counting all FLOPs, also recomputed ones. Default: 0.5. */
  readonly mfu?: number;
  /** Tokens to train on. Default: 20 per parameter. */
  readonly tokens?: number;
  /** Steps to train for, instead of `tokens`. */
  readonly steps?: number;
  /** Steps between two validations, and batches per validation; none by default. There is one at the end too. */
  readonly validation?: { readonly every: number; readonly batches: number };
  /** Number format of a textbook's step. Default: f32. */
  readonly precision?: PrecisionName;
  /**
   * Whether the scores of attention are kept for the backward pass (`stored`, the default) or computed again (`flash`).
   */
  readonly attention?: "stored" | "flash";
  /** Whether each layer keeps only its input and computes the rest again. Default: false. */
  readonly checkpointing?: boolean;
  /** Whether attention's products are counted in full (the default), or by half, as a causal mask allows. */
  readonly causal?: "full" | "half";
}

/** All numbers of an account, exact: in bytes, FLOPs and seconds unless named otherwise. */
export interface Account {
  /** What the model is called. */
  readonly name: string;
  /** The model. */
  readonly shape: ModelShape;
  /** Sequences that go through the model together. */
  readonly batchSize: number;
  /** Such batches per step. */
  readonly gradAccumulation: number;
  /** The optimizer whose state and update are counted. */
  readonly optimizer: OptimizerName;
  /** Of this project's own step. */
  readonly dtype?: "f32" | "f16" | "bf16";
  /** Number format of weights, gradients and activations. */
  readonly precision: PrecisionName;
  /** Whether attention's scores are kept for the backward pass, or computed again. */
  readonly attention: "stored" | "flash";
  /** Whether each layer keeps its input alone and computes the rest again. */
  readonly checkpointing: boolean;
  /** How attention's products are counted. */
  readonly causal: "full" | "half";
  /** By group; `bytes` as the weights are stored. */
  readonly parameters: { readonly items: ParameterItem[]; readonly total: number; readonly bytes: number };
  /** FLOPs of one step's forward pass, and per token of it. */
  readonly forward: ForwardFlops & { readonly perToken: number };
  /** The step's matrix products. */
  readonly ops: OpFlops[];
  /** FLOPs of one step, by pass. */
  readonly step: StepFlops;
  /** The parts of the optimizer's update. */
  readonly optimizerUpdate: readonly UpdateItem[];
  /** The optimizer, and the one that trains what it does not take: what each updates. */
  readonly optimizerParts: readonly UpdatePart[];
  /** The items are those of a textbook's step; there are none for this project's own step. */
  readonly memory: TrainingMemory & { readonly activationItems: ActivationItem[] };
  /** The device for which times and batches are computed. */
  readonly device: Device;
  /** The most sequences per batch that fit into the device's memory; 0 if not even one does. */
  readonly largestBatch: number;
  /** The same for every combination of the choices that change memory. */
  readonly batchChoices: BatchChoice[];
  /**
   * Bytes for generating with a full context: per token in the cache, the weights, one sequence's cache, and the sum of
   * both.
   */
  readonly generation: {
    readonly kvCachePerToken: number;
    readonly weights: number;
    readonly kvCache: number;
    readonly total: number;
  };
  /** The whole training. */
  readonly training: {
    readonly tokens: number;
    readonly tokensPerParameter: number;
    /** tokens / (batch · accumulated batches · context), which need not be a whole number. */
    readonly steps: number;
    /** FLOPs of all steps and validations. */
    readonly flops: number;
    readonly validationFlops: number;
    /** FLOP/s of the device in this precision. */
    readonly peak: number;
    readonly mfu: number;
    readonly time: Duration;
    readonly tokensPerSecond: number;
    readonly energyKwh: number;
  };
}

/**
 * Counts everything about a model's training.
 * @throws {OptionError} If a number cannot work.
 */
export function account(request: AccountRequest): Account {
  const { name, batchSize = 1, gradAccumulation = 1, optimizer = "adamw", causal = "full", dtype } = request;
  const { precision, attention, checkpointing } = kindOfStep(request);
  const shape = validateShape(request.shape);
  const { tokens: givenTokens = 1, steps: givenSteps = 1 } = request;
  for (
    const [key, value] of Object.entries({ batchSize, gradAccumulation, tokens: givenTokens, steps: givenSteps })
  ) {
    if (!(value >= 1 && Number.isFinite(value))) {
      throw new OptionError(`Cannot account for training: got ${key} ${value}, must be at least 1`);
    }
  }
  const device: Device = DEVICES[request.device ?? "a100"];
  const flopsOptions = { batchSize: batchSize * gradAccumulation, causal, attentionBackward: attention } as const;
  const memoryOptions: MemoryOptions = { batchSize, precision, attention, checkpointing, optimizer };
  const { averageWeights } = request;
  const plannedStep = { batchSize, gradAccumulation, optimizer, dtype, averageWeights };
  const parameters = countParameters(shape);
  const step = stepFlops(shape, { ...flopsOptions, checkpointing, optimizer });

  const tokensPerStep = batchSize * gradAccumulation * shape.contextLength;
  const tokens = request.steps === undefined
    ? request.tokens ?? optimalTokens(parameters)
    : request.steps * tokensPerStep;
  const steps = request.steps ?? tokens / tokensPerStep;
  const peak = peakFlops(device, precision);
  const mfu = request.mfu ?? 0.5;
  const { every, batches } = request.validation ?? { every: Infinity, batches: 0 };
  const perBatch = forwardFlops(shape, { batchSize, causal }).total;
  const validationFlops = batches === 0 ? 0 : Math.ceil(steps / every) * batches * perBatch;
  const flops = steps * step.total + validationFlops;
  const time = timeFor(flops, peak, mfu);
  // This project saves its weights, and generates, in float32.
  const stored = dtype === undefined ? precision : "f32";

  return {
    name,
    shape,
    batchSize,
    gradAccumulation,
    optimizer,
    ...(dtype !== undefined && { dtype }),
    precision,
    attention,
    checkpointing,
    causal,
    parameters: { items: parameterItems(shape), total: parameters, bytes: parameters * PRECISIONS[stored].weights },
    forward: { ...forwardFlops(shape, flopsOptions), perToken: forwardFlopsPerToken(shape, flopsOptions) },
    ops: opFlops(shape, flopsOptions),
    step,
    optimizerUpdate: OPTIMIZERS[optimizer].work,
    optimizerParts: updateParts(shape, optimizer),
    memory: dtype === undefined
      ? { ...trainingMemory(shape, memoryOptions), activationItems: activationItems(shape, memoryOptions) }
      : { ...plannedTrainingMemory(shape, plannedStep), activationItems: [] },
    device,
    largestBatch: dtype === undefined
      ? largestBatch(shape, device.memory, memoryOptions)
      : largestPlannedBatch(shape, device.memory, plannedStep),
    batchChoices: batchChoices(shape, device.memory),
    generation: { kvCachePerToken: kvCacheBytesPerToken(shape, stored), ...generationMemory(shape, stored) },
    training: {
      tokens,
      tokensPerParameter: tokens / parameters,
      steps,
      flops,
      validationFlops,
      peak,
      mfu,
      time,
      tokensPerSecond: tokens / time.seconds,
      energyKwh: energyKwh(time, device.power),
    },
  };
}

/** A textbook's step as requested, or this project's in the same terms. */
function kindOfStep(
  { dtype, precision, attention, checkpointing }: AccountRequest,
): Pick<Account, "precision" | "attention" | "checkpointing"> {
  if (dtype === undefined) {
    return { precision: precision ?? "f32", attention: attention ?? "stored", checkpointing: checkpointing ?? false };
  }
  for (const [key, value] of Object.entries({ precision, attention, checkpointing })) {
    if (value === undefined) continue;
    throw new RangeError(
      `Cannot account for training: got dtype ${dtype} and ${key} ${value}, must be only one of them`,
    );
  }
  return { precision: dtype === "f16" ? "mixed-f16" : "f32", attention: "flash", checkpointing: false };
}
