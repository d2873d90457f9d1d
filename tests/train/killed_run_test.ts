import { assert, assertEquals, assertRejects } from "@std/assert";
import { stub } from "@std/testing/mock";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { lockDirectory } from "../../lib/io/lock.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { loadTokenizer, saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { latestCheckpoint, listCheckpoints, readCheckpoint } from "../../lib/run/checkpoint.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { createRunDirectory, readRunConfig, RUN_ENTRIES } from "../../lib/run/run_directory.ts";
import { trainRun, type TrainRunOptions } from "../../lib/run/run.ts";
import { requireDirectory } from "../../tasks/cli/files.ts";
import { killAtCall } from "../harness/dying_file_system.ts";
import { Random } from "../harness/random.ts";

const model = { vocabSize: 11, contextLength: 4, dModel: 4, numLayers: 1, numHeads: 2, dFf: 4, ropeTheta: 10000 };
const train = tokensInMemory(new Random(5).integers(60, model.vocabSize));
const training = {
  ...TRAINING_DEFAULTS,
  steps: 3,
  batchSize: 1,
  saveEvery: 1,
  validEvery: 2,
  validBatches: 1,
  keep: 1,
};
const config = { model, training, data: { train: await recordOf(train) }, backend: "wasm" as const };

/** Calls between two deaths that are tried: kills inside of each writer are tried one by one elsewhere. */
const STRIDE = 11;

/** Starts a run, or continues it as `train-lm --resume` does. */
async function goOn(backend: Backend, directory: string, options: Partial<TrainRunOptions> = {}): Promise<void> {
  const { checkpoint } = await latestCheckpoint(`${directory}/checkpoints`);
  const beginAnew = checkpoint === undefined;
  const run = { backend, directory, config, train, valid: train, checkpoint, beginAnew };
  await Array.fromAsync(trainRun({ ...run, ...options }));
}

/** Names and sums of a run's files, and what its metrics say, without times. */
async function outcome(directory: string) {
  const sums: Record<string, string> = {};
  for (const { name, isFile } of Deno.readDirSync(directory)) {
    if (isFile && name !== "metrics.jsonl") sums[name] = await sha256OfFile(`${directory}/${name}`);
  }
  const metrics = (await readMetrics(directory)).map(({ step, loss, validLoss }) => [step, loss, validLoss]);
  const checkpoints = Array.from(Deno.readDirSync(`${directory}/checkpoints`), ({ name }) => name).sort();
  return { sums, metrics, checkpoints };
}

