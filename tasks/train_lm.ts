/**
 * Trains a Transformer on token files.
 *
 *   deno task train-lm --train train.npy --valid valid.npy --tokenizer TOKENIZER --out RUN
 */
import {
  formatMeasurement,
  formatPrediction,
  measureTraining,
  predictTraining,
} from "../lib/accounting/training_summary.ts";
import type { Backend } from "../lib/backend/backend.ts";
import { requireVocabulary, requireWindow } from "../lib/dataset/batches.ts";
import { NpyReader } from "../lib/dataset/npy_file.ts";
import type { Program } from "../lib/graph/program.ts";
import { type ModelConfig, PRESETS, validateModelConfig } from "../lib/model/config.ts";
import { parameterSpecs, sizeOf } from "../lib/model/parameters.ts";
import { Transformer } from "../lib/model/transformer.ts";
import { initialWeights } from "../lib/model/weights.ts";
import { saveWeights } from "../lib/model/weights_file.ts";
import { loadTokenizer, saveTokenizer, type Tokenizer } from "../lib/tokenizer/mod.ts";
import { TRAINING_DEFAULTS as DEFAULTS, type TrainingConfig, validateTrainingConfig } from "../lib/train/config.ts";
import { MetricsLog, RUN_FILES, writeRunConfig } from "../lib/train/run_directory.ts";
import { type StepMetrics, train } from "../lib/train/train.ts";
import { startBackend } from "./cli/backend.ts";
import { UserError } from "./cli/errors.ts";
import { requireAbsent, requireInputFile } from "./cli/files.ts";
import type { Flags } from "./cli/flags.ts";
import { formatSeconds, startProgress } from "./cli/progress.ts";
import { runTask } from "./cli/run.ts";

const HELP = `
Trains a Transformer on token files and writes a run directory: config.json, the tokenizer's files,
model.safetensors and metrics.jsonl.

  deno task train-lm --train FILE.npy --out RUN [options]

Data
  --train FILE.npy       Token ids to train on (uint16 or uint32), as written by encode.
  --valid FILE.npy       Token ids to measure the validation loss on.
  --tokenizer DIR        The tokenizer that made them; copied into the run, so that generate finds it.
  --out RUN              The run directory to make.
  --force                Replace an existing run.

Model (a preset, and what differs from it)
  --preset NAME          ${Object.keys(PRESETS).join(", ")} (default: tiny)
  --vocab-size N         Default: the tokenizer's.
  --context-length N     Tokens per sequence.
  --d-model N  --num-layers N  --num-heads N  --d-ff N
  --rope-theta X         Base of the rotary embedding's wavelengths.

Training
  --batch-size N         Sequences per step (default: ${DEFAULTS.batchSize})
  --steps N              Optimizer updates (default: ${DEFAULTS.steps})
  --lr X                 Peak learning rate (default: ${DEFAULTS.lr})
  --min-lr X             Learning rate at the end of the cosine (default: a tenth of --lr)
  --warmup-steps N       Steps of linear warm-up (default: a twentieth of --steps)
  --weight-decay X       (default: ${DEFAULTS.weightDecay})
  --beta1 X  --beta2 X   AdamW's moments (default: ${DEFAULTS.beta1}, ${DEFAULTS.beta2})
  --clip X               Largest global gradient norm (default: ${DEFAULTS.clip})
  --valid-every N        Steps between validations (default: ${DEFAULTS.validEvery})
  --valid-batches N      Batches per validation (default: ${DEFAULTS.validBatches})
  --seed N               Decides initial weights and batches (default: ${DEFAULTS.seed})
  --backend NAME         auto, webgpu or wasm (default: auto: a hardware GPU where there is one, else wasm)
`;

