// The flags of train-lm, and what they say of the configuration.
import { ARCHITECTURE_CHOICES, PRESETS } from "../../lib/model/config.ts";
import { TRAINING_DEFAULTS as DEFAULTS } from "../../lib/train/config.ts";
import type { ConfigParts } from "../../lib/run/merge_config.ts";
import { OPTIMIZER_NAMES } from "../../lib/train/optimizer/registry.ts";
import { SCHEDULES } from "../../lib/train/schedule.ts";
import { LARGEST_FIRST_SEED } from "../../lib/random/philox.ts";
import { GPU_FLAG } from "../cli/backend.ts";
import { UsageError } from "../cli/errors.ts";
import type { Flags } from "../cli/flags.ts";
import { PATTERN_FLAG } from "../cli/tokenizer.ts";

export const HELP = `
Trains a Transformer on token files and writes a run directory: config.json, the tokenizer's files, metrics.jsonl,
checkpoints, model.safetensors (the last weights), best.safetensors (those of the lowest validation loss) and
report.html.

  deno task train-lm --train FILE.npy --out RUN [options]
  deno task train-lm --resume RUN

Data
  --train FILE.npy       Token ids to train on, as written by encode, or by others as any type of whole numbers;
                         or shards by their index, PREFIX.index.json. Read by random windows, never loaded. Ids of
                         another tokenizer than --tokenizer are refused.
  --valid FILE.npy       Token ids to measure the validation loss on.
  --tokenizer PATH       The tokenizer that made them, a directory or a file; copied into the run, so that generate
                         finds it.
  --pattern NAME         What splits text, where the tokenizer's files do not say it, as encode had it.
  --out RUN              The run directory to make.
  --force                Replace RUN if it is a run and nothing else is in it.
  --resume RUN           Go on with a run that was interrupted or killed, from its newest whole checkpoint, with its own
                         configuration. --train and --valid name the data again if it was moved.

Configuration: the preset, then the file, then the flags, each over the one before
  --config FILE.json     An object with "preset", "model", "training". A run's config.json is one: what was said of that run
                         stands, and what followed from it (--min-lr, --warmup-steps, …) follows again from the flags.

Model
  --preset NAME          ${Object.keys(PRESETS).join(", ")} (default: tiny)
  --vocab-size N         Default: the tokenizer's.
  --context-length N     Tokens per sequence.
  --d-model N  --num-layers N  --num-heads N  --d-ff N
  --rope-theta X         Base of the rotary embedding's wavelengths.
  --norm NAME            rms or none (default: rms)
  --norm-place NAME      pre, or post: the norm of the residual stream after each sublayer (default: pre)
  --position NAME        rope or none (default: rope)
  --ffn NAME             swiglu, or silu: no gate, and --d-ff 1.5 times as wide unless given (default: swiglu)
  --tie-embeddings       The output head is the embedding's matrix.

Training
  --batch-size N         Sequences that go through the model together (default: ${DEFAULTS.batchSize})
  --grad-accumulation N  Such batches per step, their gradients averaged (default: ${DEFAULTS.gradAccumulation})
  --steps N              Optimizer updates (default: ${DEFAULTS.steps})
  --minutes N            Instead of --steps: measures the device for some seconds, then takes as many steps as fill the
                         time. Without --preset or a size, in flags or --config, it chooses the model too: the one that
                         sees nearest to 20 tokens per parameter, and its text four times at most.
  --optimizer NAME       ${OPTIMIZER_NAMES.join(" or ")} (default: ${DEFAULTS.optimizer})
  --schedule NAME        ${SCHEDULES.join(", ")} (default: ${DEFAULTS.schedule}): the learning rate after the warm-up
  --lr X                 Peak learning rate (default: ${DEFAULTS.lr})
  --min-lr X             Learning rate at the end, unless constant (default: a tenth of --lr)
  --warmup-steps N       Steps of linear warm-up (default: a twentieth of --steps)
  --decay-steps N        Of wsd: steps of linear decay at the end (default: a fifth of --steps)
  --weight-decay X       (default: ${DEFAULTS.weightDecay})
  --decay WHAT           all, or matrices: the norms' weights do not decay (default: ${DEFAULTS.decay})
  --beta1 X  --beta2 X   AdamW's moments (default: ${DEFAULTS.beta1}, ${DEFAULTS.beta2})
  --clip X               Largest global gradient norm; 0 or none for no clipping (default: ${DEFAULTS.clip})
  --valid-every N        Steps between validations (default: ${DEFAULTS.validEvery})
  --valid-batches N      Batches per validation (default: ${DEFAULTS.validBatches})
  --sample-every N       Steps between two short texts that the model makes, shown, and kept in metrics.jsonl and the
                         report; they change nothing of the training (default: none)
  --sample-prompt TEXT   What they go on from (default: the beginning of a document)
  --sample-tokens N      New tokens in each, at most (default: ${DEFAULTS.sampleTokens})
  --save-every N         Steps between checkpoints; Ctrl-C, SIGTERM and SIGHUP write one too (default: ${DEFAULTS.saveEvery})
  --keep N               Newest checkpoints to keep (default: ${DEFAULTS.keep})
  --dtype NAME           f32, or f16: operands of matrix products and attention, and what lies between layers, in f16, on a
                         GPU with shader-f16; weights, sums and optimizer stay f32 (default: ${DEFAULTS.dtype})
  --seed N               Decides initial weights and batches (default: ${DEFAULTS.seed})
  --backend NAME         auto, webgpu, native or wasm (default: auto: a hardware GPU where there is one, else native, which
                         is machine code for this processor, where that can be, else wasm)
  --gpu WHAT             dawn, or a file of it: a WebGPU that reaches an NVIDIA GPU's matrix units in f16; needs deno run -A
                         (default: Deno's own)

MFU is the share of the device's peak that the model's matrix products reach. The peak is measured, in f32, before and
after the run: the better counts or, where other programs slowed both down and a step was faster, that step.

Ctrl-C, SIGTERM and SIGHUP end a run in good order: after the step or validation under way a checkpoint and the weights are
written, and the exit code is 130 or 143. A second one ends it at once; --resume then goes on from the checkpoint before.
The exit code is 0 when all steps were taken, 2 for a mistake in the command line, and 1 for any other failure.
`;

