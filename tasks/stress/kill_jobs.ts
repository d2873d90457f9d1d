// The jobs that are killed, and how to tell that they came to the right end all the same.
import type { TaskCommand } from "./child.ts";

/** A job that writes something. */
export interface KillJob {
  readonly name: string;
  /** The command that makes it from nothing, or over what a killed one left. */
  readonly start: (out: string) => TaskCommand;
  /** The command that goes on after a kill; by default the same. */
  readonly goOn?: (out: string) => Promise<TaskCommand>;
  /** The files that must have the same bytes however often the job was killed, below the directory that holds `out`. */
  readonly results: readonly string[];
  /** Whether a file that has its name must be whole at any moment. */
  readonly isWholeOrAbsent: boolean;
}

/** The names that the inputs have in `inputs`. */
export const INPUTS = { text: "text.txt", tokenizer: "tokenizer", tokens: "tokens.npy" } as const;

/** A model and a training that take about a second. */
const TRAINING =
  "--context-length 16 --d-model 16 --num-layers 1 --num-heads 2 --d-ff 16 --batch-size 4 --backend wasm";

/** The commands that make the inputs from a text. */
export function inputCommands(inputs: string): TaskCommand[] {
  const [text, tokenizer, tokens] = [INPUTS.text, INPUTS.tokenizer, INPUTS.tokens].map((name) => `${inputs}/${name}`);
  return [
    { task: "train_bpe", args: ["--input", text, "--vocab-size", "400", "--out", tokenizer] },
    { task: "encode", args: ["--tokenizer", tokenizer, "--input", text, "--out", tokens] },
  ];
}

/** @param inputs The directory of the inputs. */
export function killJobs(inputs: string): KillJob[] {
  const [text, tokenizer, tokens] = [INPUTS.text, INPUTS.tokenizer, INPUTS.tokens].map((name) => `${inputs}/${name}`);
  const training = [...TRAINING.split(" "), "--train", tokens, "--tokenizer", tokenizer];
  const often = [
    "--steps",
    "60",
    "--save-every",
    "4",
    "--valid",
    tokens,
    "--valid-every",
    "10",
    "--valid-batches",
    "1",
  ];
  return [
    {
      name: "train-bpe",
      start: (out) => ({
        task: "train_bpe",
        args: ["--input", text, "--vocab-size", "2000", "--out", `${out}/tk`, "--tiktoken", "--force"],
      }),
      results: ["tk/tokenizer.json", "tk/vocab.json", "tk/merges.txt", "tk/tokenizer.tiktoken"],
      isWholeOrAbsent: true,
    },
    {
      name: "encode, a file",
      start: (out) => ({
        task: "encode",
        args: ["--tokenizer", tokenizer, "--input", text, "--out", `${out}/a.npy`, "--force"],
      }),
      results: ["a.npy"],
      isWholeOrAbsent: true,
    },
    {
      name: "encode, shards",
      start: (out) => ({
        task: "encode",
        args: ["--tokenizer", tokenizer, "--input", text, "--out", `${out}/s`, "--shard-size", "100kB"],
      }),
      results: ["s-00000-of-00012.npy", "s-00005-of-00012.npy", "s-00011-of-00012.npy"],
      isWholeOrAbsent: true,
    },
    {
      name: "count",
      start: (out) => ({ task: "count", args: ["--input", text, "--out", `${out}/a.counts`, "--force"] }),
      results: ["a.counts"],
      isWholeOrAbsent: true,
    },
    {
      name: "data",
      start: (out) => ({
        task: "data",
        args: ["--input", text, "--separator", "\n\n", "--out", `${out}/parts`, "--force"],
      }),
      results: ["parts/train.txt", "parts/valid.txt"],
      isWholeOrAbsent: true,
    },
    {
      name: "train-lm",
      start: (out) => ({ task: "train_lm", args: [...training, ...often, "--out", `${out}/run`, "--force"] }),
      goOn: async (out) => {
        const isThere = await Deno.stat(`${out}/run/config.json`).then(() => true, () => false);
        return isThere
          ? { task: "train_lm", args: ["--resume", `${out}/run`] }
          : { task: "train_lm", args: [...training, ...often, "--out", `${out}/run`, "--force"] };
      },
      results: ["run/model.safetensors", "run/best.safetensors"],
      isWholeOrAbsent: false,
    },
    {
      name: "sweep",
      start: (out) => ({
        task: "sweep",
        args: [...training, "--steps", "20", "--save-every", "5", "--lr", "1e-3,1e-2,3e-2", "--out", `${out}/sweep`],
      }),
      results: ["1e-3", "1e-2", "3e-2"].map((lr) => `sweep/lr-${lr}/model.safetensors`),
      isWholeOrAbsent: false,
    },
  ];
}