const FLAGS = {
  train: { type: "string", required: true },
  valid: { type: "string" },
  tokenizer: { type: "string" },
  out: { type: "string", required: true },
  force: { type: "boolean" },
  preset: { type: "string", default: "tiny", choices: Object.keys(PRESETS) },
  "vocab-size": { type: "integer", min: 1 },
  "context-length": { type: "integer", min: 1 },
  "d-model": { type: "integer", min: 1 },
  "num-layers": { type: "integer", min: 1 },
  "num-heads": { type: "integer", min: 1 },
  "d-ff": { type: "integer", min: 1 },
  "rope-theta": { type: "number" },
  "batch-size": { type: "integer", default: DEFAULTS.batchSize, min: 1 },
  steps: { type: "integer", default: DEFAULTS.steps, min: 1 },
  lr: { type: "number", default: DEFAULTS.lr },
  "min-lr": { type: "number" },
  "warmup-steps": { type: "integer", min: 0 },
  "weight-decay": { type: "number", default: DEFAULTS.weightDecay },
  beta1: { type: "number", default: DEFAULTS.beta1 },
  beta2: { type: "number", default: DEFAULTS.beta2 },
  clip: { type: "number", default: DEFAULTS.clip },
  "valid-every": { type: "integer", default: DEFAULTS.validEvery, min: 1 },
  "valid-batches": { type: "integer", default: DEFAULTS.validBatches, min: 1 },
  seed: { type: "integer", default: DEFAULTS.seed, min: 0 },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "wasm"] },
} as const;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "train-lm", help: HELP, flags: FLAGS }, args, trainLm);
}

async function trainLm(flags: Flags<typeof FLAGS>): Promise<void> {
  await requireAbsent(flags.out, flags.force);
  for (const path of [flags.train, flags.valid]) if (path !== undefined) await requireInputFile(path);
  const tokenizer = flags.tokenizer === undefined ? undefined : await loadTokenizer(flags.tokenizer);
  const model = new Transformer(modelConfig(flags, tokenizer));
  const config = trainingConfig(flags);
  using trainTokens = await NpyReader.open(flags.train);
  using validTokens = flags.valid === undefined ? undefined : await NpyReader.open(flags.valid);
  for (const tokens of [trainTokens, validTokens]) {
    if (tokens === undefined) continue;
    requireWindow(tokens, model.config.contextLength);
    await requireVocabulary(tokens, model.config.vocabSize);
  }
  await using backend = await startBackend(flags.backend);

  const parameters = parameterSpecs(model.config).reduce((sum, spec) => sum + sizeOf(spec), 0);
  const predicted = predictTraining(model.config, config);
  console.error(
    `${trainTokens.length.toLocaleString("en-US")} tokens; ${backend.name}: ${backend.description}\n` +
      formatPrediction(predicted),
  );
  if (flags.force) await Deno.remove(flags.out, { recursive: true }).catch(ignoreNotFound);
  await Deno.mkdir(flags.out, { recursive: true });
  await writeRunConfig(flags.out, { model: model.config, training: config });
  if (tokenizer) await saveTokenizer(tokenizer, flags.out);

  using interrupt = abortOnInterrupt();
  const weights = initialWeights(model.config, config.seed);
  let program: Program | undefined;
  const steps = train({
    backend,
    model,
    config,
    weights,
    train: trainTokens,
    valid: validTokens,
    signal: interrupt.signal,
    onProgram: (loaded) => program = loaded,
  });
  const { first, last, tokensPerSecond } = await followSteps(steps, config, model.config, flags.out);
  await saveWeights(`${flags.out}/${RUN_FILES.weights}`, backend, model);
  const tokensPerStep = config.batchSize * model.config.contextLength;
  const measured = measureTraining({ program: program!, parameters, tokensPerStep, tokensPerSecond });
  console.log(`${summary(first, last, backend, flags.out)}\n${formatMeasurement(predicted, measured)}`);
}

