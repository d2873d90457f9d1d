import { OptionError } from "../errors.ts";
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
import { ADAMW_UPDATE, type UpdateItem } from "./optimizer.ts";
import { countParameters, type ParameterItem, parameterItems } from "./parameters.ts";
import { peakFlops, type PrecisionName, PRECISIONS } from "./precision.ts";
import { type ModelShape, validateShape } from "./shape.ts";
import { type Duration, energyKwh, optimalTokens, type StepFlops, stepFlops, timeFor } from "./time.ts";

/** What is to be accounted for. */
export interface AccountRequest {
  /** What the model is called. */
  readonly name: string;
  readonly shape: ModelShape;
  /** Sequences per step. Default: 1. */
  readonly batchSize?: number;
  /** Default: a100. */
  readonly device?: DeviceName;
  /** The share of the device's peak that all FLOPs counted here reach, recomputed ones included. Default: 0.5. */
  readonly mfu?: number;
  /** Tokens to train on. Default: 20 per parameter. */
  readonly tokens?: number;
  /** Steps to train for, instead of `tokens`. */
  readonly steps?: number;
  readonly precision?: PrecisionName;
  readonly attention?: "stored" | "flash";
  readonly checkpointing?: boolean;
  readonly causal?: "full" | "half";
}

/** Every number of an account, exact. Bytes, FLOPs and seconds unless named otherwise. */
export interface Account {
  readonly name: string;
  readonly shape: ModelShape;
  readonly batchSize: number;
  readonly precision: PrecisionName;
  readonly attention: "stored" | "flash";
  readonly checkpointing: boolean;
  readonly causal: "full" | "half";
  readonly parameters: { readonly items: ParameterItem[]; readonly total: number; readonly bytes: number };
  readonly forward: ForwardFlops & { readonly perToken: number };
  readonly ops: OpFlops[];
  readonly step: StepFlops;
  readonly optimizerUpdate: readonly UpdateItem[];
  readonly memory: TrainingMemory & { readonly activationItems: ActivationItem[] };
  readonly device: Device;
  readonly largestBatch: number;
  readonly batchChoices: BatchChoice[];
  readonly generation: {
    readonly kvCachePerToken: number;
    readonly weights: number;
    readonly kvCache: number;
    readonly total: number;
  };
  readonly training: {
    readonly tokens: number;
    readonly tokensPerParameter: number;
    /** Not always whole: tokens / (batch · context). */
    readonly steps: number;
    readonly flops: number;
    /** FLOP/s of the device in this precision. */
    readonly peak: number;
    readonly mfu: number;
    readonly time: Duration;
    readonly tokensPerSecond: number;
    readonly energyKwh: number;
  };
}

/**
 * Accounts for everything about a model's training.
 * @throws {OptionError} If a number cannot work.
 */
export function account(request: AccountRequest): Account {
  const { name, batchSize = 1, precision = "f32", attention = "stored", checkpointing = false, causal = "full" } =
    request;
  const shape = validateShape(request.shape);
  for (const [key, value] of Object.entries({ batchSize, tokens: request.tokens ?? 1, steps: request.steps ?? 1 })) {
    if (!(value >= 1 && Number.isFinite(value))) {
      throw new OptionError(`Cannot account for training: got ${key} ${value}, must be at least 1`);
    }
  }
  const device: Device = DEVICES[request.device ?? "a100"];
  const flopsOptions = { batchSize, causal, attentionBackward: attention } as const;
  const memoryOptions: MemoryOptions = { batchSize, precision, attention, checkpointing };
  const parameters = countParameters(shape);
  const step = stepFlops(shape, { ...flopsOptions, checkpointing });

  const tokensPerStep = batchSize * shape.contextLength;
  const tokens = request.steps === undefined
    ? request.tokens ?? optimalTokens(parameters)
    : request.steps * tokensPerStep;
  const steps = request.steps ?? tokens / tokensPerStep;
  const peak = peakFlops(device, precision);
  const mfu = request.mfu ?? 0.5;
  const time = timeFor(steps * step.total, peak, mfu);

  return {
    name,
    shape,
    batchSize,
    precision,
    attention,
    checkpointing,
    causal,
    parameters: {
      items: parameterItems(shape),
      total: parameters,
      bytes: parameters * PRECISIONS[precision].weights,
    },
    forward: { ...forwardFlops(shape, flopsOptions), perToken: forwardFlopsPerToken(shape, flopsOptions) },
    ops: opFlops(shape, flopsOptions),
    step,
    optimizerUpdate: ADAMW_UPDATE,
    memory: { ...trainingMemory(shape, memoryOptions), activationItems: activationItems(shape, memoryOptions) },
    device,
    largestBatch: largestBatch(shape, device.memory, memoryOptions),
    batchChoices: batchChoices(shape, device.memory),
    generation: { kvCachePerToken: kvCacheBytesPerToken(shape, precision), ...generationMemory(shape, precision) },
    training: {
      tokens,
      tokensPerParameter: tokens / parameters,
      steps,
      flops: steps * step.total,
      peak,
      mfu,
      time,
      tokensPerSecond: tokens / time.seconds,
      energyKwh: energyKwh(time, device.power),
    },
  };
}
