/**
 * Accounts for a model's parameters, FLOPs, memory, time and energy; or plans what to train in a time.
 *
 *   deno task account --model gpt2-xl --device a100 --steps 400000 --batch-size 1024
 *   deno task account --device rtx-4090 --hours 24 --data 2GB
 */
import { compareForward, flopsBars, formatComparison, memoryBars, type NamedShape } from "../lib/accounting/compare.ts";
import { DEVICE_NAMES, DEVICES } from "../lib/accounting/devices.ts";
import { PRECISION_NAMES } from "../lib/accounting/precision.ts";
import { account } from "../lib/accounting/report.ts";
import { formatAccount } from "../lib/accounting/report_text.ts";
import { formatTable } from "../lib/accounting/table.ts";
import { formatSi } from "../lib/accounting/units.ts";
import { writeFileAtomically } from "../lib/io/atomic.ts";
import { ARCHITECTURE_CHOICES } from "../lib/model/config.ts";
import { OPTIMIZER_NAMES } from "../lib/train/optimizer/registry.ts";
import { namedShape, readConfigured } from "./account/models.ts";
import { deviceNamed } from "./account/device_flag.ts";
import { isPlan, PLAN_FLAGS, planText } from "./account/plan.ts";
import { UsageError } from "./cli/errors.ts";
import { requireOutputFile } from "./cli/output.ts";
import type { Flags } from "./cli/flags.ts";
import { PRESETS_HELP } from "./cli/presets_help.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { shown } from "./cli/shown.ts";

const HELP = `
Counts what a model needs: parameters, forward and backward FLOPs, memory, the largest batch that fits, time and energy.
Or plans: what to train on a device in a number of hours, how good it should get, and what that takes.

  deno task account --model gpt2-xl --device h100 --tokens 1e10 --batch-size 8
  deno task account --device rtx4090 --hours 24 --data 2GB
  deno task account --model NAME [options]
  deno task account --config RUN/config.json [options]
  deno task account --compare gpt2-small,gpt2-medium,gpt2-large,gpt2-xl [options]
  deno task account --devices

Plan, in float32: chooses the model as train-lm --minutes does, from a longer ladder, unless --model names one.
--device, --mfu, --vocab-size and --json, below, apply too
  --hours N              The time on the device; or --minutes N.
  --data SIZE|FILE       The text: 500MB, 2GB, a file of it, or of its token ids as encode writes them
  --tokenizer PATH       For its vocabulary (default: 32,000 tokens) and, where FILE is a text, its bytes per token
  --bytes-per-token X    (default: 4, an assumption)
  --price X              Per hour of the device, in any currency
  --explain              How the figures are derived: formulas, sources, assumptions.

Model
  --model NAME           A preset, of those below (default: gpt2-xl)
  --config FILE          A run's config.json, or another config for train-lm. Counts its own training step, as train-lm
                         predicts it; with --precision, --attention or --checkpointing, a textbook's.
  --compare NAME,NAME    Forward FLOPs of several models, and where they go.
  --contexts N,N         Forward FLOPs for several context lengths.
  --vocab-size N  --context-length N  --d-model N  --num-layers N  --num-heads N  --d-ff N
  --num-key-value-heads N  Heads of keys and values (default: --num-heads)
  --ffn NAME             swiglu or geglu: three feed-forward matrices; silu, gelu, gelu_erf or relu_squared: two.
  --tie-embeddings       Use the embedding matrix as the head.

Training
  --batch-size N         Sequences that go through the model together (default: 1)
  --grad-accumulation N  Batches per step (default: 1)
  --optimizer NAME       ${OPTIMIZER_NAMES.join(", ")} (default: adamw)
  --tokens N             Tokens to train on (default: 20 per parameter)
  --steps N              Steps to train for, instead of --tokens
  --device NAME          ${DEVICE_NAMES.join(", ")} (default: a100)
  --mfu X                Share of the device's peak that is reached (default: 0.5; in a plan on an h100, what was measured)
  --precision NAME       ${PRECISION_NAMES.join(", ")} (default: f32)
  --attention NAME       stored: the s² scores are kept for the backward pass (default); flash: they are not
  --checkpointing        Keep only each layer's input and compute the rest again
  --causal full|half     How causal attention's products are counted (default: full)

Models, and their parameters
${PRESETS_HELP}

Output
  --json                 Exact numbers instead of tables.
  --svg FILE             Also draw stacked bars of where FLOPs or memory go.
  --chart flops|memory   What --svg draws (default: flops)
  --force                Replace an existing FILE.
  --devices              List the devices: peak FLOP/s, memory, power, sources.
`;