function modelConfig(flags: Flags<typeof FLAGS>, tokenizer: Tokenizer | undefined): ModelConfig {
  const preset = PRESETS[flags.preset];
  const vocabSize = flags["vocab-size"] ?? tokenizer?.vocabSize;
  if (vocabSize === undefined) {
    throw new UserError(
      "Cannot build the model: got no vocabulary size, must be known. Pass --tokenizer DIR or --vocab-size N",
    );
  }
  if (tokenizer && tokenizer.vocabSize > vocabSize) {
    throw new UserError(
      `Cannot build the model: got --vocab-size ${vocabSize}, must be at least the tokenizer's ${tokenizer.vocabSize}. ` +
        `Leave --vocab-size out to take the tokenizer's`,
    );
  }
  return validateModelConfig({
    vocabSize,
    contextLength: flags["context-length"] ?? preset.contextLength,
    dModel: flags["d-model"] ?? preset.dModel,
    numLayers: flags["num-layers"] ?? preset.numLayers,
    numHeads: flags["num-heads"] ?? preset.numHeads,
    dFf: flags["d-ff"] ?? preset.dFf,
    ropeTheta: flags["rope-theta"] ?? preset.ropeTheta,
  });
}

function trainingConfig(flags: Flags<typeof FLAGS>): TrainingConfig {
  return validateTrainingConfig({
    batchSize: flags["batch-size"],
    steps: flags.steps,
    lr: flags.lr,
    minLr: flags["min-lr"] ?? flags.lr / 10,
    warmupSteps: flags["warmup-steps"] ?? Math.floor(flags.steps / 20),
    weightDecay: flags["weight-decay"],
    beta1: flags.beta1,
    beta2: flags.beta2,
    eps: DEFAULTS.eps,
    clip: flags.clip,
    seed: flags.seed,
    validEvery: flags["valid-every"],
    validBatches: flags["valid-batches"],
  });
}

/** Shows and records every step. Returns the first and the last step's metrics, and the whole run's throughput. */
async function followSteps(
  steps: AsyncIterable<StepMetrics>,
  config: TrainingConfig,
  model: ModelConfig,
  out: string,
): Promise<{ first: StepMetrics; last: StepMetrics; tokensPerSecond: number }> {
  using log = await MetricsLog.open(out);
  const progress = startProgress(
    config.steps,
    "step {value}/{total} [{bar}] loss {loss}  valid {valid}  {speed} tokens/s  ETA {left}",
    { loss: "-", valid: "-", speed: "-", left: "-" },
  );
  let first: StepMetrics | undefined;
  let last: StepMetrics | undefined;
  let valid = "-";
  let secondsPerToken = 0;
  try {
    for await (const metrics of steps) {
      await log.append(metrics);
      first ??= metrics;
      last = metrics;
      secondsPerToken += 1 / metrics.tokensPerSecond;
      valid = metrics.validLoss?.toFixed(3) ?? valid;
      const tokensLeft = (config.steps - 1 - metrics.step) * config.batchSize * model.contextLength;
      progress.update(metrics.step + 1, {
        loss: metrics.loss.toFixed(3),
        valid,
        speed: metrics.tokensPerSecond.toLocaleString("en-US"),
        left: formatSeconds(tokensLeft / metrics.tokensPerSecond),
      });
    }
  } finally {
    progress.stop();
  }
  if (first === undefined || last === undefined) throw new Error("Cannot train: no step was taken");
  return { first, last, tokensPerSecond: (last.step - first.step + 1) / secondsPerToken };
}

function summary(first: StepMetrics, last: StepMetrics, backend: Backend, out: string): string {
  const valid = last.validLoss === undefined
    ? ""
    : `, validation loss ${last.validLoss.toFixed(3)} (perplexity ${Math.exp(last.validLoss).toFixed(1)})`;
  return `Trained ${last.step + 1} steps on ${backend.name}: loss ${first.loss.toFixed(3)} → ${
    last.loss.toFixed(3)
  }${valid}. Written to ${out}`;
}

/** Ctrl-C ends training after the step under way; what was learned is saved. */
function abortOnInterrupt(): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const onInterrupt = () => controller.abort();
  Deno.addSignalListener("SIGINT", onInterrupt);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => Deno.removeSignalListener("SIGINT", onInterrupt),
  };
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
