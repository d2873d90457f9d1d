import { assert, assertEquals } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { tokensInMemory, type TokenSource } from "../../lib/dataset/token_source.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { latestCheckpoint } from "../../lib/run/checkpoint.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { trainRun } from "../../lib/run/run.ts";
import { forEachDevice } from "../harness/backends.ts";
import { Random } from "../harness/random.ts";

const model = { vocabSize: 17, contextLength: 8, dModel: 12, numLayers: 1, numHeads: 3, dFf: 20, ropeTheta: 10000 };
const train = tokensInMemory(new Random(5).integers(300, model.vocabSize));

const STEPS = 5;

/** Trains, or continues, until the step `stopAfter` was seen, or until the first validation is in progress. */
async function run(
  backend: Backend,
  directory: string,
  { stopAfter = Infinity, stopInValidation = false }: { stopAfter?: number; stopInValidation?: boolean } = {},
): Promise<void> {
  const every = { saveEvery: 2, validEvery: 3, validBatches: 1 };
  const training = { ...TRAINING_DEFAULTS, steps: STEPS, batchSize: 2, gradAccumulation: 2, ...every };
  const config = { model, training, data: { train: await recordOf(train) }, backend: backend.name };
  const { checkpoint } = await latestCheckpoint(`${directory}/checkpoints`);
  const controller = new AbortController();
  const { signal } = controller;
  const valid: TokenSource = {
    ...train,
    read: (start, end) => {
      if (stopInValidation) controller.abort();
      return train.read(start, end);
    },
  };
  const steps = trainRun({ backend, directory, config, train, valid, checkpoint, signal });
  for await (const { step } of steps) if (step >= stopAfter) controller.abort();
}

/** Everything of a run that must not depend on interruptions. */
async function outcome(directory: string) {
  const metrics = (await readMetrics(directory)).map(({ tokensPerSecond: _, seconds: __, ...rest }) => rest);
  return { metrics, weights: await sha256OfFile(`${directory}/model.safetensors`) };
}

forEachDevice("a run that is stopped and resumed is, bit for bit, one that never stopped", async (backend) => {
  const [whole, stopped] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  try {
    await run(backend, whole);
    const expected = await outcome(whole);
    assertEquals(expected.metrics.length, STEPS);
    await run(backend, stopped, { stopAfter: 1 });
    const { length } = (await outcome(stopped)).metrics;
    assert(length > 1 && length < STEPS, `stopped after ${length} steps`);
    await run(backend, stopped);
    assertEquals(await outcome(stopped), expected);
  } finally {
    for (const directory of [whole, stopped]) await Deno.remove(directory, { recursive: true });
  }
});

forEachDevice("a run that is stopped during a validation ends after it, without another step", async (backend) => {
  const [whole, stopped] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  try {
    await run(backend, whole);
    await run(backend, stopped, { stopInValidation: true });
    const { metrics } = await outcome(stopped);
    assertEquals(metrics.length, 3);
    assert(metrics[2].validLoss !== undefined);
    assertEquals((await latestCheckpoint(`${stopped}/checkpoints`)).checkpoint?.state.step, 3);
    await run(backend, stopped);
    assertEquals(await outcome(stopped), await outcome(whole));
  } finally {
    for (const directory of [whole, stopped]) await Deno.remove(directory, { recursive: true });
  }
});
