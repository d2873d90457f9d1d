import { assertEquals, assertMatch } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { mergeConfigs } from "../../lib/run/merge_config.ts";
import { writeRunConfig } from "../../lib/run/run_directory.ts";
import { runTaskProcess } from "../harness/run_task.ts";

/** A mistake that a person may make, and what the one line that answers it must say. */
interface Mistake {
  readonly task: string;
  /** `DIR` stands for a directory with the files that `makeFiles` writes. */
  readonly args: readonly string[];
  readonly says: RegExp;
  /** 2 for a mistake in the command line itself, 1 for the rest. */
  readonly code: 1 | 2;
}

const TRAIN_BPE = ["--input", "DIR/text.txt", "--vocab-size", "270", "--out", "DIR/new"];
const ENCODE = ["--tokenizer", "DIR/tokenizer", "--input", "DIR/text.txt", "--out", "DIR/new.npy"];
const TRAIN_LM = ["--train", "DIR/tokens.npy", "--out", "DIR/new", "--vocab-size", "300", "--backend", "wasm"];

/** The arguments with one flag's value replaced, or a flag added. */
function but(args: readonly string[], flag: string, value: string): string[] {
  const at = args.indexOf(flag);
  return at < 0 ? [...args, flag, value] : args.with(at + 1, value);
}

