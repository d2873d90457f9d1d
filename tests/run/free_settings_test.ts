import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { OptionError, UserError } from "../../lib/errors.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { latestCheckpoint } from "../../lib/run/checkpoint.ts";
import { bindingDifferences, configDifferences } from "../../lib/run/config_difference.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { FREE_SETTINGS, type FreeSettings, withSettings } from "../../lib/run/free_settings.ts";
import { mergeConfigs } from "../../lib/run/merge_config.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { resumeRun } from "../../lib/run/resume_run.ts";
import { trainRun } from "../../lib/run/run.ts";
import { createRunDirectory, readRunConfig, type RunConfig } from "../../lib/run/run_directory.ts";
import { readRunRecord } from "../../lib/run/run_record.ts";
import type { TrainingConfig } from "../../lib/train/config.ts";
import { learningRate, SCHEDULES } from "../../lib/train/schedule.ts";
import { Random } from "../harness/random.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const model = { vocabSize: 7, contextLength: 4, dModel: 8, numLayers: 1, numHeads: 2, dFf: 8, ropeTheta: 10000 };
const random = new Random(2);
const train = tokensInMemory(random.integers(40, model.vocabSize));
const valid = tokensInMemory(random.integers(40, model.vocabSize));
const data = { train: await recordOf(train), valid: await recordOf(valid) };
const backend = await createWasmBackend({ workers: 1 });
const configOf = (training: Partial<TrainingConfig>): RunConfig => ({
  ...mergeConfigs([{ model, training: { batchSize: 2, saveEvery: 4, keep: 9, validEvery: 5, ...training } }]),
  data,
  backend: "wasm",
});

const lossesOf = async (run: string) =>
  (await readMetrics(run)).map(({ step, loss, lr, gradNorm }) => ({ step, loss, lr, gradNorm }));
const weightsOf = (run: string) => sha256OfFile(`${run}/model.safetensors`);

/** Trains a run until a step, with its checkpoint. */
async function trainUntil(directory: string, config: RunConfig, last = Infinity): Promise<void> {
  await createRunDirectory(directory, config);
  const controller = new AbortController();
  const { signal } = controller;
  for await (const { step } of trainRun({ backend, directory, config, train, valid, signal })) {
    if (step === last) controller.abort();
  }
}

Deno.test("a run that goes on with other validations and checkpoints takes the same steps", async () => {
  await inTemporaryDirectory(async (place) => {
    const [whole, changed] = [`${place}/whole`, `${place}/changed`];
    const config = configOf({ steps: 12 });
    await trainUntil(whole, config);
    await trainUntil(changed, config, 5);
    const settings = { validEvery: 3, validBatches: 2, saveEvery: 1, keep: 2, patience: 100 };
    await Array.fromAsync(resumeRun({ backend, directory: changed, train, valid, settings }));
    assertEquals(await lossesOf(changed), await lossesOf(whole));
    assertEquals(await weightsOf(changed), await weightsOf(whole));
    const validated = (await readMetrics(changed)).flatMap(({ step, validLoss }) =>
      validLoss === undefined ? [] : [step]
    );
    assertEquals(validated, [4, 8, 11]);
    assertEquals((await Array.fromAsync(Deno.readDir(`${changed}/checkpoints`))).length, 2);

    // What was changed is in config.json, as given, and the run continues without giving it again.
    const written = await readRunConfig(changed);
    assertEquals(written.training, { ...config.training, ...settings });
    for (const name of Object.keys(settings)) assert(written.given!.includes(`training.${name}`), name);
    assertEquals(await Array.fromAsync(resumeRun({ backend, directory: changed, train, valid })), []);
    assertEquals((await readRunRecord(changed)).edited, undefined);
  });
});

Deno.test("settings that were changed hold after a kill before the next checkpoint", async () => {
  await inTemporaryDirectory(async (place) => {
    const run = `${place}/run`;
    await trainUntil(run, configOf({ steps: 12 }), 5);
    for await (const _ of resumeRun({ backend, directory: run, train, valid, settings: { validEvery: 2 } })) break;
    const record = await readRunRecord(run);
    assertEquals([record.edited, record.config.training.validEvery], [undefined, 2]);
    await Array.fromAsync(resumeRun({ backend, directory: run, train, valid }));
    const validated = (await readMetrics(run)).flatMap(({ step, validLoss }) => validLoss === undefined ? [] : [step]);
    assertEquals(validated, [4, 7, 9, 11]);
  });
});

