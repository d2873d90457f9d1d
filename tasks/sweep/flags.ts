// The flags of sweep: those of train-lm that describe a model and its training, with several values.
import { distinctValues, type SweepAxes, type SweepPoint } from "../../lib/run/sweep_grid.ts";
import { UsageError } from "../cli/errors.ts";
import { type Flags, type FlagSpec, parseFlags } from "../cli/flags.ts";
import { shown } from "../cli/shown.ts";
import { LORA_FLAGS } from "../train_lm/lora_flags.ts";
import { FLAGS as TRAIN_FLAGS, type TrainFlags } from "../train_lm/flags.ts";

export const HELP = `
Trains a model with each combination of settings, one after another, each in a run directory OUT/NAME. Writes a table,
OUT/sweep.tsv and sweep.json, and OUT/report.html with all runs in one plot. The best run has the lowest validation loss
(without --valid, the lowest training loss).

  deno task sweep --train out/train.npy --tokenizer out/tokenizer --out out/sweep --lr 1e-4,3e-4,1e-3 --steps 100

Run the same command again to continue where it stopped, or to add values; finished runs are left as they are. Runs that
diverge are noted, and the sweep continues.

Data and output
  --train FILE.npy   Token ids to train on; as for train-lm, like all flags but --out.
  --valid FILE.npy   Token ids to measure the validation loss on.
  --tokenizer PATH   The tokenizer that made them.
  --pattern NAME     How text is split, if the tokenizer's files do not say.
  --out OUT          The directory of the sweep.
  --backend NAME     auto, webgpu, native or wasm (default: auto)

Settings: one value for all runs, or several separated by commas
  --config FILE      A file with the settings of all runs.
  --lr X,X           Such as 1e-3,3e-3. With --batch-size 8,16 as well, there are four runs.

All flags of train-lm for preset, model and training are settings, but not --resume, --minutes and --force. See: deno task
train-lm --help
`;

/** Flags that are the same for all runs, and may hold commas. */
const COMMON = ["train", "valid", "tokenizer", "pattern", "config", "backend", "sample-prompt", "freeze"];

/** Those that need --from are among them. */
const REFUSED = [
  "resume",
  "from",
  "keep-optimizer",
  ...Object.keys(LORA_FLAGS),
  "minutes",
  "force",
  "out",
  "quiet",
  "verbose",
];

const SWEPT = (Object.entries(TRAIN_FLAGS) as [string, FlagSpec][]).filter(([name, { type }]) =>
  type !== "boolean" && !COMMON.includes(name) && !REFUSED.includes(name)
).map(([name]) => name);

const SWITCHES = Object.entries(TRAIN_FLAGS).filter(([name, { type }]) => type === "boolean" && !REFUSED.includes(name))
  .map(([name]) => name);

const strings = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, { type: "string" }] as const));

export const FLAGS = {
  out: { type: "string", required: true },
  ...strings(COMMON),
  train: { type: "string", required: true },
  ...strings(SWEPT),
  ...Object.fromEntries(SWITCHES.map((name) => [name, { type: "boolean" }] as const)),
} as const;

/**
 * The flags with several values.
 * @param warn Called with a sentence about each value that is left out: it stands for the same as one before.
 */
export function axesOf(flags: Readonly<Record<string, unknown>>, warn: (text: string) => void): SweepAxes {
  const axes = new Map<string, readonly string[]>();
  for (const name of SWEPT) {
    const given = flags[name];
    if (typeof given !== "string" || !given.includes(",")) continue;
    const { distinct, repeated } = distinctValues(given.split(",").map((value) => value.trim()));
    axes.set(name, distinct);
    for (const [value, first] of repeated) {
      warn(`--${name} ${shown(value)} is the same as ${shown(first)}, and is used only once`);
    }
  }
  if (axes.size > 0) return axes;
  throw new UsageError(
    "Cannot sweep: no flag has several values. Give one or more of train-lm's flags several, separated by commas: " +
      "--lr 1e-3,3e-3",
  );
}

/** What train-lm's flags would be for one point: each value is checked as train-lm does. */
export function trainFlagsOf(flags: Flags<typeof FLAGS>, { settings }: SweepPoint): TrainFlags {
  const given: Readonly<Record<string, string | boolean | undefined>> = { ...flags, ...settings, out: undefined };
  const args = Object.entries(given).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}=${value}`];
  });
  return parseFlags("sweep", args, TRAIN_FLAGS);
}
