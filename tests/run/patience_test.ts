import { assert, assertEquals, assertThrows } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { OptionError } from "../../lib/errors.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { configWarnings } from "../../lib/run/config_warnings.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { mergeConfigs } from "../../lib/run/merge_config.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { resumeRun } from "../../lib/run/resume_run.ts";
import { trainRun } from "../../lib/run/run.ts";
import { createRunDirectory, readRunConfig, type RunConfig } from "../../lib/run/run_directory.ts";
import { validateTrainingConfig } from "../../lib/train/config.ts";
import { Random } from "../harness/random.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const STEPS = 60;
const model = { vocabSize: 7, contextLength: 4, dModel: 8, numLayers: 1, numHeads: 2, dFf: 8, ropeTheta: 10000 };
const random = new Random(2);
const train = tokensInMemory(random.integers(40, model.vocabSize));
const valid = tokensInMemory(random.integers(40, model.vocabSize));
const backend = await createWasmBackend({ workers: 1 });
const merged = (more: object) =>
  mergeConfigs([{ model, training: { steps: STEPS, batchSize: 4, lr: 0.02, validEvery: 2, saveEvery: 7, ...more } }]);
const data = { train: await recordOf(train), valid: await recordOf(valid) };
const configOf = (more: object): RunConfig => ({ ...merged(more), data, backend: "wasm" });

const metricsOf = async (run: string) =>
  (await readMetrics(run)).map(({ tokensPerSecond: _, seconds: __, ...rest }) => rest);

/** Where a training is to end, by the losses of one that does not. */
function lastStep(losses: readonly (readonly [step: number, loss: number])[], patience: number): number {
  let best = 0;
  for (const [i, [step, loss]] of losses.entries()) {
    if (loss < losses[best][1]) best = i;
    if (i - best === patience) return step;
  }
  return STEPS - 1;
}

Deno.test("a run ends after so many validations without a better loss, and resumed it ends at the same step", async () => {
  await inTemporaryDirectory(async (place) => {
    const whole = `${place}/whole`;
    await createRunDirectory(whole, configOf({}));
    await Array.fromAsync(trainRun({ backend, directory: whole, config: configOf({}), train, valid }));
    const steps = await metricsOf(whole);
    const losses = steps.flatMap(({ step, validLoss }) => validLoss === undefined ? [] : [[step, validLoss] as const]);
    const ends = new Set<number>();
    for (const patience of [1, 2, 5, 1000]) {
      const config = configOf({ patience });
      const last = lastStep(losses, patience);
      ends.add(last);
      const expected = steps.slice(0, last + 1);
      if (last < STEPS - 1) expected[last] = { ...expected[last], stoppedEarly: true };
      const [once, resumed] = [`${place}/once${patience}`, `${place}/resumed${patience}`];
      await createRunDirectory(once, config);
      await Array.fromAsync(trainRun({ backend, directory: once, config, train, valid }));
      assertEquals(await metricsOf(once), expected);

      // Stopped at every third step: between two validations, and at one.
      await createRunDirectory(resumed, config);
      for (let stopAt = 0; stopAt < last; stopAt += 3) {
        const controller = new AbortController();
        const { signal } = controller;
        const options = { backend, directory: resumed, train, valid, signal };
        const run = stopAt === 0 ? trainRun({ ...options, config }) : resumeRun(options);
        for await (const { step } of run) if (step === stopAt) controller.abort();
      }
      await Array.fromAsync(resumeRun({ backend, directory: resumed, train, valid }));
      assertEquals(await metricsOf(resumed), expected);
      for (const name of ["model", "best"]) {
        const file = `${name}.safetensors`;
        assertEquals(await sha256OfFile(`${resumed}/${file}`), await sha256OfFile(`${once}/${file}`), file);
      }
      // It is over, and stays so: also where a kill came before its weights.
      assertEquals(await Array.fromAsync(resumeRun({ backend, directory: once, train, valid })), []);
      const sum = await sha256OfFile(`${once}/model.safetensors`);
      await Deno.remove(`${once}/model.safetensors`);
      assertEquals(await Array.fromAsync(resumeRun({ backend, directory: once, train, valid })), []);
      assertEquals(await sha256OfFile(`${once}/model.safetensors`), sum);
      assertEquals(await metricsOf(once), expected);
    }
    assertEquals(ends.size, 4, `ends at ${[...ends]}: choose another rate`);

    // With more patience it continues.
    const more = resumeRun({ backend, directory: `${place}/once1`, train, valid, settings: { patience: 1000 } });
    await Array.fromAsync(more);
    assertEquals((await metricsOf(`${place}/once1`)).map(({ loss }) => loss), steps.map(({ loss }) => loss));
  });
});

Deno.test("patience is a positive whole number, and needs validations", async () => {
  const { training } = merged({});
  assert(!("patience" in training), "a run without it does not speak of it");
  for (const patience of [0, -1, 1.5, NaN, "3" as unknown as number]) {
    assertThrows(() => validateTrainingConfig({ ...training, patience }), OptionError, "must be a positive integer");
  }
  const warnings = configWarnings(merged({ patience: 3 }), false);
  assert(warnings.includes("training.patience has no effect without validation data"), warnings.join("\n"));
  await inTemporaryDirectory(async (place) => {
    await createRunDirectory(`${place}/run`, configOf({ patience: 3 }));
    assertEquals((await readRunConfig(`${place}/run`)).training.patience, 3);
  });
});
