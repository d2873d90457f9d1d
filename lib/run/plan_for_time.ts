import { countParameters } from "../accounting/parameters.ts";
import type { Backend } from "../backend/backend.ts";
import type { TokenSource } from "../dataset/token_source.ts";
import { UserError } from "../errors.ts";
import { withTemporaryDirectory } from "../io/atomic.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { seqLenOf, TRAINING_DEFAULTS } from "../train/config.ts";
import { predictRun } from "../train/predict_model.ts";
import { measureCosts } from "./measure_costs.ts";
import { type ConfigParts, mergeConfigs, type MergedConfig } from "./merge_config.ts";
import { modelLadder } from "./model_ladder.ts";
import { dropoutFor, MODERN_EPOCHS } from "./repeated_text.ts";
import { RECIPES } from "./recipes.ts";
import { RUN_ENTRIES } from "./run_entries.ts";
import { scheduleForTime, timedTraining } from "./time_schedule.ts";
import {
  type Candidate,
  type Choice,
  chooseCandidate,
  estimateSeconds,
  fitsCorpus,
  MAX_EPOCHS,
  RESERVE,
  type Resources,
  stepsWithin,
  tokensInTime,
  usesTimeUp,
} from "./time_budget.ts";

/** Options for planning a run that must fit into a given time. */
export interface TimePlanOptions {
  /** For measuring and training together. */
  readonly seconds: number;
  /** The settings that are given, as for `mergeConfigs`. */
  readonly parts: readonly ConfigParts[];
  /** The tokenizer of the text, if known: it determines the size of the vocabulary. */
  readonly tokenizer?: Tokenizer;
  /** The tokens to train on; their number limits the model's size. */
  readonly train: TokenSource;
  /** The tokens to validate with, if the run validates. */
  readonly valid?: TokenSource;
  /** Makes a backend like the run's. Measuring fills its memory, and then disposes of it. */
  readonly createBackend: () => Promise<Backend>;
  /** Where the run will be: writing checkpoints is timed beside it. */
  readonly directory: string;
  /** Stops measuring, with its reason. */
  readonly signal?: AbortSignal;
}

/** What was chosen, and why. */
export interface TimePlan {
  /**
   * What to train, and how: `steps`, `timeBudget` and the schedule fill the time. The schedule is `wsd` with a decay to
   * zero, unless another is given.
   */
  readonly config: MergedConfig;
  /** The chosen model, and how long its parts take. */
  readonly candidate: Candidate;
  /** How the model was chosen; absent if the configuration specifies it. */
  readonly choice?: {
    /** The number of models that were measured. */
    readonly compared: number;
    /** What limited its size. */
    readonly bound: Choice["bound"];
    /** How many times it may see its text. */
    readonly maxEpochs: number;
  };
  /** The dropout that was chosen because the text is read more than four times; absent if none was. */
  readonly dropout?: number;
  /** How long the run should take. */
  readonly estimatedSeconds: number;
  /** Tokens that the run goes through. */
  readonly tokens: number;
  /** How many times the run sees its corpus: `tokens` divided by the size of the corpus. */
  readonly epochs: number;
}

/** How many seconds of steps each model is measured for, and the chosen one again. */
const COMPARE_SECONDS = 1.5;
const CHOSEN_SECONDS = 3;

/** Shares of the time that these measurements may take. */
const COMPARE_SHARE = 0.02;
const CHOSEN_SHARE = 0.05;

/** The most memory that a chosen model may take: WebAssembly addresses 4 GiB, and a GPU's memory is unknown. */
const MAX_BYTES = 3 * 2 ** 30;

const SIZE_KEYS = ["dModel", "numLayers", "numHeads", "numKeyValueHeads", "headDim", "dFf"] as const;

/** Whether a configuration specifies the model, by a preset's name or a size. */
function saysModel({ preset, model = {} }: ConfigParts): boolean {
  return preset !== undefined || SIZE_KEYS.some((key) => model[key] !== undefined);
}

/**
 * Measures the device with real steps, throws them away, and chooses how many steps to take. If the configuration does
 * not specify a model, it also chooses one, by `chooseCandidate`.
 *
 * @throws {RangeError} If `seconds` is not a finite number above 0.
 * @throws {UserError} If not even one step fits into the time.
 */