Deno.test("a run with a plateau takes more steps, as one that was to take them from the beginning", async () => {
  await inTemporaryDirectory(async (place) => {
    const cases: [name: string, training: Partial<TrainingConfig>, until: number | undefined][] = [
      ["constant", { schedule: "constant", warmupSteps: 2 }, undefined],
      ["wsd", { schedule: "wsd", warmupSteps: 2, decaySteps: 3 }, 4],
    ];
    for (const [name, training, until] of cases) {
      const [whole, longer] = [`${place}/${name}`, `${place}/${name}-longer`];
      await trainUntil(whole, configOf({ ...training, steps: 14 }));
      await trainUntil(longer, configOf({ ...training, steps: 9 }), until);
      await Array.fromAsync(resumeRun({ backend, directory: longer, train, valid, settings: { steps: 14 } }));
      assertEquals(await lossesOf(longer), await lossesOf(whole), name);
      assertEquals(await weightsOf(longer), await weightsOf(whole), name);
    }
    // The decay began.
    const [falling, cosine] = [`${place}/falling`, `${place}/cosine`];
    await trainUntil(falling, configOf({ schedule: "wsd", warmupSteps: 2, decaySteps: 3, steps: 9 }), 7);
    await trainUntil(cosine, configOf({ steps: 9 }), 4);
    for (const directory of [falling, cosine]) {
      const before = await Deno.readTextFile(`${directory}/config.json`);
      const more = resumeRun({ backend, directory, train, valid, settings: { steps: 14 } });
      const { message } = await assertRejects(() => Array.fromAsync(more), UserError);
      assertStringIncludes(message, "training.steps 14 instead of 9");
      assertEquals(await Deno.readTextFile(`${directory}/config.json`), before);
    }
  });
});

Deno.test("a run that began without validations may be validated from some step on", async () => {
  await inTemporaryDirectory(async (place) => {
    const [whole, begun] = [`${place}/whole`, `${place}/begun`];
    const { data: { train: record }, ...rest } = configOf({ steps: 12 });
    const config = { ...rest, data: { train: record } };
    await trainUntil(whole, configOf({ steps: 12 }));
    await createRunDirectory(begun, config);
    const controller = new AbortController();
    const { signal } = controller;
    for await (const { step } of trainRun({ backend, directory: begun, config, train, signal })) {
      if (step === 5) controller.abort();
    }
    // Stopped before the next checkpoint: the run continues all the same.
    for await (const _ of resumeRun({ backend, directory: begun, train, valid })) break;
    assertEquals((await readRunConfig(begun)).data, data);
    await assertRejects(
      () => Array.fromAsync(resumeRun({ backend, directory: begun, train, valid: train })),
      UserError,
    );
    await Array.fromAsync(resumeRun({ backend, directory: begun, train, valid }));
    assertEquals(await lossesOf(begun), await lossesOf(whole));
    const validated = async (run: string) =>
      (await readMetrics(run)).flatMap(({ step, validLoss }) => validLoss === undefined ? [] : [[step, validLoss]]);
    assertEquals(await validated(begun), (await validated(whole)).filter(([step]) => step > 5));
    // What a checkpoint was validated with is not given up.
    const { checkpoint } = await latestCheckpoint(`${begun}/checkpoints`);
    const none = trainRun({ backend, directory: begun, config, train, checkpoint });
    await assertRejects(() => Array.fromAsync(none), UserError, "data.valid none instead of");
  });
});

Deno.test("only settings that change no bit may be changed", () => {
  const config = configOf({});
  for (const name of Object.keys(config.training)) {
    const isFree = (FREE_SETTINGS as readonly string[]).includes(name);
    if (isFree) continue;
    const settings = { [name]: 1 } as FreeSettings;
    assertThrows(() => withSettings(config, settings), OptionError, `got setting "${name}", must be one of validEvery`);
    const other = { ...config, training: { ...config.training, [name]: "other" } };
    assertEquals(bindingDifferences(other, config, 0), configDifferences(other, config));
  }
  assertThrows(() => withSettings(config, { validEvery: 0 }), OptionError, "got validEvery 0");
  assertEquals(withSettings(config, {}), config);
});

Deno.test("another length is no difference exactly where each step taken had the same learning rate", () => {
  const numbers = { lr: 1, minLr: 0, warmupSteps: 3, decaySteps: 5 };
  const seen = new Set<string>();
  for (const schedule of SCHEDULES) {
    for (const [steps, more] of [[12, 20], [12, 13], [12, 9], [4, 30]]) {
      for (let step = 1; step <= steps; step++) {
        const [one, other] = [more, steps].map((steps) => configOf({ ...numbers, schedule, steps }));
        const isFree = bindingDifferences(one, other, step).length === 0;
        const isSame = step <= more &&
          Array.from({ length: step }, (_, i) => i).every((i) =>
            learningRate(i, one.training) === learningRate(i, other.training)
          );
        // While every schedule warms up, the rates of all are the same; but only a plateau is one to be lengthened.
        if (schedule === "constant" || schedule === "wsd") assertEquals(isFree, isSame, `${schedule} ${steps} ${step}`);
        else assert(!isFree);
        seen.add(`${schedule} ${isFree}`);
      }
    }
  }
  assertEquals(seen.size, 6);
});