async function withRuns(body: (backend: Backend, newRun: () => Promise<string>) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await using backend = await createWasmBackend({ workers: 1 });
    let numRuns = 0;
    await body(backend, async () => {
      const run = `${directory}/${numRuns++}`;
      await createRunDirectory(run, config);
      return run;
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a run that is killed at any call, and again while it goes on, ends as one that never was", () =>
  withRuns(async (backend, newRun) => {
    const whole = await newRun();
    await goOn(backend, whole);
    const expected = await outcome(whole);
    assertEquals(expected.checkpoints, ["step-000000003"]);
    let numDeaths = 0;
    for (let n = 0;; n += STRIDE) {
      const run = await newRun();
      if (!await killAtCall(n, () => goOn(backend, run))) break;
      numDeaths++;
      await killAtCall(n % 19, () => goOn(backend, run));
      await goOn(backend, run);
      assertEquals(await outcome(run), expected, `killed at call ${n}`);
    }
    assert(numDeaths > 20, `${numDeaths} deaths`);
  }));

Deno.test("a training that was there is not given up unless that is asked for, and not before a step is done", () =>
  withRuns(async (backend, newRun) => {
    const run = await newRun();
    await goOn(backend, run);
    const before = await outcome(run);
    const again = { checkpoint: undefined, beginAnew: false };
    const message = "model.safetensors, best.safetensors, metrics.jsonl, checkpoints/";
    await assertRejects(() => goOn(backend, run, again), UserError, message);
    assertEquals(await outcome(run), before);

    // Each of its files alone is worth as much.
    const names = ["model.safetensors", "best.safetensors", "metrics.jsonl"];
    for (const name of names) {
      const other = await newRun();
      await Deno.copyFile(`${run}/${name}`, `${other}/${name}`);
      await assertRejects(() => goOn(backend, other, again), UserError, name);
      assertEquals(await sha256OfFile(`${other}/${name}`), await sha256OfFile(`${run}/${name}`));
    }

    // What turns out not to work as it begins takes nothing with it.
    const short = tokensInMemory([1, 2]);
    await assertRejects(() => goOn(backend, run, { ...again, beginAnew: true, train: short }), Error, "at least");
    assertEquals(await outcome(run), before);
    await goOn(backend, run, { ...again, beginAnew: true });
    assertEquals(await outcome(run), before);
  }));

Deno.test("a run or a tokenizer whose replacement was cut off between two renames is found by whoever reads it first", () =>
  withRuns(async (backend, newRun) => {
    const run = await newRun();
    await goOn(backend, run);
    const tokenizer = await trainBpe("the cat sat on the mat", { vocabSize: 258 });
    const reads: Record<string, () => Promise<unknown>> = {
      "its configuration": () => readRunConfig(run),
      "its checkpoint": async () =>
        assertEquals((await latestCheckpoint(`${run}/checkpoints`)).checkpoint?.state.step, 3),
      "its directory": () => requireDirectory(run, RUN_ENTRIES),
      "its tokenizer": async () => assertEquals((await loadTokenizer(run)).vocabSize, 258),
    };
    await saveTokenizer(tokenizer, run);
    const before = await outcome(run);
    for (const read of Object.values(reads)) {
      await Deno.rename(run, `${run}.bytelm-0123456789abcdef0123456789abcdef.old`);
      await Deno.mkdir(`${run}.bytelm-fedcba9876543210fedcba9876543210.tmp`, { recursive: true });
      await read();
      assertEquals(await outcome(run), before);
    }
    const { step } = (await latestCheckpoint(`${run}/checkpoints`)).checkpoint!.state;
    const [checkpoint] = await listCheckpoints(`${run}/checkpoints`);
    await Deno.rename(checkpoint, `${checkpoint}.bytelm-0123456789abcdef0123456789abcdef.old`);
    assertEquals((await latestCheckpoint(`${run}/checkpoints`)).checkpoint?.state.step, step);
  }));

Deno.test("a run is trained by one at a time", () =>
  withRuns(async (backend, newRun) => {
    const run = await newRun();
    await using first = trainRun({ backend, directory: run, config, train });
    await first.next();
    await assertRejects(() => goOn(backend, run), UserError, "another process is using it");
    await assertRejects(() => createRunDirectory(run, config, undefined, { replace: true }), UserError, "is using it");
    await Array.fromAsync(first);
    const { checkpoint } = await latestCheckpoint(`${run}/checkpoints`);
    assertEquals((await readCheckpoint(checkpoint!.path)).state.step, 3);
    await createRunDirectory(run, config, undefined, { replace: true });
    assertEquals(Array.from(Deno.readDirSync(run), ({ name }) => name), ["config.json"]);
  }));

Deno.test("a run that another put in its place meanwhile is not trained with the first one's configuration", () =>
  withRuns(async (backend, newRun) => {
    const run = await newRun();
    const other = { ...config, training: { ...training, lr: training.lr * 2 } };
    // As by one with --force, while the first still measured its device.
    await createRunDirectory(run, other, undefined, { replace: true });
    const message = `got training.lr ${training.lr}, must be ${other.training.lr} as in its config.json`;
    for (const beginAnew of [false, true]) {
      await assertRejects(() => goOn(backend, run, { checkpoint: undefined, beginAnew }), UserError, message);
      assertEquals(Array.from(Deno.readDirSync(run), ({ name }) => name), ["config.json"]);
    }
    // Nor is a run continued whose checkpoint was read before.
    const trained = await newRun();
    await goOn(backend, trained);
    const { checkpoint } = await latestCheckpoint(`${trained}/checkpoints`);
    await createRunDirectory(trained, other, undefined, { replace: true });
    await assertRejects(() => goOn(backend, trained, { checkpoint, beginAnew: false }), UserError, message);
    // The other one finds all as it made it.
    await goOn(backend, run, { config: other });
    assertEquals((await readRunConfig(run)).training.lr, other.training.lr);
    assertEquals((await readMetrics(run)).length, training.steps);
  }));

Deno.test("a run whose config.json is gone gets it again", () =>
  withRuns(async (backend, newRun) => {
    const run = await newRun();
    await goOn(backend, run);
    const before = await outcome(run);
    await Deno.remove(`${run}/config.json`);
    await goOn(backend, run);
    assertEquals(await outcome(run), before);
  }));

Deno.test({
  name: "the lock of a directory is that of the one which has the name now",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withRuns(async (_, newRun) => {
      const run = await newRun();
      // Replaced just after it was opened.
      const open = stub(Deno, "open", async (...args) => {
        open.restore();
        const file = await Deno.open(...args);
        await createRunDirectory(run, config, undefined, { replace: true });
        return file;
      });
      using _lock = await lockDirectory(run, "train in");
      await assertRejects(() => lockDirectory(run, "train in"), UserError, "is using it");
    }),
});