const FLAGS = {
  ...PLAN_FLAGS,
  model: { type: "string" },
  config: { type: "string" },
  compare: { type: "string" },
  contexts: { type: "string" },
  "vocab-size": { type: "integer", min: 1 },
  "context-length": { type: "integer", min: 1 },
  "d-model": { type: "integer", min: 1 },
  "num-layers": { type: "integer", min: 1 },
  "num-heads": { type: "integer", min: 1 },
  "num-key-value-heads": { type: "integer", min: 1 },
  "d-ff": { type: "integer", min: 1 },
  ffn: { type: "string", choices: ARCHITECTURE_CHOICES.ffn },
  "tie-embeddings": { type: "boolean" },
  "batch-size": { type: "integer", min: 1 },
  "grad-accumulation": { type: "integer", min: 1 },
  optimizer: { type: "string", choices: OPTIMIZER_NAMES },
  tokens: { type: "number", min: 1 },
  steps: { type: "integer", min: 1 },
  device: { type: "string" },
  mfu: { type: "number", above: 0, max: 1 },
  precision: { type: "string", choices: PRECISION_NAMES },
  attention: { type: "string", choices: ["stored", "flash"] },
  checkpointing: { type: "boolean" },
  causal: { type: "string", choices: ["full", "half"] },
  json: { type: "boolean" },
  svg: { type: "string" },
  chart: { type: "string", default: "flops", choices: ["flops", "memory"] },
  force: { type: "boolean" },
  devices: { type: "boolean" },
} as const;

type AccountFlags = Flags<typeof FLAGS>;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "account", help: HELP, flags: FLAGS }, args, runAccount);
}

async function runAccount(flags: AccountFlags): Promise<void> {
  refuseTogether(flags, "model", "config", "compare");
  refuseTogether(flags, "tokens", "steps");
  refuseTogether(flags, "contexts", "context-length");
  if (flags.devices) return console.log(flags.json ? JSON.stringify(DEVICES, null, 2) : deviceTable());
  if (isPlan(flags)) return console.log(await planText(flags));
  const device = flags.device === undefined ? undefined : deviceNamed(flags.device);
  if (flags.svg !== undefined) {
    await requireOutputFile(flags.svg, {
      force: flags.force,
      inputs: flags.config === undefined ? [] : [flags.config],
    });
  }

  const run = flags.config === undefined ? undefined : await readConfigured(flags.config, flags);
  const named = flags.compare?.split(",").map((name) => namedShape(name.trim(), flags)) ??
    [run ?? namedShape(flags.model ?? "gpt2-xl", flags)];
  const models = flags.contexts === undefined ? named : atContexts(named, flags.contexts);
  const { precision, attention, causal } = flags;
  // An absent switch asks for nothing.
  const checkpointing = flags.checkpointing || undefined;
  const isTextbook = precision !== undefined || attention !== undefined || checkpointing !== undefined;
  const training = run?.training;
  const options = {
    batchSize: training?.batchSize ?? flags["batch-size"] ?? 1,
    gradAccumulation: training?.gradAccumulation ?? flags["grad-accumulation"] ?? 1,
    optimizer: training?.optimizer ?? flags.optimizer,
    averageWeights: training?.averageWeights,
    precision,
    attention,
    checkpointing,
    causal,
    dtype: isTextbook ? undefined : training?.dtype,
  };

  let text: string;
  if (flags.compare !== undefined || flags.contexts !== undefined) {
    const comparisons = compareForward(models, options);
    text = flags.json ? JSON.stringify(comparisons, null, 2) : formatComparison(comparisons);
  } else {
    const { mfu, tokens } = flags;
    const steps = flags.steps ?? (tokens === undefined ? training?.steps : undefined);
    const { name, shape } = models[0];
    const result = account({ name, shape, ...options, device, mfu, tokens, steps, validation: run?.validation });
    text = flags.json ? JSON.stringify(result, null, 2) : formatAccount(result);
  }
  if (flags.svg !== undefined) {
    // Loaded only now: without --svg the plotting library is not needed.
    const { drawStackedBars } = await import("./account/stacked_bars.ts");
    const bars = flags.chart === "flops" ? flopsBars(models, options) : memoryBars(models, options);
    await writeFileAtomically(flags.svg, await drawStackedBars(bars), { replace: flags.force });
    console.error(`Written to ${flags.svg}`);
  }
  console.log(text);
}

function atContexts(models: readonly NamedShape[], contexts: string): NamedShape[] {
  const lengths = contexts.split(",").map((text) => {
    const contextLength = Number(text);
    if (!Number.isSafeInteger(contextLength) || contextLength < 1) {
      throw new UsageError(
        `Cannot run account: got --contexts ${shown(contexts)}, must be whole numbers above 0, separated by commas. ` +
          `See: deno task account --help`,
      );
    }
    return contextLength;
  });
  return models.flatMap(({ name, shape }) =>
    lengths.map((contextLength) => ({ name: `${name} @ ${contextLength}`, shape: { ...shape, contextLength } }))
  );
}

function deviceTable(): string {
  const rows = Object.entries(DEVICES).map(([key, device]) => [
    key,
    device.name,
    formatSi(device.peakF32, "FLOP/s"),
    formatSi(device.peakF16, "FLOP/s"),
    formatSi(device.memory, "B"),
    formatSi(device.bandwidth, "B/s"),
    `${device.power} W`,
    device.source,
  ]);
  return formatTable(["name", "device", "f32", "16-bit", "memory", "bandwidth", "power", "source"], rows, [1, 7]);
}

function refuseTogether(flags: AccountFlags, ...names: (keyof AccountFlags)[]): void {
  const given = names.filter((name) => flags[name] !== undefined);
  if (given.length > 1) {
    const list = given.map((name) => `--${name}`).join(" and ");
    throw new UsageError(`Cannot run account: got ${list}, must be only one of them. See: deno task account --help`);
  }
}

if (import.meta.main) await runProgram(main);
