// Tasks that find a run or a tokenizer moved aside by a replacement that was killed before its successor came.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { temporaryNameFor } from "../../lib/io/temporary.ts";
import { createRunDirectory } from "../../lib/run/run_directory.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { trainBpe } from "../../lib/tokenizer/mod.ts";
import { runTaskProcess } from "../harness/run_task.ts";

const RUN_READERS = [
  ["generate", "--run", "RUN", "--prompt", "the"],
  ["evaluate", "--run", "RUN", "--input", "DIR/text.txt"],
  ["dashboard", "--run", "RUN", "--port", "0"],
];
const TOKENIZER_READERS = [
  ["decode", "--tokenizer", "RUN", "--input", "DIR/ids.npy"],
  ["inspect-tokenizer", "--tokenizer", "RUN", "--text", "the"],
  ["compare-tokenizers", "--tokenizer", "RUN", "--input", "DIR/text.txt"],
];

Deno.test("a task that may not write says where an interrupted replacement left what it was to read, and leaves it", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const run = `${directory}/ru`;
    const tokenizer = await trainBpe("the cat sat on the mat", { vocabSize: 258 });
    const model = { vocabSize: 258, contextLength: 8, dModel: 4, numLayers: 1, numHeads: 2, dFf: 4, ropeTheta: 10000 };
    const data = {
      train: { name: `${directory}/ids.npy`, tokens: 2, sha256: "0".repeat(64) },
    };
    await createRunDirectory(run, { model, training: TRAINING_DEFAULTS, data, backend: "wasm" }, tokenizer);
    await Deno.writeTextFile(`${directory}/text.txt`, "the cat");
    await writeNpy(`${directory}/ids.npy`, Uint16Array.of(1, 2));
    const old = temporaryNameFor(run, "old");
    await Deno.rename(run, old);
    const names = () => Array.from(Deno.readDirSync(directory), ({ name }) => `${directory}/${name}`).sort();
    const before = names();
    for (const [task, ...args] of [...RUN_READERS, ...TOKENIZER_READERS]) {
      const filled = args.map((arg) => arg.replace("RUN", run).replace("DIR", directory));
      const { code, stderr } = await runTaskProcess(task, filled);
      assertEquals([task, code], [task, 1], stderr);
      assertMatch(stderr, /^error: Cannot read [^\n]+ must be put back first\. Rename it back[^\n]*\n$/);
      assert(stderr.includes(`${run}: `) && stderr.includes(old), stderr);
      assertEquals(stderr.includes(`deno task train-lm --resume ${run}`), RUN_READERS.some(([name]) => name === task));
      assertEquals(names(), before);
    }
    // One that may puts it back.
    await runTaskProcess("report", ["--run", run]);
    assertEquals(await Deno.stat(`${run}/config.json`).then(({ isFile }) => isFile), true);
    assert(!names().includes(old));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