const MISTAKES: Record<string, Mistake> = {
  "missing file": { task: "train-bpe", args: but(TRAIN_BPE, "--input", "DIR/none.txt"), says: /no such file/, code: 1 },
  "empty file": { task: "train-bpe", args: but(TRAIN_BPE, "--input", "DIR/empty.txt"), says: /empty file/, code: 1 },
  "vocabulary below bytes and specials": {
    task: "train-bpe",
    args: but(TRAIN_BPE, "--vocab-size", "256"),
    says: /got --vocab-size 256, must be a whole number of at least 257/,
    code: 2,
  },
  "vocabulary larger than the text can give": {
    task: "train-bpe",
    args: but(TRAIN_BPE, "--vocab-size", "5000"),
    says: /got size 5000, must be at most \d+/,
    code: 1,
  },
  "unknown flag": { task: "train-bpe", args: [...TRAIN_BPE, "--vocabsize", "9"], says: /--vocabsize/, code: 2 },
  "missing flag": {
    task: "train-bpe",
    args: ["--input", "DIR/text.txt"],
    says: /--vocab-size and --out are required/,
    code: 2,
  },
  "tokenizer exists": { task: "train-bpe", args: but(TRAIN_BPE, "--out", "DIR/tokenizer"), says: /--force/, code: 1 },
  "no tokenizer in the directory": {
    task: "encode",
    args: but(ENCODE, "--tokenizer", "DIR"),
    says: /tokenizer\.json/,
    code: 1,
  },
  "encode: empty file": { task: "encode", args: but(ENCODE, "--input", "DIR/empty.txt"), says: /empty file/, code: 1 },
  "encode: output exists": { task: "encode", args: but(ENCODE, "--out", "DIR/tokens.npy"), says: /--force/, code: 1 },
  "decode: ids beyond the tokenizer": {
    task: "decode",
    args: ["--tokenizer", "DIR/tokenizer", "--input", "DIR/large_ids.npy"],
    says: /token id 60000/,
    code: 1,
  },
  "token file of another dtype": {
    task: "train-lm",
    args: but(TRAIN_LM, "--train", "DIR/floats.npy"),
    says: /dtype <f4 \(floating-point numbers\), must be uint16/,
    code: 1,
  },
  "truncated token file": {
    task: "train-lm",
    args: but(TRAIN_LM, "--train", "DIR/truncated.npy"),
    says: /truncated/,
    code: 1,
  },
  "not a token file": { task: "train-lm", args: but(TRAIN_LM, "--train", "DIR/text.txt"), says: /NumPy/, code: 1 },
  "ids beyond the model's vocabulary": {
    task: "train-lm",
    args: but(TRAIN_LM, "--train", "DIR/large_ids.npy"),
    says: /token id 60000 at position 0, must be below the model's vocabulary size 300/,
    code: 1,
  },
  "tokenizer larger than the model's vocabulary": {
    task: "train-lm",
    args: but(but(TRAIN_LM, "--vocab-size", "260"), "--tokenizer", "DIR/tokenizer"),
    says: /got --vocab-size 260, must be at least the tokenizer's 270/,
    code: 2,
  },
  "no vocabulary size": {
    task: "train-lm",
    args: ["--train", "DIR/tokens.npy", "--out", "DIR/new"],
    says: /--tokenizer or --vocab-size/,
    code: 2,
  },
  "too few tokens": { task: "train-lm", args: but(TRAIN_LM, "--train", "DIR/few.npy"), says: /at least 129/, code: 1 },
  "d_model not divisible by heads": {
    task: "train-lm",
    args: but(TRAIN_LM, "--num-heads", "3"),
    says: /--d-model 128 and 3 heads/,
    code: 2,
  },
  "odd head size": {
    task: "train-lm",
    args: but(but(TRAIN_LM, "--d-model", "12"), "--num-heads", "4"),
    says: /head size 3/,
    code: 2,
  },
  "unknown preset": { task: "train-lm", args: but(TRAIN_LM, "--preset", "huge"), says: /--preset huge/, code: 2 },
  "not a number": { task: "train-lm", args: but(TRAIN_LM, "--lr", "fast"), says: /--lr fast/, code: 2 },
  "learning rate of zero": { task: "train-lm", args: but(TRAIN_LM, "--lr", "0"), says: /got --lr 0/, code: 2 },
  "run exists": { task: "train-lm", args: but(TRAIN_LM, "--out", "DIR/tokenizer"), says: /--force/, code: 1 },
  "neither a new run nor an old one": {
    task: "train-lm",
    args: ["--steps", "3"],
    says: /--train and --out are required, or --resume RUN/,
    code: 2,
  },
  "resume: patience for a run without validation data": {
    task: "train-lm",
    args: ["--resume", "DIR/run", "--patience", "2"],
    says: /--patience needs --valid/,
    code: 2,
  },
  "resume: the data are gone": {
    task: "train-lm",
    args: ["--resume", "DIR/run"],
    says: /Cannot read DIR\/gone\.npy: there is no such file/,
    code: 1,
  },
  "resume: data of another length": {
    task: "train-lm",
    args: ["--resume", "DIR/run", "--train", "DIR/few.npy"],
    says: /few\.npy: got 100 tokens instead of 400, must be the data that the run began with/,
    code: 1,
  },
  "resume: other data of the same length": {
    task: "train-lm",
    args: ["--resume", "DIR/run", "--train", "DIR/tokens.npy"],
    says: /tokens\.npy: got other tokens, must be the data that the run began with/,
    code: 1,
  },
  "a run below a file": {
    task: "train-lm",
    args: but(TRAIN_LM, "--out", "DIR/text.txt/run"),
    says: /text\.txt\/run: got "Not a directory/,
    code: 1,
  },
  "a setting of another type": {
    task: "train-lm",
    args: but(TRAIN_LM, "--config", "DIR/texts.json"),
    says: /texts\.json: got "training\.beta1" "0\.9", must be a number\. /,
    code: 1,
  },
  "a configuration that is a list": {
    task: "train-lm",
    args: but(TRAIN_LM, "--config", "DIR/list.json"),
    says: /list\.json: got "model" \[1\], must be a JSON object/,
    code: 1,
  },
  "a new setting for an old run": {
    task: "train-lm",
    args: ["--resume", "DIR/tokenizer", "--lr", "0.1"],
    says: /got --lr, must be the run's own/,
    code: 2,
  },
  "a time and a number of steps": {
    task: "train-lm",
    args: [...TRAIN_LM, "--minutes", "1", "--steps", "3"],
    says: /got --minutes and --steps, must be only one of them/,
    code: 2,
  },
  "no time": {
    task: "train-lm",
    args: but(TRAIN_LM, "--minutes", "0"),
    says: /--minutes 0, must be .*above 0/,
    code: 2,
  },
  "a time for an old run": {
    task: "train-lm",
    args: ["--resume", "DIR/tokenizer", "--minutes", "1"],
    says: /got --minutes, must be the run's own/,
    code: 2,
  },
  "resume: not a run": { task: "train-lm", args: ["--resume", "DIR/tokenizer"], says: /no config\.json/, code: 1 },
  "unknown key in a configuration": {
    task: "train-lm",
    args: but(TRAIN_LM, "--config", "DIR/settings.json"),
    says: /got "training\.learningRate"/,
    code: 1,
  },
  "generate: not a run": {
    task: "generate",
    args: ["--run", "DIR", "--prompt", "x"],
    says: /no config\.json/,
    code: 1,
  },
  "generate: no such run": {
    task: "generate",
    args: ["--run", "DIR/none", "--prompt", "x"],
    says: /no such directory/,
    code: 1,
  },
  "evaluate: empty file": {
    task: "evaluate",
    args: ["--run", "DIR", "--input", "DIR/empty.txt"],
    says: /empty file/,
    code: 1,
  },
  "generate: temperature below zero": {
    task: "generate",
    args: ["--run", "DIR", "--prompt", "x", "--temperature", "-1"],
    says: /got --temperature -1, must be a number of at least 0/,
    code: 2,
  },
};

