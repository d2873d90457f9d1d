import { type Device, type DeviceName, DEVICES } from "../accounting/devices.ts";
import { expectedLoss, LOSS_FITS } from "../accounting/expected_loss.ts";
import { type KnownMfu, knownMfu } from "../accounting/measured_rates.ts";
import { TOKENS_PER_PARAMETER } from "../accounting/time.ts";
import type { TrainingPrediction } from "../accounting/training_summary.ts";
import { option, OptionError, say, UserError } from "../errors.ts";
import { TRAINING_DEFAULTS } from "../train/config.ts";
import { predictRun } from "../train/predict_model.ts";
import { chooseBatch, type Room, type RoomLimit, roomOf, tooLargeFor } from "./device_room.ts";
import { type ConfigParts, mergeConfigs, type MergedConfig } from "./merge_config.ts";
import { modelLadder } from "./model_ladder.ts";
import {
  type Candidate,
  chooseCandidate,
  chooseSteps,
  estimateSeconds,
  fitsCorpus,
  MAX_EPOCHS,
  RESERVE,
  type Resources,
  stepsWithin,
  tokensInTime,
} from "./time_budget.ts";

/** Options for planning a run on a device that is not here. */
export interface DevicePlanOptions {
  /** The device to plan for. */
  readonly device: DeviceName;
  /** For the whole run. */
  readonly seconds: number;
  /** Distinct tokens to train on. */
  readonly corpusTokens: number;
  /** Rows of the embedding. */
  readonly vocabSize: number;
  /** The model, where it is not to be chosen. */
  readonly model?: ConfigParts;
  /** The share of the device's float32 peak that training reaches. Default: `knownMfu`'s. */
  readonly mfu?: number;
}

/**
 * What kept a larger model from being chosen: the time; the corpus, which it would not see four times; that it has more
 * parameters than four epochs have tokens; that there is none on the ladder; memory, or the size of an array.
 */
export type Bound = "time" | "corpus" | "parameters" | "ladder" | RoomLimit;

/** What to train in a time on a device, and what it takes. Seconds, bytes and FLOPs, unless named otherwise. */
export interface DevicePlan {
  readonly device: Device;
  /** What was given. */
  readonly seconds: number;
  readonly corpusTokens: number;
  /** The share of the peak that is counted on, and how it is known. */
  readonly rate: KnownMfu;
  readonly peak: number;
  readonly room: Room;
  /** What to train, and how. */
  readonly config: MergedConfig;
  /** As train-lm predicts it of this configuration. */
  readonly prediction: TrainingPrediction;
  /** The models that were compared, smallest first, and the tokens that each could see in the time. */
  readonly compared: readonly { readonly parameters: number; readonly tokensInTime: number }[];
  /** What kept a larger model from being chosen; absent if the model was given. */
  readonly bound?: Bound;
  /** The most sequences that fit at once. */
  readonly largestBatch: number;
  readonly tokensPerStep: number;
  readonly tokens: number;
  readonly epochs: number;
  readonly tokensPerParameter: number;
  readonly tokensPerSecond: number;
  /** Whether the run ends early, because it has seen its corpus four times. */
  readonly isCorpusUsedUp: boolean;
  readonly costs: { readonly step: number; readonly validation: number };
  /** Steps and validations. */
  readonly estimatedSeconds: number;
  /** In nats per token, by each of `LOSS_FITS`. */
  readonly loss: Readonly<Record<keyof typeof LOSS_FITS, number>>;
}

/** A model with its batch, and how long its parts take. */
interface Rung extends Candidate {
  readonly parts: ConfigParts;
  readonly config: MergedConfig;
}

/**
 * Plans a run without the device: by its published peak and memory, where `planForTime` measures. The model is chosen
 * from the same ladder, by the same rules; it must also fit into the device's memory and WebGPU's arrays.
 *
 * @throws {OptionError} If a number cannot work.
 * @throws {UserError} If not even the smallest model fits, the text is shorter than a window, or the time than a step.
 */