export async function planForTime(options: TimePlanOptions): Promise<TimePlan> {
  const { seconds, train, directory } = options;
  if (!(Number.isFinite(seconds) && seconds > 0)) {
    throw new RangeError(`Cannot plan a run: got ${seconds} seconds, must be a number above 0`);
  }
  const vocabSize = options.tokenizer?.vocabSize;
  const said = options.parts;
  const parts = [scheduleForTime(said), ...said];
  const began = performance.now();
  const left = () => seconds * (1 - RESERVE) - (performance.now() - began) / 1000;
  return await withTemporaryDirectory(directory, async (scratch) => {
    const measure = async (config: MergedConfig, most: number): Promise<Candidate> => {
      await using backend = await options.createBackend();
      const { model, training } = config;
      return {
        parameters: countParameters(model),
        tokensPerStep: training.batchSize * training.gradAccumulation * seqLenOf(model, training),
        costs: await measureCosts(backend, { ...options, config, directory: scratch, seconds: most }),
      };
    };
    const choice = !parts.some(saysModel)
      ? await chooseModel(
        { ...options, parts },
        left,
        (config) => measure(config, Math.min(COMPARE_SECONDS, COMPARE_SHARE * seconds)),
      )
      : undefined;
    const shaped = choice?.parts ?? parts;
    const measureShortly = (config: MergedConfig) =>
      measure(config, Math.min(COMPARE_SECONDS, COMPARE_SHARE * seconds));
    const dropout = await chooseDropout(shaped, { vocabSize, train, left, measure: measureShortly }, choice?.candidate);
    const chosenParts = [...(dropout === 0 ? [] : [{ training: { dropout } }]), ...shaped];
    const base = mergeConfigs(chosenParts, vocabSize);
    const candidate = await measure(base, Math.min(CHOSEN_SECONDS, CHOSEN_SHARE * seconds));
    const resources: Resources = { ...base.training, seconds: left(), corpusTokens: train.length };
    const steps = stepsWithin(resources.seconds, candidate.costs, resources);
    if (steps === 0) {
      const needed = (performance.now() - began) / 1000 + estimateSeconds(1, candidate.costs, resources);
      throw new UserError(
        `Cannot train in ${(seconds / 60).toPrecision(3)} minutes: the device needs ${needed.toPrecision(2)} s ` +
          `to be measured and to take one step. Give more minutes, or a smaller model`,
      );
    }
    const timed = timedTraining(base, said, steps, resources.seconds);
    const tokens = steps * candidate.tokensPerStep;
    return {
      // What was chosen was not given.
      config: {
        ...mergeConfigs([...chosenParts, { training: timed }], vocabSize),
        given: mergeConfigs(said, vocabSize).given,
      },
      candidate,
      ...(choice && { choice: { compared: choice.compared, bound: choice.bound, maxEpochs: choice.maxEpochs } }),
      ...(dropout !== 0 && { dropout }),
      estimatedSeconds: estimateSeconds(steps, candidate.costs, resources),
      tokens,
      epochs: tokens / train.length,
    };
  }, RUN_ENTRIES);
}

/** Goes up the ladder until a model uses up the time, and chooses among those that were measured. */
async function chooseModel(
  { parts, tokenizer, train, valid }: TimePlanOptions,
  left: () => number,
  measure: (config: MergedConfig) => Promise<Candidate>,
): Promise<{ parts: readonly ConfigParts[]; candidate: Candidate } & NonNullable<TimePlan["choice"]>> {
  const vocabSize = tokenizer?.vocabSize;
  const ffn = parts.findLast(({ model }) => model?.ffn !== undefined)?.model?.ffn;
  const { recipe } = mergeConfigs(parts, vocabSize);
  const { lr } = { ...TRAINING_DEFAULTS, ...RECIPES[recipe ?? "course"].training };
  const maxEpochs = recipe === "modern" ? MODERN_EPOCHS : MAX_EPOCHS;
  const ladder = modelLadder(lr, ffn, recipe).map((rung) => [rung, ...parts]);
  const candidates: Candidate[] = [];
  for (const [i, rung] of ladder.entries()) {
    const config = mergeConfigs(rung, vocabSize);
    const { model, training } = config;
    const window = model.contextLength + 1;
    const isTooLarge = !fitsCorpus(countParameters(model), train.length, maxEpochs) || train.length < window ||
      (valid?.length ?? Infinity) < window || predictRun(model, training).memory.total > MAX_BYTES;
    if (i > 0 && isTooLarge) break;
    candidates.push(await measure(config));
    const resources = { ...training, seconds: left(), corpusTokens: train.length, maxEpochs };
    if (usesTimeUp(candidates[i], resources)) break;
  }
  const { training } = mergeConfigs(parts, vocabSize);
  const resources = { ...training, seconds: left(), corpusTokens: train.length, maxEpochs };
  const { index, bound } = chooseCandidate(candidates, resources);
  return { parts: ladder[index], candidate: candidates[index], compared: candidates.length, bound, maxEpochs };
}

/** The dropout of a run by the modern recipe that says none itself; 0 for any other. */
async function chooseDropout(
  parts: readonly ConfigParts[],
  { vocabSize, train, left, measure }: {
    readonly vocabSize: number | undefined;
    readonly train: TokenSource;
    readonly left: () => number;
    readonly measure: (config: MergedConfig) => Promise<Candidate>;
  },
  measured: Candidate | undefined,
): Promise<number> {
  const config = mergeConfigs(parts, vocabSize);
  if (config.recipe !== "modern" || parts.some(({ training }) => training?.dropout !== undefined)) return 0;
  const candidate = measured ?? await measure(config);
  const resources = { ...config.training, seconds: left(), corpusTokens: train.length };
  return dropoutFor(tokensInTime(candidate, resources) / train.length);
}