const MODEL_FLAGS = {
  "vocab-size": { type: "integer", min: 1 },
  "context-length": { type: "integer", min: 1 },
  "d-model": { type: "integer", min: 1 },
  "num-layers": { type: "integer", min: 1 },
  "num-heads": { type: "integer", min: 1 },
  "d-ff": { type: "integer", min: 1 },
  "rope-theta": { type: "number", above: 0 },
  norm: { type: "string", choices: ARCHITECTURE_CHOICES.norm },
  "norm-place": { type: "string", choices: ARCHITECTURE_CHOICES.normPlace },
  position: { type: "string", choices: ARCHITECTURE_CHOICES.position },
  ffn: { type: "string", choices: ARCHITECTURE_CHOICES.ffn },
  "tie-embeddings": { type: "boolean" },
} as const;

const TRAINING_FLAGS = {
  "batch-size": { type: "integer", min: 1 },
  "grad-accumulation": { type: "integer", min: 1 },
  steps: { type: "integer", min: 1 },
  optimizer: { type: "string", choices: OPTIMIZER_NAMES },
  schedule: { type: "string", choices: SCHEDULES },
  lr: { type: "number", above: 0 },
  "min-lr": { type: "number", min: 0 },
  "warmup-steps": { type: "integer", min: 0 },
  "decay-steps": { type: "integer", min: 0 },
  "weight-decay": { type: "number", min: 0 },
  decay: { type: "string", choices: ["all", "matrices"] },
  beta1: { type: "number", min: 0, below: 1 },
  beta2: { type: "number", min: 0, below: 1 },
  clip: { type: "number", min: 0, words: { none: 0 } },
  "valid-every": { type: "integer", min: 1 },
  "valid-batches": { type: "integer", min: 1 },
  "sample-every": { type: "integer", min: 0 },
  "sample-prompt": { type: "string", mayBeEmpty: true },
  "sample-tokens": { type: "integer", min: 1 },
  "save-every": { type: "integer", min: 1 },
  keep: { type: "integer", min: 1 },
  dtype: { type: "string", choices: ["f32", "f16"] },
  seed: { type: "integer", min: 0, max: LARGEST_FIRST_SEED },
} as const;

export const FLAGS = {
  train: { type: "string" },
  valid: { type: "string" },
  tokenizer: { type: "string" },
  pattern: PATTERN_FLAG,
  out: { type: "string" },
  force: { type: "boolean" },
  resume: { type: "string" },
  config: { type: "string" },
  minutes: { type: "number", above: 0 },
  preset: { type: "string", choices: Object.keys(PRESETS) },
  ...MODEL_FLAGS,
  ...TRAINING_FLAGS,
  backend: { type: "string", choices: ["auto", "webgpu", "native", "wasm"] },
  gpu: GPU_FLAG,
} as const;

/** The values of train-lm's flags. */
export type TrainFlags = Flags<typeof FLAGS>;

/** What the flags say of the configuration. */
export function configParts(flags: TrainFlags): ConfigParts {
  return { preset: flags.preset, model: given(flags, MODEL_FLAGS), training: given(flags, TRAINING_FLAGS) };
}

/** @throws {UsageError} If a flag is given beside --resume that belongs to a new run. */
export function requireResumeFlags(flags: TrainFlags): void {
  const allowed = ["resume", "train", "valid", "backend", "gpu"];
  const other = Object.entries(flags).find(([name, value]) =>
    value !== undefined && value !== false && !allowed.includes(name)
  );
  if (other === undefined) return;
  throw new UsageError(
    `Cannot resume ${flags.resume}: got --${other[0]}, must be the run's own configuration. Leave it out, or start a ` +
      `new run with --out`,
  );
}

/** @throws {UsageError} If validation data are named for a run that began without. */
export function requireValidFlag({ resume, valid }: TrainFlags, isValidated: boolean): void {
  if (valid === undefined || isValidated) return;
  throw new UsageError(
    `Cannot resume ${resume}: got --valid, must be a run that began with validation data. Leave it out, or start a new ` +
      `run with --out`,
  );
}

/** @throws {UsageError} If a flag is missing that a new run needs, or two exclude each other. */
export function requireNewRunFlags(flags: TrainFlags): { train: string; out: string } {
  const { train, out, minutes, steps } = flags;
  if (minutes !== undefined && steps !== undefined) {
    throw new UsageError("Cannot run train-lm: got --minutes and --steps, must be one of them. Leave one out");
  }
  if (train !== undefined && out !== undefined) return { train, out };
  const missing = train === undefined ? "--train" : "--out";
  throw new UsageError(
    `Cannot run train-lm: got no ${missing}, must be given one (or --resume RUN). See: deno task train-lm --help`,
  );
}

/** The flags of a group that were given, by their names in the configuration. */
function given(flags: Readonly<Record<string, unknown>>, group: object): Record<string, unknown> {
  // A switch that is absent says nothing.
  const said = Object.keys(group).filter((name) => flags[name] !== undefined && flags[name] !== false);
  const entries = said.map((name) => {
    const key = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    return [key, flags[name]];
  });
  return Object.fromEntries(entries);
}
