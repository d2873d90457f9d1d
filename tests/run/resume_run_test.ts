import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { openTokens } from "../../lib/dataset/sharded_tokens.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { resumeRun, type ResumeRunOptions } from "../../lib/run/resume_run.ts";
import { trainRun } from "../../lib/run/run.ts";
import { createRunDirectory } from "../../lib/run/run_directory.ts";
import { forEachDevice } from "../harness/backends.ts";
import { Random } from "../harness/random.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const model = { vocabSize: 17, contextLength: 8, dModel: 12, numLayers: 1, numHeads: 3, dFf: 20, ropeTheta: 10000 };
const ids = new Random(5).integers(300, model.vocabSize);
const STEPS = 7;

/** Begins a run, and trains until a step was seen; returns the losses. */
async function begin(backend: Backend, dir: string, name: string, stopAfter = Infinity): Promise<number[]> {
  await writeNpy(`${dir}/train.npy`, ids);
  using train = await openTokens(`${dir}/train.npy`);
  const training = { ...TRAINING_DEFAULTS, steps: STEPS, batchSize: 2, saveEvery: 2, validEvery: 3, validBatches: 1 };
  const record = await recordOf(train);
  const config = { model, training, data: { train: record, valid: record }, backend: backend.name };
  const directory = `${dir}/${name}`;
  await createRunDirectory(directory, config);
  const controller = new AbortController();
  const { signal } = controller;
  const losses = [];
  for await (const { step, loss } of trainRun({ backend, directory, config, train, valid: train, signal })) {
    losses.push(loss);
    if (step >= stopAfter) controller.abort();
  }
  return losses;
}

async function resume(options: ResumeRunOptions): Promise<number[]> {
  return await Array.fromAsync(resumeRun(options), ({ loss }) => loss);
}

forEachDevice(
  "resumeRun() ends with the bits of a run that never stopped, by its directory alone",
  (backend) =>
    inTemporaryDirectory(async (dir) => {
      const weights = (name: string) => sha256OfFile(`${dir}/${name}/model.safetensors`);
      const whole = await begin(backend, dir, "whole");
      assertEquals(whole.length, STEPS);
      const directory = `${dir}/stopped`;
      const before = await begin(backend, dir, "stopped", 1);
      assert(before.length < STEPS, `stopped after ${before.length} steps`);
      assertEquals([...before, ...await resume({ backend, directory })], whole);
      assertEquals(await weights("stopped"), await weights("whole"));
      assertEquals(await resume({ backend, directory }), [], "it has ended");
    }),
);

forEachDevice(
  "resumeRun() passes damaged checkpoints over, and begins anew without any",
  (backend) =>
    inTemporaryDirectory(async (dir) => {
      const directory = `${dir}/run`;
      const whole = await begin(backend, dir, "run", 4);
      const rest = await resume({ backend, directory });
      await Deno.remove(`${directory}/model.safetensors`);
      const names = Array.from(Deno.readDirSync(`${directory}/checkpoints`), ({ name }) => name).sort();
      await Deno.truncate(`${directory}/checkpoints/${names.at(-1)}/weights.safetensors`, 9);
      const notes: string[] = [];
      const again = await resume({ backend, directory, onNote: (note) => notes.push(note) });
      assertEquals(notes.length, 1);
      assertEquals(again, [...whole, ...rest].slice(-again.length));
      assert(again.length > 0);
      await Deno.remove(`${directory}/model.safetensors`);
      await Deno.remove(`${directory}/checkpoints`, { recursive: true });
      assertEquals(await resume({ backend, directory }), [...whole, ...rest]);
    }),
);

forEachDevice(
  "resumeRun() takes data from elsewhere, if they are the same, and says how to give them",
  (backend) =>
    inTemporaryDirectory(async (dir) => {
      const directory = `${dir}/run`;
      await begin(backend, dir, "run", 1);
      await Deno.remove(`${dir}/train.npy`);
      await assertRejects(() => resume({ backend, directory }), UserError, "give them as { train }");
      const train = tokensInMemory(ids);
      await assertRejects(() => resume({ backend, directory, train }), UserError, "give them as { valid }");
      const other = tokensInMemory(ids.toReversed());
      await assertRejects(() => resume({ backend, directory, train: other }), UserError, "got other tokens");
      await assertRejects(() => resume({ backend, directory: `${dir}/none` }), UserError, "got no config.json");
      assert((await resume({ backend, directory, train, valid: train })).length > 0);
    }),
);
