// The messages for what a person may do wrong, as last agreed, and as a terminal of 80 columns shows them.
// After a change: deno test -A tests/cli/messages_test.ts -- --update
import { assertEquals } from "@std/assert";
import { assertSnapshot } from "@std/testing/snapshot";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { main as account } from "../../tasks/account.ts";
import { main as bench } from "../../tasks/bench.ts";
import { main as compareTokenizers } from "../../tasks/compare_tokenizers.ts";
import { main as count } from "../../tasks/count.ts";
import { main as dashboard } from "../../tasks/dashboard.ts";
import { main as data } from "../../tasks/data.ts";
import { main as decode } from "../../tasks/decode.ts";
import { main as demo } from "../../tasks/demo.ts";
import { main as encode } from "../../tasks/encode.ts";
import { main as evaluate } from "../../tasks/evaluate.ts";
import { main as generate } from "../../tasks/generate.ts";
import { main as inspectTokenizer } from "../../tasks/inspect_tokenizer.ts";
import { main as profileStep } from "../../tasks/profile_step.ts";
import { main as report } from "../../tasks/report.ts";
import { main as stress } from "../../tasks/stress.ts";
import { main as sweep } from "../../tasks/sweep.ts";
import { main as trainBpe } from "../../tasks/train_bpe.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { main as writeup } from "../../tasks/writeup.ts";
import { CONFIG } from "../report/runs.ts";
import { capture } from "./capture.ts";
import { linesOf } from "./terminal_lines.ts";

/** `DIR` stands for a directory with a text and token ids, whose path is left out of what is shown. */
const TEXT = "DIR/text.txt";
const TRAIN_BPE = ["--input", "a.txt", "--vocab-size", "300", "--out", "out"];
const TRAIN_LM = ["--train", "a.npy", "--out", "out"];
const SIZED = ["--train", "DIR/ids.npy", "--out", "out", "--vocab-size", "300", "--backend", "wasm"];
const GENERATE = ["--run", "out", "--prompt", "x"];

/** Flags of train-bpe for a file of the directory. */
const trainOn = (name: string) => ["--input", `DIR/${name}`, "--vocab-size", "300", "--out", "out"];

type Mistake = readonly [main: (args: string[]) => Promise<number>, ...args: string[]];

