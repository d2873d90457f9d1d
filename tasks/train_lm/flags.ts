// The flags of train-lm, and the configuration that they give.
import { ARCHITECTURE_CHOICES, PRESETS } from "../../lib/model/config.ts";
import { TRAINING_DEFAULTS as DEFAULTS } from "../../lib/train/config.ts";
import type { ConfigParts } from "../../lib/run/merge_config.ts";
import { RECIPE_NAMES } from "../../lib/run/recipes.ts";
import { OPTIMIZER_NAMES } from "../../lib/train/optimizer/registry.ts";
import { FREE_SETTINGS } from "../../lib/run/free_settings.ts";
import { SCHEDULES } from "../../lib/train/schedule.ts";
import { LARGEST_FIRST_SEED } from "../../lib/random/philox.ts";
import { GPU_FLAG } from "../cli/backend.ts";
import { UsageError } from "../cli/errors.ts";
import { type Flags, missingFlags } from "../cli/flags.ts";
import { PRESETS_HELP } from "../cli/presets_help.ts";
import { flagOf } from "../cli/wording.ts";
import { PATTERN_FLAG } from "../cli/tokenizer.ts";
import { CHAT_FLAGS, CHAT_HELP, requireChatFlags } from "./chat_flags.ts";
import { LORA_FLAGS, LORA_HELP, loraSettings, requireLoraFlags } from "./lora_flags.ts";