async function makeFiles(dir: string): Promise<void> {
  const text = "the cat sat on the mat, the dog sat on the log. ".repeat(8);
  await Deno.writeTextFile(`${dir}/text.txt`, text);
  await Deno.writeTextFile(`${dir}/empty.txt`, "");
  await Deno.writeTextFile(`${dir}/settings.json`, JSON.stringify({ training: { lr: 0.1, learningRate: 0.1 } }));
  await Deno.writeTextFile(`${dir}/texts.json`, JSON.stringify({ training: { beta1: "0.9" } }));
  await Deno.writeTextFile(`${dir}/list.json`, JSON.stringify({ model: [1] }));
  await Deno.mkdir(`${dir}/run`);
  await writeRunConfig(`${dir}/run`, {
    ...mergeConfigs([{ model: { contextLength: 8 } }], 300),
    data: { train: { name: `${dir}/gone.npy`, tokens: 400, sha256: "0".repeat(64) } },
    backend: "wasm",
  });
  const tokenizer = await trainBpe(text, { vocabSize: 270 });
  await Deno.mkdir(`${dir}/tokenizer`);
  await saveTokenizer(tokenizer, `${dir}/tokenizer`);
  const ids = Uint16Array.from({ length: 400 }, (_, i) => i % 256);
  await writeNpy(`${dir}/tokens.npy`, ids);
  await writeNpy(`${dir}/few.npy`, ids.subarray(0, 100));
  await writeNpy(`${dir}/large_ids.npy`, ids.map(() => 60000));
  const bytes = await Deno.readFile(`${dir}/tokens.npy`);
  await Deno.writeFile(`${dir}/truncated.npy`, bytes.subarray(0, bytes.length - 3));
  bytes.set(new TextEncoder().encode("<f4"), new TextDecoder("latin1").decode(bytes).indexOf("<u2"));
  await Deno.writeFile(`${dir}/floats.npy`, bytes);
}

/** Every path below a directory with its contents' hash. */
async function listing(dir: string, below = ""): Promise<string[]> {
  const lines: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${dir}${below}`)) {
    const path = `${below}/${name}`;
    if (isDirectory) lines.push(path, ...await listing(dir, path));
    else lines.push(`${path} ${(await crypto.subtle.digest("SHA-1", await Deno.readFile(dir + path)).then(toHex))}`);
  }
  return lines.sort();
}

function toHex(buffer: ArrayBuffer): string {
  return new Uint8Array(buffer).toHex();
}

Deno.test("each mistake gets one clear line, its exit code, and leaves the files as they were", async (t) => {
  const dir = await Deno.makeTempDir();
  try {
    await makeFiles(dir);
    const before = await listing(dir);
    for (const [name, { task, args, says, code }] of Object.entries(MISTAKES)) {
      await t.step(`${task}: ${name}`, async () => {
        const result = await runTaskProcess(task, args.map((arg) => arg.replace("DIR", dir)));
        const lines = result.stderr.trimEnd().split("\n");
        const error = lines.at(-1)!;
        assertMatch(error, /^error: Cannot [^:]+: .{15,}/);
        assertMatch(error.replaceAll(dir, "DIR"), says);
        assertEquals(lines.filter((line) => /^\s+at /.test(line)), [], "a stack trace");
        assertEquals(result.code, code, result.stderr);
        assertEquals(result.stdout, "");
        assertEquals(await listing(dir), before);
      });
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