/** Mistakes in the command line itself. */
const IN_THE_COMMAND_LINE: Record<string, Mistake> = {
  "a flag that is almost one": [trainBpe, ...TRAIN_BPE, "--vocabsize", "300"],
  "another program's name for a flag": [trainLm, ...TRAIN_LM, "--learning-rate", "1e-3"],
  "the beginning of a flag": [generate, ...GENERATE, "--temp", "1"],
  "a flag with one dash": [trainLm, ...TRAIN_LM, "-lr", "1e-3"],
  "a flag that is none": [trainBpe, ...TRAIN_BPE, "--colour"],
  "a flag without its value": [trainBpe, "--input"],
  "a value that begins with a dash": [generate, "--run", "out", "--prompt", "-x"],
  "a flag that is missing": [trainBpe, "--input", "a.txt", "--vocab-size", "300"],
  "all flags are missing": [trainBpe],
  "all flags are missing of a training": [trainLm],
  "all flags are missing of a sweep": [sweep],
  "all flags are missing of data": [data],
  "all flags are missing of generate": [generate],
  "all flags are missing of evaluate": [evaluate],
  "a flag given twice": [trainBpe, ...TRAIN_BPE, "--out", "other"],
  "a word that no flag takes": [trainBpe, "a.txt", "--vocab-size", "300", "--out", "out"],
  "a switch with a value": [trainBpe, ...TRAIN_BPE, "--force=yes"],
  "no number": [trainLm, ...TRAIN_LM, "--lr", "fast"],
  "no whole number": [trainLm, ...TRAIN_LM, "--steps", "1.5"],
  "a number out of bounds": [generate, ...GENERATE, "--temperature", "-1"],
  "a number out of two bounds": [generate, ...GENERATE, "--seed", "-1"],
  "a vocabulary smaller than the bytes": [trainBpe, "--input", "a.txt", "--vocab-size", "100", "--out", "out"],
  "none of the choices": [trainLm, ...TRAIN_LM, "--backend", "cuda"],
  "almost one of the choices": [trainLm, ...TRAIN_LM, "--backend", "webgpi"],
  "none of many choices": [trainLm, ...TRAIN_LM, "--preset", "huge"],
  "almost one of many choices": [account, "--device", "h10"],
  "flags that exclude each other": [trainLm, ...TRAIN_LM, "--minutes", "1", "--steps", "3"],
  "a prompt and a conversation": [generate, ...GENERATE, "--interactive"],
  "two inputs of one kind": [trainBpe, ...TRAIN_BPE, "--counts", "a.counts"],
  "a token and a text": [inspectTokenizer, "--tokenizer", "out", "--token", "a", "--text", "b"],
  "an unknown bench": [bench, "everything"],
  "no bench": [bench],
  "an unknown shape": [bench, "lm", "--shapes", "huge"],
  "an unknown size": [bench, "matmul", "--sizes", "x"],
  "an unknown kernel": [bench, "kernels", "--only", "nope"],
  "an unknown part": [bench, "gpu", "--only", "nope"],
  "an unknown campaign": [stress, "--only", "nope"],
  "an unknown model": [account, "--model", "gpt3"],
  "an unknown dataset": [data, "--dataset", "pile", "--out", "out"],
  "a dataset and an input": [data, "--dataset", "owt", "--input", "a.txt", "--out", "out"],
  "an address that is none": [data, "--dataset", "owt", "--base-url", "ftp://x", "--out", "out"],
  "no vocabulary to account for": [account, "--model", "tiny"],
  "sizes that do not divide": [account, "--num-heads", "7"],
  "contexts that are no numbers": [account, "--contexts", "1,x"],
  "a model without a vocabulary": [trainLm, "--train", "DIR/ids.npy", "--out", "out", "--backend", "wasm"],
  "heads that do not divide the width": [trainLm, ...SIZED, "--num-heads", "3"],
  "heads of an odd size": [trainLm, ...SIZED, "--d-model", "12", "--num-heads", "4"],
  "a learning rate that rises": [trainLm, ...SIZED, "--lr", "1e-3", "--min-lr", "1e-2"],
  "half precision on the CPU": [profileStep, "--dtype", "f16", "--backend", "wasm"],
  "no prompt for samples": [trainLm, ...SIZED, "--sample-every", "1"],
  "settings for a run that is resumed": [trainLm, "--resume", "out", "--lr", "1"],
  "nothing to sweep": [sweep, ...TRAIN_LM],
  "a value to sweep that is empty": [sweep, ...TRAIN_LM, "--lr", "1e-3,"],
  "a shard that is not there": [encode, "--tokenizer", "out", "--input", "a", "--out", "b", "--shard", "3/2"],
  "a size without a unit": [encode, "--tokenizer", "out", "--input", "a", "--out", "b", "--shard-size", "1XB"],
  "standard input twice": [count, "--input", "-", "-", "--out", "out"],
  "an output that is the input": [count, "--input", TEXT, "--out", TEXT, "--force"],
  "standard input to compare on": [compareTokenizers, "--tokenizer", "out", "--input", "-"],
  "memorisation without a corpus": [evaluate, "--run", "out", "--memorisation"],
  "memorisation with a stride": [evaluate, "--run", "out", "--memorisation", "--corpus", "a", "--stride", "3"],
  "memorisation with a separator": [
    evaluate,
    ...["--run", "out", "--memorisation", "--corpus", "a", "--document-separator", "x"],
  ],
  "an escape that means nothing": [evaluate, "--run", "out", "--input", TEXT, "--document-separator", "\\q"],
  "a host that is no address": [dashboard, "--run", "out", "--host", "example"],
  "a port that is none": [dashboard, "--run", "out", "--port", "65536"],
  "one name for a page and a picture": [profileStep, "--html", "out", "--svg", "./out"],
  "patience without validations": [trainLm, ...TRAIN_LM, "--patience", "2"],
  "an optimizer of no run": [trainLm, ...TRAIN_LM, "--keep-optimizer"],
  "quiet and verbose": [trainLm, ...TRAIN_LM, "--quiet", "--verbose"],
  "hours and minutes": [account, "--hours", "1", "--minutes", "1", "--data", "2GB"],
  "a plan without a text": [account, "--hours", "1"],
  "a price without a plan": [account, "--price", "1"],
  "a pattern that is none": [encode, "--tokenizer", "a", "--input", "a", "--out", "b", "--pattern", "gpt5"],
  "a temperature that is none": [generate, ...GENERATE, "--temperature", "hot"],
  "a probability of none": [generate, ...GENERATE, "--top-p", "0"],
  "no text to stop at": [generate, ...GENERATE, "--stop", ""],
  "a field where there is none": [trainBpe, ...trainOn("text.txt"), "--field", "body"],
  "several runs without a place": [report, "--run", "a", "--run", "b"],
  "no steps": [demo, "--steps", "0"],
  "a vocabulary below the bytes": [writeup, "--story-vocab-size", "10"],
};