export const HELP = `
Trains a Transformer on token files and writes a run directory: config.json, the tokenizer's files, metrics.jsonl,
checkpoints, model.safetensors (the last weights), best.safetensors (those with the lowest validation loss) and
report.html.

  deno task train-lm --train out/train.npy --tokenizer out/tokenizer --out out/run --steps 200
  deno task train-lm --train FILE.npy --out RUN [options]
  deno task train-lm --from RUN --train FILE.npy --out NEW [options]
  deno task train-lm --from RUN --sft FILE.jsonl --out NEW [options]
  deno task train-lm --resume RUN

Data
  --train FILE.npy       Token ids to train on, from encode, or of any integer type from elsewhere; or the index of
                         shards, PREFIX.index.json. Read in random windows, never loaded as a whole. Refused if they
                         are from a tokenizer other than --tokenizer.
  --valid FILE.npy       Token ids to measure the validation loss on.
  --tokenizer PATH       The tokenizer that made them, a directory or a file. It is copied into the run, where generate
                         finds it.
  --pattern NAME         How text is split, as for encode, if the tokenizer's files do not say.
  --out RUN              The run directory to make.
  --force                Replace RUN if it holds a run and nothing else.
  --resume RUN           Continue a run that was interrupted or killed, from its newest complete checkpoint, with its own
                         configuration. If the data has moved, give --train and --valid again. Flags that change no step
                         may be given: --valid where there was none, --valid-every, --valid-batches, --patience,
                         --sample-…, --save-every and --keep; and more --steps, if the schedule is constant, or wsd before
                         its decay.
  --from RUN             Start from another run's weights, for fine-tuning: the last ones, RUN@best, or RUN@STEP for a
                         checkpoint's. The model's shape and the tokenizer are that run's. Its other settings are not:
                         they suit training from nothing. (--config RUN/config.json takes them over.)
  --keep-optimizer       Take the optimizer's state from there too, from a checkpoint.
${CHAT_HELP}
${LORA_HELP}

Configuration: the recipe, the preset, then the file, then the flags; each overrides the one before
  --recipe NAME          course: the model and training of Stanford CS336. modern: what learned most in the same time here;
                         --qk-norm head, --tie-embeddings, --scale-embeddings, --optimizer muon, --schedule wsd with a decay to zero over the last 45 % of the
                         steps, and --warmup-steps of 2 % (default: course; modern with --minutes and no --preset)
  --config FILE.json     An object with "preset", "model" and "training", such as a run's config.json. What was set for
                         that run is kept; what was derived (--min-lr, --warmup-steps, …) is derived again. "model"
                         may also have what no flag gives: bias, slidingWindow, headDim, normEps, ropeScaling and more.

Model
  --preset NAME          One of those below (default: tiny)
  --vocab-size N         Default: the tokenizer's.
  --context-length N     Tokens per sequence.
  --d-model N  --num-layers N  --num-heads N  --d-ff N
  --rope-theta X         Base of the rotary embedding's wavelengths.
  --num-key-value-heads N  Heads of keys and values, each shared by several heads (default: --num-heads)
  --norm NAME            rms, layer or none (default: rms)
  --norm-place NAME      pre, post: the norm of the residual stream after each sublayer, or output: that of what a sublayer
                         adds (default: pre)
  --qk-norm NAME         The norm of queries and keys: none, head: of each head, or width: of all together (default: none)
  --value-embeddings WHICH  Layers whose values get a vector of their token added, from a table of each: none, alternate:
                         every second layer, the last one included, or all (default: none)
  --position NAME        rope, learned or none (default: rope)
  --ffn NAME             With a gate: swiglu or geglu; without, and --d-ff 1.5 times as wide unless given: silu, gelu (by
                         tanh), gelu_erf or relu_squared (default: swiglu)
  --logit-soft-cap X     Keep logits within ±X: they become X · tanh(logit / X), as in Gemma 2 with 30 (default: no cap)
  --tie-embeddings       Use the embedding's matrix as the output head.
  --scale-embeddings     Multiply embeddings by √d-model, and start them smaller by as much; best with --tie-embeddings.

Presets, and their parameters
${PRESETS_HELP}

Training
  --batch-size N         Sequences that go through the model together (default: ${DEFAULTS.batchSize})
  --grad-accumulation N  Batches per step, whose gradients are averaged (default: ${DEFAULTS.gradAccumulation})
  --steps N              Optimizer updates (default: ${DEFAULTS.steps})
  --minutes N            Instead of --steps: measure the device for some seconds, then take as many steps as fill the
                         time; their number follows the machine's pace until the learning rate decays. Without --preset,
                         by the modern recipe. Without --schedule, this is wsd, with a decay to zero over the last 30 %
                         of the steps, or the recipe's 45 %. Without --preset or a size, in flags or --config, this also
                         chooses the model: the one that comes nearest to 20 tokens per parameter, or the largest that
                         can see its text four times, or eight by the modern recipe, with --dropout.
  --optimizer NAME       ${OPTIMIZER_NAMES.join(", ")} (default: ${DEFAULTS.optimizer})
  --schedule NAME        ${SCHEDULES.join(", ")} (default: ${DEFAULTS.schedule}): the learning rate after the warm-up
  --lr X                 Peak learning rate (default: ${DEFAULTS.lr})
  --min-lr X             Learning rate at the end, unless constant (default: a tenth of --lr)
  --warmup-steps N       Steps of linear warm-up (default: a twentieth of --steps)
  --decay-steps N        For wsd: steps of linear decay at the end (default: a fifth of --steps)
  --weight-decay X       (default: ${DEFAULTS.weightDecay})
  --decay WHAT           all, or matrices: norms and biases do not decay (default: ${DEFAULTS.decay})
  --beta1 X  --beta2 X   AdamW's moments (default: ${DEFAULTS.beta1}, ${DEFAULTS.beta2})
  --momentum X           Muon's momentum (default: ${DEFAULTS.momentum})
  --muon-lr-scale X      For muon: the learning rate of the matrices inside blocks, as a multiple of --lr, with which
                         AdamW trains the rest (default: ${DEFAULTS.muonLrScale})
  --freeze NAME,...      Parameters that stay as they are, or the beginnings of their names up to a dot: layers.0
  --dropout X            In training, drop this share of the embeddings and of each sublayer's output (default: 0)
  --z-loss X             Add X times log²Z to what training minimises, where Z is the sum of exp(logit): it keeps logits
                         from drifting. The losses that are shown are without it (default: 0; usual: 1e-4)
  --average-weights X    Also keep an average of the weights over about the last share X of the steps so far, such as 0.1. It
                         is validated beside the weights, and the better of the two is the run's model (default: none)
  --clip X               Largest global gradient norm; 0 or none for no clipping (default: ${DEFAULTS.clip})
  --valid-every N        Steps between validations (default: ${DEFAULTS.validEvery})
  --valid-batches N      Batches per validation (default: ${DEFAULTS.validBatches})
  --patience N           Stop after N validations without a lower loss; best.safetensors has the weights of the lowest
                         (default: take all steps)
  --sample-every N       Every N steps, print a short sample of the model's text, and keep it in metrics.jsonl and the
                         report; the training itself is not affected (default: none)
  --sample-prompt TEXT   The prompt of the samples (default: the beginning of a document)
  --sample-tokens N      The most new tokens in a sample (default: ${DEFAULTS.sampleTokens})
  --save-every N         Steps between checkpoints; Ctrl-C, SIGTERM and SIGHUP write one too (default: ${DEFAULTS.saveEvery})
  --keep N               How many of the newest checkpoints to keep (default: ${DEFAULTS.keep})
  --dtype NAME           f32, or f16 on a GPU with shader-f16: operands of matrix products and attention, and what is
                         passed between layers, are f16; weights, sums and optimizer stay f32. Or bf16 on native, where
                         the processor has AMX or AVX512_BF16: operands of linear maps are rounded to bf16, and all else
                         stays f32 (default: ${DEFAULTS.dtype})
  --seed N               Decides the initial weights and the batches (default: ${DEFAULTS.seed})
  --zero-init-outputs    Start the last linear map of each attention and feed-forward as zeros.
  --backend NAME         auto, webgpu, native or wasm (default: auto, a hardware GPU if there is one, else native, which
                         is machine code for this processor, if there can be any, else wasm)
  --gpu WHAT             dawn, or the path of its add-on: a WebGPU that uses an NVIDIA GPU's matrix units in f16; needs
                         deno run -A (default: Deno's own)

Output
  --quiet                Print only warnings, and how the run ended.
  --verbose              Print what was predicted beside what was measured.

MFU is the share of the device's peak that the model's matrix products reach. The peak is measured in f32 before and after
the run, and the better one counts. If other programs slowed both down and a step was faster, that step counts.

Ctrl-C, SIGTERM and SIGHUP end a run cleanly: after the current step or validation, it writes a checkpoint and the weights,
and exits with code 130, 143 or 129. A second one ends it at once; --resume then continues from the last checkpoint.
The exit code is 0 when all steps have been taken or --patience ended the run, 2 for a mistake in the command line, and 1
for any other failure.
`;

