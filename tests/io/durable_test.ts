import { assertEquals } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { encodePartsToNpy, wholeInputs } from "../../lib/corpus/encode/encode_parts.ts";
import { encodeShards } from "../../lib/corpus/encode/encode_shards.ts";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { splitDocuments } from "../../lib/corpus/split_documents.ts";
import { expandInputs } from "../../lib/corpus/expand_inputs.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { writeDirectoryAtomically, writeFileAtomically } from "../../lib/io/atomic.ts";
import { writeSafetensors } from "../../lib/formats/safetensors.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { createRunDirectory, writeRunConfig } from "../../lib/run/run_directory.ts";
import { trainRun } from "../../lib/run/run.ts";
import { writeResults } from "../../lib/run/sweep_results.ts";
import { unsyncedAfter } from "../harness/sync_trace.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(20);
const tokenizer = await trainBpe(TEXT, { vocabSize: 270 });
const train = tokensInMemory(tokenizer.encode(TEXT));
const model = { vocabSize: 270, contextLength: 8, dModel: 8, numLayers: 1, numHeads: 2, dFf: 8, ropeTheta: 10000 };
const training = { ...TRAINING_DEFAULTS, steps: 4, batchSize: 2, saveEvery: 2, validEvery: 2, validBatches: 1 };
const config = { model, training, data: { train: await recordOf(train) }, backend: "wasm" as const };

async function* documents() {
  for (let i = 0; i < 20; i++) yield new TextEncoder().encode(`document ${i}`);
}

/** Everything that writes, given a directory that has a text file in it. */
const WRITERS: Record<string, (directory: string) => Promise<unknown>> = {
  "a file in a new directory": (directory) => writeFileAtomically(`${directory}/a/b/c.txt`, "text"),
  "a file that is not to be replaced": (directory) => writeFileAtomically(`${directory}/a`, "text", { replace: false }),
  "a directory that is replaced": async (directory) => {
    const own = { what: "a test's directory", files: ["a", "b"] };
    for (const name of ["a", "b"]) {
      await writeDirectoryAtomically(`${directory}/c/d`, (tmp) => Deno.writeTextFile(`${tmp}/${name}`, name), {
        own,
        replace: true,
      });
    }
  },
  "token ids": (directory) => writeNpy(`${directory}/ids.npy`, Uint16Array.of(1, 2, 3)),
  "encoded text": async (directory) =>
    await encodePartsToNpy(tokenizer, wholeInputs(await expandInputs([`${directory}/text.txt`])), `${directory}/x.npy`),
  "shards": async (directory) =>
    await encodeShards(tokenizer, await expandInputs([`${directory}/text.txt`]), `${directory}/shard`, {
      size: { numShards: 2 },
    }),
  "split text": (directory) =>
    splitDocuments(documents(), { train: `${directory}/train.txt`, valid: `${directory}/valid.txt` }, {
      separator: "\n",
      validFraction: 0.5,
      seed: 0,
    }),
  "a tokenizer": (directory) => saveTokenizer(tokenizer, `${directory}/tokenizer`),
  "tensors": (directory) =>
    writeSafetensors(`${directory}/t.safetensors`, [
      { name: "t", dtype: "F32", shape: [2], data: Float32Array.of(1, 2) },
    ]),
  "a run's directory": (directory) => createRunDirectory(`${directory}/runs/a`, config, tokenizer),
  "a run's configuration": (directory) => writeRunConfig(directory, config),
  "a sweep's results": (directory) =>
    writeResults(directory, [{ name: "a", settings: { lr: "1" }, status: "finished", steps: 3 }]),
};

for (const [name, write] of Object.entries(WRITERS)) {
  Deno.test(`what is said to be written is on disk: ${name}`, async () => {
    const directory = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${directory}/text.txt`, TEXT);
      assertEquals(await unsyncedAfter(directory, () => write(directory)), []);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

Deno.test("when a run says that a checkpoint is on disk, it is, and so are the metrics before it", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using backend = await createWasmBackend({ workers: 1 });
    const run = `${directory}/run`;
    const seen: (readonly [number, string[]])[] = [];
    await createRunDirectory(run, config);
    const atTheEnd = await unsyncedAfter(directory, async (now) => {
      const onCheckpoint = (step: number) => seen.push([step, now()]);
      await Array.fromAsync(trainRun({ backend, directory: run, config, train, valid: train, onCheckpoint }));
    });
    assertEquals([...seen, atTheEnd], [[2, []], [4, []], []]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
