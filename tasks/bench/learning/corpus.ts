// The text of the bench: its tokenizer is trained on the first part alone, and the last part is predicted.
import { writeFileAtomically } from "../../../lib/io/atomic.ts";
import { exists } from "../../../lib/io/exists.ts";
import { UserError } from "../../../lib/errors.ts";
import { runTaskToEnd } from "./run_task.ts";

/** What decides a bench's numbers, apart from the variants. */
export interface Experiment {
  /** The text file's name and size. */
  readonly text: string;
  readonly bytes: number;
  /** The share of the bytes at the end that is held out. */
  readonly heldOut: number;
  readonly vocabSize: number;
  /** Of the window that the held-out text is scored with, in tokens. */
  readonly stride: number;
}

/** Where the files are. */
export interface PreparedCorpus {
  readonly train: string;
  readonly valid: string;
  readonly trainText: string;
  readonly heldOutText: string;
  readonly tokenizer: string;
}

/**
 * Splits the text and encodes it, unless the directory has it done already.
 * @throws {UserError} If the directory holds another experiment, or a part of the text is empty.
 */
export async function prepareCorpus(
  directory: string,
  text: Uint8Array,
  experiment: Experiment,
): Promise<PreparedCorpus> {
  const path = (name: string) => `${directory}/${name}`;
  const about = path("experiment.json");
  const corpus = {
    train: path("train.npy"),
    valid: path("valid.npy"),
    trainText: path("train.txt"),
    heldOutText: path("valid.txt"),
    tokenizer: path("tokenizer"),
  };
  const content = `${JSON.stringify(experiment, null, 2)}\n`;
  if (await exists(about)) {
    if (await Deno.readTextFile(about) === content) return corpus;
    throw new UserError(
      `Cannot go on in ${directory}: its experiment.json tells of another text, vocabulary or stride. Choose another --out`,
    );
  }
  const split = Math.floor(text.length * (1 - experiment.heldOut));
  const parts = { train: text.subarray(0, split), valid: text.subarray(split) };
  for (const [name, part] of Object.entries(parts)) {
    if (part.length === 0) throw new UserError(`Cannot split ${experiment.text}: its ${name} part would be empty`);
    await writeFileAtomically(path(`${name}.txt`), part, { replace: true });
  }
  await runTaskToEnd("train-bpe", [
    ...["--input", path("train.txt"), "--vocab-size", String(experiment.vocabSize)],
    ...["--out", corpus.tokenizer, "--force"],
  ]);
  for (const name of ["train", "valid"]) {
    await runTaskToEnd("encode", [
      ...["--tokenizer", corpus.tokenizer, "--input", path(`${name}.txt`)],
      ...["--out", path(`${name}.npy`), "--force"],
    ]);
  }
  // Last: a directory without it was not finished.
  await writeFileAtomically(about, content, { replace: true });
  return corpus;
}