/** What is wrong with files. */
const IN_FILES: Record<string, Mistake> = {
  "a file that is not there": [trainBpe, ...TRAIN_BPE],
  "a directory that is no tokenizer": [encode, "--tokenizer", "DIR/empty", "--input", TEXT, "--out", "out.npy"],
  "a tokenizer that is not there": [encode, "--tokenizer", "no/where", "--input", TEXT, "--out", "out.npy"],
  "a run that is not there": [evaluate, "--run", "no/where", "--input", TEXT],
  "a directory that is no run": [generate, "--run", "DIR/empty", "--prompt", "x"],
  "a run to resume that is not there": [trainLm, "--resume", "no/where"],
  "a directory for a file": [decode, "--tokenizer", "DIR/empty", "--input", "DIR/empty"],
  "no token file": [trainLm, "--train", TEXT, "--out", "out", "--vocab-size", "300", "--backend", "wasm"],
  "ids beyond the vocabulary": [trainLm, ...SIZED, "--context-length=4"],
  "a pattern without a directory": [count, "--input", TEXT, "--include", "*.md", "--out", "out"],
  "an output that exists": [count, "--input", TEXT, "--out", "DIR/ids.npy"],
  "a vocabulary that is larger than the text": [trainBpe, "--input", TEXT, "--vocab-size", "9000", "--out", "out"],
  "a configuration that is none": [account, "--config", TEXT],
  "an address that is not this machine's": [dashboard, "--run", "DIR/empty", "--host", "203.0.113.7", "--port", "0"],
  "a sweep that has not started": [report, "--run", "DIR/sweep"],
  "a sweep whose table is damaged": [report, "--run", "DIR/damaged"],
  "a run whose log is damaged": [report, "--run", "DIR/unlogged"],
  "a run whose configuration is damaged": [generate, "--run", "DIR/misconfigured"],
  "a run without weights": [generate, "--run", "DIR/run"],
  "a run to start from without weights": [trainLm, ...SIZED, "--from", "DIR/run@best"],
  "a checkpoint that is not there": [trainLm, "--train", "DIR/ids.npy", "--out", "out", "--from", "DIR/run@7"],
  "lines that are no JSON": [trainBpe, ...trainOn("lines.jsonl")],
  "lines without the field": [trainBpe, ...trainOn("others.jsonl")],
  "an archive": [trainBpe, ...trainOn("archive.zip")],
  "text in UTF-16": [trainBpe, ...trainOn("utf16.txt")],
  "text that is named as compressed": [trainBpe, ...trainOn("plain.gz")],
  "an empty file": [trainBpe, ...trainOn("empty.txt")],
  "a directory without text": [trainBpe, ...trainOn("empty")],
  "counts that are none": [trainBpe, "--counts", TEXT, "--vocab-size", "300", "--out", "out"],
  "a directory to replace that is a person's": [trainBpe, ...trainOn("text.txt").with(-1, "DIR/run"), "--force"],
  "a directory for an output file": [count, "--input", TEXT, "--out", "DIR/empty", "--force"],
  "a directory that is not there, for an output": [count, "--input", TEXT, "--out", "DIR/text.txt/out"],
};

async function makeFiles(directory: string): Promise<void> {
  await Deno.mkdir(`${directory}/empty`);
  await Deno.writeTextFile(`${directory}/text.txt`, "First Citizen:\nBefore we proceed any further, hear me speak.\n");
  const runs: Record<string, Record<string, string>> = {
    sweep: { "sweep.json": '{"runs":[{"name":"lr-1","settings":{"lr":"1"},"status":"waiting","steps":0}]}' },
    damaged: { "sweep.json": "{" },
    unlogged: { "config.json": JSON.stringify(CONFIG), "metrics.jsonl": '{"step":0}\n' },
    misconfigured: { "config.json": "{}" },
    run: { "config.json": JSON.stringify(CONFIG), "notes.txt": "mine" },
  };
  for (const [name, files] of Object.entries(runs)) {
    await Deno.mkdir(`${directory}/${name}`);
    for (const [file, text] of Object.entries(files)) await Deno.writeTextFile(`${directory}/${name}/${file}`, text);
  }
  const texts: Record<string, string> = {
    "lines.jsonl": "a: b\n",
    "others.jsonl": '{"body":"a","title":"b","id":1}\n',
    "archive.zip": "PK\x03\x04 and more",
    "plain.gz": "a b c\n",
    "empty.txt": "",
  };
  for (const [name, text] of Object.entries(texts)) await Deno.writeTextFile(`${directory}/${name}`, text);
  await Deno.writeFile(`${directory}/utf16.txt`, new Uint8Array([0xff, 0xfe, 0x61, 0, 0x62, 0]));
  await writeNpy(`${directory}/ids.npy`, Uint16Array.from({ length: 600 }, (_, i) => i === 5 ? 500 : i % 256));
}

for (
  const [what, mistakes, exitCode] of [["the command line", IN_THE_COMMAND_LINE, 2], ["files", IN_FILES, 1]] as const
) {
  Deno.test(`a mistake in ${what} is told in two lines at most`, async (t) => {
    const directory = await Deno.makeTempDir();
    try {
      await makeFiles(directory);
      for (const [name, [main, ...args]] of Object.entries(mistakes)) {
        await t.step(name, async (t) => {
          const { code, stdout, stderr } = await capture(main, ...args.map((arg) => arg.replace("DIR", directory)));
          assertEquals([code, stdout], [exitCode, ""], stderr);
          const lines = linesOf(stderr.replaceAll(`${directory}/`, "").trimEnd(), 80);
          assertEquals(lines.slice(2), [], stderr);
          await assertSnapshot(t, lines.join("\n"), { serializer: String });
        });
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}
