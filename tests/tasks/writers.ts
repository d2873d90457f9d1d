// The tasks that write to --out or --svg, with arguments that make them do little.
import { assertEquals } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { main as account } from "../../tasks/account.ts";
import { main as count } from "../../tasks/count.ts";
import { main as data } from "../../tasks/data.ts";
import { main as demo } from "../../tasks/demo.ts";
import { main as encode } from "../../tasks/encode.ts";
import { main as profileStep } from "../../tasks/profile_step.ts";
import { main as report } from "../../tasks/report.ts";
import { main as sweep } from "../../tasks/sweep.ts";
import { main as trainBpeTask } from "../../tasks/train_bpe.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { main as writeup } from "../../tasks/writeup.ts";
import { capture } from "../cli/capture.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(30);
const TINY =
  "--context-length 8 --d-model 4 --num-layers 1 --num-heads 2 --d-ff 4 --batch-size 1 --steps 2 --backend wasm"
    .split(" ");
const tokenizer = await trainBpe(TEXT, { vocabSize: 265 });

type Main = (args: string[]) => Promise<number>;

/** A task that writes to `out`, with its other arguments. `DIR` stands for the directory of the inputs. */
export interface Writer {
  readonly main: Main;
  readonly args: readonly string[];
  /** The flag that names the output. */
  readonly flag: "--out" | "--svg";
  readonly writes: "file" | "directory" | "files in a directory";
  /** Whether `-` is stdout. */
  readonly hasStdout?: boolean;
  /** Whether it has --force. */
  readonly hasForce: boolean;
  /** An input's flag whose value may be any file of text, or of token ids, and which of them. */
  readonly input?: readonly [string, "text.txt" | "ids.npy" | "config.json"];
}

const TRAIN = ["--train", "DIR/ids.npy", "--vocab-size", "265", ...TINY];
/** All tasks with a flag for the output. */
export const WRITERS: Record<string, Writer> = {
  "train-bpe": {
    main: trainBpeTask,
    args: ["--vocab-size", "260", "--input", "DIR/text.txt"],
    flag: "--out",
    writes: "directory",
    hasForce: true,
    input: ["--input", "text.txt"],
  },
  "train-lm": {
    main: trainLm,
    args: TRAIN,
    flag: "--out",
    writes: "directory",
    hasForce: true,
    input: ["--train", "ids.npy"],
  },
  "encode": {
    main: encode,
    args: ["--tokenizer", "DIR/tokenizer", "--input", "DIR/text.txt"],
    flag: "--out",
    writes: "file",
    hasStdout: true,
    hasForce: true,
    input: ["--input", "text.txt"],
  },
  "count": {
    main: count,
    args: ["--input", "DIR/text.txt"],
    flag: "--out",
    writes: "file",
    hasStdout: true,
    hasForce: true,
    input: ["--input", "text.txt"],
  },
  "sweep": {
    main: sweep,
    args: [...TRAIN, "--lr", "1e-3,1e-2"],
    flag: "--out",
    writes: "directory",
    hasForce: false,
    input: ["--train", "ids.npy"],
  },
  "data": {
    main: data,
    args: ["--separator", ". ", "--valid-fraction", "0.5", "--input", "DIR/text.txt"],
    flag: "--out",
    writes: "files in a directory",
    hasForce: true,
    input: ["--input", "text.txt"],
  },
  "demo": { main: demo, args: ["--steps", "1"], flag: "--out", writes: "directory", hasForce: true },
  "report": { main: report, args: ["--run", "DIR/run"], flag: "--out", writes: "file", hasForce: true },
  "writeup": {
    main: writeup,
    args: ["--story", "DIR/text.txt", "--story-vocab-size", "260", "--backend", "wasm"],
    flag: "--out",
    writes: "file",
    hasForce: true,
    input: ["--story", "text.txt"],
  },
  "account": {
    main: account,
    args: ["--config", "DIR/config.json"],
    flag: "--svg",
    writes: "file",
    hasForce: true,
    input: ["--config", "config.json"],
  },
  "profile-step": { main: profileStep, args: ["--backend", "wasm"], flag: "--svg", writes: "file", hasForce: true },
};

/** Runs `body` with a directory that has what the tasks read. */
export async function withInputs(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/text.txt`, TEXT);
    await writeNpy(`${directory}/ids.npy`, Uint16Array.from(tokenizer.encode(TEXT)));
    await Deno.mkdir(`${directory}/tokenizer`);
    await saveTokenizer(tokenizer, `${directory}/tokenizer`);
    const begun = await capture(trainLm, ...fill(TRAIN, directory), "--out", `${directory}/run`);
    assertEquals(begun.code, 0, begun.stderr);
    await Deno.copyFile(`${directory}/run/config.json`, `${directory}/config.json`);
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Arguments with the directory of the inputs put in. */
export const fill = (args: readonly string[], directory: string) => args.map((arg) => arg.replace("DIR", directory));