const MODEL_FLAGS = {
  "vocab-size": { type: "integer", min: 1 },
  "context-length": { type: "integer", min: 1 },
  "d-model": { type: "integer", min: 1 },
  "num-layers": { type: "integer", min: 1 },
  "num-heads": { type: "integer", min: 1 },
  "d-ff": { type: "integer", min: 1 },
  "rope-theta": { type: "number", above: 0 },
  "num-key-value-heads": { type: "integer", min: 1 },
  norm: { type: "string", choices: ARCHITECTURE_CHOICES.norm },
  "norm-place": { type: "string", choices: ARCHITECTURE_CHOICES.normPlace },
  "qk-norm": { type: "string", choices: ARCHITECTURE_CHOICES.qkNorm },
  "value-embeddings": { type: "string", choices: ARCHITECTURE_CHOICES.valueEmbeddings },
  position: { type: "string", choices: ARCHITECTURE_CHOICES.position },
  ffn: { type: "string", choices: ARCHITECTURE_CHOICES.ffn },
  "logit-soft-cap": { type: "number", above: 0 },
  "tie-embeddings": { type: "boolean" },
  "scale-embeddings": { type: "boolean" },
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
  momentum: { type: "number", min: 0, below: 1 },
  "muon-lr-scale": { type: "number", above: 0 },
  clip: { type: "number", min: 0, words: { none: 0 } },
  "valid-every": { type: "integer", min: 1 },
  "valid-batches": { type: "integer", min: 1 },
  dropout: { type: "number", min: 0, below: 1 },
  "z-loss": { type: "number", min: 0 },
  "average-weights": { type: "number", min: 1e-6, max: 1 },
  patience: { type: "integer", min: 1 },
  "sample-every": { type: "integer", min: 0 },
  "sample-prompt": { type: "string", mayBeEmpty: true },
  "sample-tokens": { type: "integer", min: 1 },
  "save-every": { type: "integer", min: 1 },
  keep: { type: "integer", min: 1 },
  dtype: { type: "string", choices: ["f32", "f16", "bf16"] },
  seed: { type: "integer", min: 0, max: LARGEST_FIRST_SEED },
  "zero-init-outputs": { type: "boolean" },
} as const;

