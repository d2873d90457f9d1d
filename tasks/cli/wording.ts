// Translates the library's names into what people type.
import type { CallPart, OptionPart, Speller, Wording } from "../../lib/errors.ts";
import { shellPath } from "./shell_word.ts";
import { startedAs } from "./started_as.ts";

/** Flags that are called otherwise than their options. */
const FLAGS: Readonly<Record<string, string>> = {
  directory: "out",
  replace: "force",
};

/** Options without a flag: a file for `--config` has them. */
export const WITHOUT_FLAG: readonly string[] = [
  "eps",
  "frozen",
  "seqLen",
  "headDim",
  "normEps",
  "bias",
  "ropeScaling",
  "rotaryDim",
  "slidingWindow",
  "embeddingScale",
  "parallelBlocks",
  "timeBudget",
];

/** The task that does what a function does. */
const TASKS: Readonly<Record<string, (call: CallPart) => string>> = {
  convertTokens: () => "convert",
  encodeParts: () => "encode",
  encodeShards: () => "encode",
  formatCounts: () => "count",
  saveTokenizer: ({ path }) => `train-bpe --out ${path}`,
  trainRun: ({ path = "" }) => `train-lm --resume ${shellPath(path)}`,
};

/** The flag of an option: `--batch-size` of `batchSize`. */
export function flagOf(name: string): string {
  return `--${FLAGS[name] ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Spells an option as its flag, and a function as the task that calls it. */
export const TERMINAL_SPELLING: Speller = {
  option: ({ name, value }: OptionPart) => {
    const spelled = WITHOUT_FLAG.includes(name) ? name : flagOf(name);
    return value === undefined || value === true ? spelled : `${spelled} ${value}`;
  },
  call: (call) => {
    const task = TASKS[call.name];
    // A function without a task keeps its name.
    if (task === undefined) return call.name;
    return [startedAs(), task(call), ...call.options.map(TERMINAL_SPELLING.option)].join(" ");
  },
};

/** A message as it is printed on a terminal. */
export function forTerminal(wording: Wording): string {
  return wording.spelled(TERMINAL_SPELLING);
}
