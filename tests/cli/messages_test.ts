// The messages for mistakes in the command line, as last agreed.
// After a change: deno test -A tests/cli/messages_test.ts -- --update
import { assertEquals } from "@std/assert";
import { assertSnapshot } from "@std/testing/snapshot";
import { main as bench } from "../../tasks/bench.ts";
import { main as encode } from "../../tasks/encode.ts";
import { main as evaluate } from "../../tasks/evaluate.ts";
import { main as generate } from "../../tasks/generate.ts";
import { main as sweep } from "../../tasks/sweep.ts";
import { main as trainBpe } from "../../tasks/train_bpe.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "./capture.ts";

const THIS_FILE = import.meta.filename!;
const TRAIN_BPE = ["--input", "a.txt", "--vocab-size", "300", "--out", "out"];

const MISTAKES: Record<string, [main: (args: string[]) => Promise<number>, ...args: string[]]> = {
  "a flag that is almost one": [trainBpe, ...TRAIN_BPE, "--vocabsize", "300"],
  "a flag that is none": [trainBpe, ...TRAIN_BPE, "--colour"],
  "a flag without its value": [trainBpe, "--input"],
  "a flag that is missing": [trainBpe, "--input", "a.txt"],
  "a flag given twice": [trainBpe, ...TRAIN_BPE, "--out", "other"],
  "a word that no flag takes": [trainBpe, "a.txt", "--vocab-size", "300", "--out", "out"],
  "a switch with a value": [trainBpe, ...TRAIN_BPE, "--force=yes"],
  "no number": [trainLm, "--train", "a.npy", "--out", "out", "--lr", "fast"],
  "no whole number": [trainLm, "--train", "a.npy", "--out", "out", "--steps", "1.5"],
  "a number out of bounds": [generate, "--run", "out", "--prompt", "x", "--temperature", "-1"],
  "none of the choices": [trainLm, "--train", "a.npy", "--out", "out", "--backend", "cuda"],
  "flags that exclude each other": [trainLm, "--train", "a.npy", "--out", "out", "--minutes", "1", "--steps", "3"],
  "both of two flags": [generate, "--run", "out", "--prompt", "x", "--interactive"],
  "an unknown bench": [bench, "everything"],
  "a tokenizer that is not there": [encode, "--tokenizer", "no/where", "--input", THIS_FILE, "--out", "a.npy"],
  "a run that is not there": [evaluate, "--run", "no/where", "--input", THIS_FILE],
  "nothing to sweep": [sweep, "--train", "a.npy", "--out", "out"],
};

Deno.test("a mistake in the command line", async (t) => {
  for (const [name, [main, ...args]] of Object.entries(MISTAKES)) {
    await t.step(name, async (t) => {
      const { code, stdout, stderr } = await capture(main, ...args);
      assertEquals(stdout, "");
      await assertSnapshot(t, `${stderr}exit code ${code}`, { serializer: String });
    });
  }
});