export function planForDevice(options: DevicePlanOptions): DevicePlan {
  const { corpusTokens, vocabSize } = options;
  for (const key of ["seconds", "corpusTokens"] as const) {
    if (Number.isFinite(options[key]) && options[key] > 0) continue;
    throw new OptionError(`Cannot plan a run: got ${key} ${options[key]}, must be a number above 0`);
  }
  const device = DEVICES[options.device];
  const rate: KnownMfu = options.mfu === undefined ? knownMfu(options.device) : { mfu: options.mfu, source: "given" };
  if (!(rate.mfu > 0 && rate.mfu <= 1)) {
    throw new OptionError(`Cannot plan a run: got mfu ${rate.mfu}, must be above 0, at most 1`);
  }
  const flopsPerSecond = device.peakF32 * rate.mfu;
  const room = roomOf(device);
  const resources = resourcesOf(options);
  const ladder = options.model === undefined ? modelLadder(TRAINING_DEFAULTS.lr) : [options.model];
  const rungs: Rung[] = [];
  let refusedFor: RoomLimit | "parameters" | undefined;
  for (const parts of ladder) {
    refusedFor = refuse(mergeConfigs([parts], vocabSize), rungs.length === 0, corpusTokens, room);
    if (refusedFor !== undefined) break;
    rungs.push(rungOf(parts, vocabSize, room, flopsPerSecond, Infinity));
  }
  const { index, bound } = chooseCandidate(rungs, resources);
  const chosen = rungs[index];
  const isLast = index === rungs.length - 1;
  const inTime = stepsWithin(resources.seconds, chosen.costs, resources);
  const most = Math.min(inTime * chosen.tokensPerStep, MAX_EPOCHS * corpusTokens);
  // Few tokens are seen in smaller steps, so that there are enough of them.
  const rung = rungOf(chosen.parts, vocabSize, room, flopsPerSecond, most);
  const steps = chooseSteps(rung, resources);
  const stepsInTime = stepsWithin(resources.seconds, rung.costs, resources);
  if (stepsInTime === 0) {
    const needed = estimateSeconds(1, rung.costs, resources) / (1 - RESERVE);
    throw new UserError(
      `Cannot plan a run: got ${options.seconds} s on ${device.name}, must be at least ${needed.toPrecision(2)} s, ` +
        `in which it takes one step. Give more time`,
    );
  }
  const config = mergeConfigs([rung.parts, { training: { ...batchOf(rung), steps } }], vocabSize);
  const prediction = predictRun(config.model, config.training);
  const { parameters } = prediction;
  const tokens = steps * rung.tokensPerStep;
  const wouldBeLarger = bound === "corpus" || tokens > TOKENS_PER_PARAMETER * parameters;
  return {
    device,
    seconds: options.seconds,
    corpusTokens,
    rate,
    peak: device.peakF32,
    room,
    config,
    prediction,
    compared: rungs.map((rung) => {
      return { parameters: rung.parameters, tokensInTime: tokensInTime(rung, resources) };
    }),
    ...(options.model === undefined && { bound: isLast && wouldBeLarger ? refusedFor ?? "ladder" : bound }),
    largestBatch: chooseBatch(config.model, room, Infinity).largest,
    tokensPerStep: rung.tokensPerStep,
    tokens,
    epochs: tokens / corpusTokens,
    tokensPerParameter: tokens / parameters,
    tokensPerSecond: rung.tokensPerStep / rung.costs.step,
    isCorpusUsedUp: steps < stepsInTime,
    costs: { step: rung.costs.step, validation: rung.costs.validation },
    estimatedSeconds: estimateSeconds(steps, rung.costs, resources),
    loss: {
      hoffmann2022: expectedLoss(parameters, tokens, LOSS_FITS.hoffmann2022),
      besiroglu2024: expectedLoss(parameters, tokens, LOSS_FITS.besiroglu2024),
    },
  };
}

function resourcesOf({ seconds, corpusTokens }: DevicePlanOptions): Resources {
  return { ...TRAINING_DEFAULTS, seconds: seconds * (1 - RESERVE), corpusTokens };
}

/**
 * Why a model cannot be trained, if it cannot.
 * @throws {UserError} If it is the first, beside which there is none.
 */
function refuse(
  { model }: MergedConfig,
  isFirst: boolean,
  corpusTokens: number,
  room: Room,
): RoomLimit | "parameters" | undefined {
  const limit = tooLargeFor(model, room);
  const isTooMuch = corpusTokens < model.contextLength + 1 ||
    (!isFirst && !fitsCorpus(predictRun(model, TRAINING_DEFAULTS).parameters, corpusTokens));
  if (!isFirst) return limit?.limit ?? (isTooMuch ? "parameters" : undefined);
  if (limit !== undefined) {
    throw new UserError(say`Cannot plan a run: ${limit.message}. Lower ${option("vocabSize")}, or use a smaller model`);
  }
  if (isTooMuch) {
    throw new UserError(
      `Cannot plan a run: got ${Math.floor(corpusTokens)} tokens of text, must be at least ` +
        `${model.contextLength + 1}: a window of the model, and the token after it. Use more text`,
    );
  }
  return undefined;
}

/** A model with the batch that fits, and what its parts take: three times the forward pass a step, once a validation. */
function rungOf(
  parts: ConfigParts,
  vocabSize: number,
  room: Room,
  flopsPerSecond: number,
  tokens: number,
): Rung {
  const { batchSize, gradAccumulation } = chooseBatch(mergeConfigs([parts], vocabSize).model, room, tokens);
  const config = mergeConfigs([parts, { training: { batchSize, gradAccumulation } }], vocabSize);
  const { model, training } = config;
  const { parameters, forwardFlops } = predictRun(model, training);
  const tokensPerStep = batchSize * gradAccumulation * model.contextLength;
  const secondsPerToken = forwardFlops / flopsPerSecond;
  return {
    parts,
    config,
    parameters,
    tokensPerStep,
    costs: {
      step: 3 * tokensPerStep * secondsPerToken,
      validation: training.validBatches * batchSize * model.contextLength * secondsPerToken,
      checkpoint: 0,
      sample: 0,
    },
  };
}

function batchOf({ config }: Rung): { readonly batchSize: number; readonly gradAccumulation: number } {
  const { batchSize, gradAccumulation } = config.training;
  return { batchSize, gradAccumulation };
}