export const FLAGS = {
  train: { type: "string" },
  valid: { type: "string" },
  ...CHAT_FLAGS,
  tokenizer: { type: "string" },
  pattern: PATTERN_FLAG,
  out: { type: "string" },
  force: { type: "boolean" },
  resume: { type: "string" },
  from: { type: "string" },
  "keep-optimizer": { type: "boolean" },
  config: { type: "string" },
  minutes: { type: "number", above: 0 },
  recipe: { type: "string", choices: RECIPE_NAMES },
  preset: { type: "string", choices: Object.keys(PRESETS) },
  ...MODEL_FLAGS,
  ...TRAINING_FLAGS,
  freeze: { type: "string" },
  ...LORA_FLAGS,
  quiet: { type: "boolean" },
  verbose: { type: "boolean" },
  backend: { type: "string", choices: ["auto", "webgpu", "native", "wasm"] },
  gpu: GPU_FLAG,
} as const;

/** The values of train-lm's flags. */
export type TrainFlags = Flags<typeof FLAGS>;

/** What the flags say of the configuration. */
export function configParts(flags: TrainFlags): ConfigParts {
  const frozen = flags.freeze?.split(",").map((name) => name.trim());
  return {
    recipe: flags.recipe,
    preset: flags.preset,
    model: given(flags, MODEL_FLAGS),
    training: { ...given(flags, TRAINING_FLAGS), ...(frozen && { frozen }), ...loraSettings(flags) },
  };
}

/** @throws {UsageError} If both --quiet and --verbose are given. */
export function requireOneTone({ quiet, verbose }: TrainFlags): void {
  if (quiet && verbose) {
    throw new UsageError("Cannot run train-lm: got --quiet and --verbose, must be only one of them");
  }
}

/** @throws {UsageError} If a flag is given beside --resume that belongs to a new run. */
export function requireResumeFlags(flags: TrainFlags): void {
  const free = FREE_SETTINGS.map((name) => flagOf(name).slice(2));
  const allowed = ["resume", "train", "valid", "sft", "sft-valid", "backend", "gpu", "quiet", "verbose", ...free];
  const other = Object.entries(flags).find(([name, value]) =>
    value !== undefined && value !== false && !allowed.includes(name)
  );
  if (other === undefined) return;
  throw new UsageError(
    `Cannot resume ${flags.resume}: got --${other[0]}, must be the run's own configuration. Leave it out, or start a ` +
      `new run with --out`,
  );
}

/** @throws {UsageError} If a flag is missing that a new run needs, or two exclude each other. */
export function requireNewRunFlags(flags: TrainFlags): { train: string; valid: string | undefined; out: string } {
  const { out, minutes, steps } = flags;
  requireChatFlags(flags);
  requireLoraFlags(flags);
  const [train, valid] = flags.sft === undefined ? [flags.train, flags.valid] : [flags.sft, flags["sft-valid"]];
  if (flags["keep-optimizer"] && flags.from === undefined) {
    throw new UsageError("Cannot run train-lm: --keep-optimizer needs --from, the run that has it");
  }
  if (flags.patience !== undefined && valid === undefined) {
    const needed = flags.sft === undefined ? "--valid" : "--sft-valid";
    throw new UsageError(`Cannot run train-lm: --patience needs ${needed}, the data to validate on`);
  }
  if (minutes !== undefined && steps !== undefined) {
    throw new UsageError("Cannot run train-lm: got --minutes and --steps, must be only one of them");
  }
  if (train !== undefined && out !== undefined) return { train, valid, out };
  const missing = [train === undefined ? ["train"] : [], out === undefined ? ["out"] : []];
  throw missingFlags("train-lm", missing.filter((names) => names.length > 0), "--resume RUN");
}

/** The flags of a group that were given, by their names in the configuration. */
function given(flags: Readonly<Record<string, unknown>>, group: object): Record<string, unknown> {
  // A switch that was not given is `false`.
  const said = Object.keys(group).filter((name) => flags[name] !== undefined && flags[name] !== false);
  const entries = said.map((name) => {
    const key = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    return [key, flags[name]];
  });
  return Object.fromEntries(entries);
}
