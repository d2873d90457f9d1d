import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory, type TokenSource } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { weightsFrom } from "../../lib/model/weights_file.ts";
import { latestCheckpoint } from "../../lib/run/checkpoint.ts";
import { configDifferences } from "../../lib/run/config_difference.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { resumeRun } from "../../lib/run/resume_run.ts";
import { trainRun, type TrainRunOptions } from "../../lib/run/run.ts";
import { createRunDirectory, readRunConfig, type RunConfig } from "../../lib/run/run_directory.ts";
import { originOf, requireKeptState } from "../../lib/run/run_origin.ts";
import { TRAINING_DEFAULTS, type TrainingConfig } from "../../lib/train/config.ts";
import { Random } from "../harness/random.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const model: ModelConfig = {
  vocabSize: 11,
  contextLength: 4,
  dModel: 4,
  numLayers: 2,
  numHeads: 2,
  dFf: 4,
  ropeTheta: 10000,
};
const random = new Random(5);
const tokens = tokensInMemory(random.integers(60, model.vocabSize));
const others = tokensInMemory(random.integers(70, model.vocabSize));
const training: TrainingConfig = { ...TRAINING_DEFAULTS, steps: 6, batchSize: 2, saveEvery: 2, keep: 9, validEvery: 3 };
const backend = await createWasmBackend({ workers: 1 });

/** Trains a run in a new directory. */
async function trained(
  directory: string,
  train: TokenSource,
  own: Partial<TrainingConfig>,
  more: Partial<RunConfig> = {},
  options: Partial<TrainRunOptions> = {},
): Promise<RunConfig> {
  const data = { train: await recordOf(train), ...(options.valid && { valid: await recordOf(options.valid) }) };
  const config: RunConfig = { model, training: { ...training, ...own }, ...more, data, backend: "wasm" };
  await createRunDirectory(directory, config);
  await Array.fromAsync(trainRun({ backend, directory, config, train, ...options }));
  return config;
}

const metricsOf = async (run: string) =>
  (await readMetrics(run)).map(({ tokensPerSecond: _, seconds: __, ...rest }) => rest);
const outcome = async (run: string) => [await metricsOf(run), await sha256OfFile(`${run}/model.safetensors`)];

Deno.test("a run starts from another one's last weights, its best ones, or a checkpoint's", async () => {
  await inTemporaryDirectory(async (place) => {
    const parent = `${place}/parent`;
    // So fast a rate that the best weights are not the last ones.
    await trained(parent, tokens, { lr: 0.5, schedule: "constant", warmupSteps: 0 }, {}, { valid: others });
    const losses = (await readMetrics(parent)).flatMap(({ step, validLoss }) => validLoss === undefined ? [] : [step]);
    assertEquals(losses, [2, 5]);
    const files = {
      last: [`${parent}/model.safetensors`, 6],
      best: [`${parent}/best.safetensors`, undefined],
      4: [`${parent}/checkpoints/step-000000004/weights.safetensors`, 4],
    } as const;
    for (const [which, [file, step]] of Object.entries(files)) {
      const weights = which === "last" || which === "best" ? which : { step: Number(which) };
      const from = await originOf(parent, { weights, name: `parent@${which}` });
      const { path } = from.weights;
      assertEquals([from.run, path], [`parent@${which}`, await Deno.realPath(file)]);
      assertEquals(from.weights.sha256, await sha256OfFile(file));
      if (step !== undefined) assertEquals(from.step, step);
      else assert([3, 6].includes(from.step!));
      assert(!("optimizer" in from));
      await trained(`${place}/${which}`, others, { lr: 1e-3 }, { from });

      // The same weights given by hand.
      using given = await Safetensors.open(file);
      await trained(`${place}/${which}-given`, others, { lr: 1e-3 }, {}, { weights: weightsFrom(given, file) });
      assertEquals(await outcome(`${place}/${which}`), await outcome(`${place}/${which}-given`));
      assertEquals((await readRunConfig(`${place}/${which}`)).from, from);
      const { checkpoint } = await latestCheckpoint(`${place}/${which}/checkpoints`);
      assertEquals(checkpoint!.state.config.from, from);
    }
    await trained(`${place}/new`, others, { lr: 1e-3 });
    const all = await Promise.all(
      ["last", "4", "new"].map(async (name) => (await metricsOf(`${place}/${name}`))[0].loss),
    );
    assertEquals(new Set(all).size, 3);
  });
});

Deno.test("with its optimizer's state a run goes on as if it were the other one", async () => {
  // Every window is the same: which batch a step sees does not matter.
  const same = tokensInMemory(new Array(60).fill(3));
  const steady = { schedule: "constant", warmupSteps: 0, weightDecay: 0.1 } as const;
  await inTemporaryDirectory(async (place) => {
    await trained(`${place}/whole`, same, { ...steady, steps: 6 });
    await trained(`${place}/half`, same, { ...steady, steps: 3 });
    const whole = await sha256OfFile(`${place}/whole/model.safetensors`);
    for (const keepOptimizer of [true, false]) {
      const from = await originOf(`${place}/half`, { keepOptimizer });
      const run = `${place}/kept-${keepOptimizer}`;
      await trained(run, same, { ...steady, steps: 3 }, { from });
      const sum = await sha256OfFile(`${run}/model.safetensors`);
      if (keepOptimizer) assertEquals(sum, whole);
      else assert(sum !== whole);
      assertEquals((await readMetrics(run)).map(({ step }) => step), [0, 1, 2]);
    }
  });
});

Deno.test("a run that started from another is stopped, killed and resumed with the same bits", async () => {
  await inTemporaryDirectory(async (place) => {
    const parent = `${place}/parent`;
    await trained(parent, tokens, {});
    for (const keepOptimizer of [true, false]) {
      const from = await originOf(parent, { keepOptimizer });
      const [whole, stopped, killed] = ["whole", "stopped", "killed"].map((name) => `${place}/${name}${keepOptimizer}`);
      const config = await trained(whole, others, {}, { from });
      const expected = await outcome(whole);

      const controller = new AbortController();
      const { signal } = controller;
      await createRunDirectory(stopped, config);
      for await (const { step } of trainRun({ backend, directory: stopped, config, train: others, signal })) {
        if (step === 2) controller.abort();
      }
      await Array.fromAsync(resumeRun({ backend, directory: stopped, train: others }));
      assertEquals(await outcome(stopped), expected);

      // Given up before its first checkpoint.
      await createRunDirectory(killed, config);
      for await (const _ of trainRun({ backend, directory: killed, config, train: others })) break;
      await Array.fromAsync(resumeRun({ backend, directory: killed, train: others }));
      assertEquals(await outcome(killed), expected);
    }
  });
});

Deno.test("a run does not begin with other weights than those it was to begin with", async () => {
  await inTemporaryDirectory(async (place) => {
    const parent = `${place}/parent`;
    await trained(parent, tokens, {});
    const from = await originOf(parent);
    const config = { ...await readRunConfig(parent), from };
    const [begun, fresh] = [`${place}/begun`, `${place}/fresh`];
    const start = (directory: string) => trainRun({ backend, directory, config, train: tokens });
    await createRunDirectory(begun, config);
    const controller = new AbortController();
    const { signal } = controller;
    for await (const { step } of trainRun({ backend, directory: begun, config, train: tokens, signal })) {
      if (step === 2) controller.abort();
    }
    await Deno.mkdir(fresh);
    await Deno.copyFile(`${parent}/checkpoints/step-000000002/weights.safetensors`, `${parent}/model.safetensors`);
    const { message } = await assertRejects(() => Array.fromAsync(start(fresh)), UserError);
    assertStringIncludes(message, `Cannot start from ${parent} with ${from.weights.path}: got another one, must be`);
    await Deno.remove(`${parent}/model.safetensors`);
    await assertRejects(() => Array.fromAsync(start(fresh)), UserError, "got no such file");
    assertEquals(await Array.fromAsync(Deno.readDir(fresh)), []);
    // A run with a checkpoint needs them no more.
    assertEquals((await Array.fromAsync(resumeRun({ backend, directory: begun, train: tokens }))).at(-1)!.step, 5);
  });
});

Deno.test("what another run does not have is refused, and said", async () => {
  await inTemporaryDirectory(async (place) => {
    const parent = `${place}/parent`;
    await trained(parent, tokens, { saveEvery: 4 });
    const refused = async (options: Parameters<typeof originOf>[1], text: string) =>
      assertStringIncludes((await assertRejects(() => originOf(parent, options), UserError)).message, text);
    await refused({ weights: "best" }, "best.safetensors");
    await refused({ weights: { step: 5 } }, "got step 5, must be one of 4, 6");
    await refused({ weights: "best", keepOptimizer: true }, "got keepOptimizer for its best weights");

    const from = await originOf(parent, { keepOptimizer: true });
    const specs = parameterSpecs(model);
    await requireKeptState(from, specs, training);
    await requireKeptState(from, specs, { ...training, frozen: ["layers.0"] });
    await requireKeptState({ ...from, optimizer: undefined }, specs, { ...training, optimizer: "sgd" });
    for (const other of [{ optimizer: "sgd" }, { dtype: "f16" }] as const) {
      const keep = () => requireKeptState(from, specs, { ...training, ...other });
      await assertRejects(keep, UserError, "Cannot keep the optimizer's state of");
    }
    await Deno.remove(`${parent}/checkpoints`, { recursive: true });
    await refused({ keepOptimizer: true }, "got keepOptimizer and no checkpoint");
    assertEquals("step" in await originOf(parent), false);
  });
});

Deno.test("a record of where weights came from is read as it was written, and is part of what a run is", async () => {
  const sum = (digit: string) => digit.repeat(64);
  const from = { run: "a@best", step: 3, weights: { path: "/a", sha256: sum("a") } };
  const config: RunConfig = { model, training, from, data: { train: await recordOf(tokens) }, backend: "wasm" };
  const kept = { ...config, from: { ...from, optimizer: { path: "/b", sha256: sum("b") } } };
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/config.json`;
    for (const [i, written] of [config, kept].entries()) {
      await createRunDirectory(`${directory}/${i}`, written);
      assertEquals((await readRunConfig(`${directory}/${i}`)).from, written.from);
    }
    const { step: _, ...noStep } = kept.from;
    const bad: object[] = [{ ...from, weights: "/a" }, { ...from, more: 1 }, { ...from, step: -1 }, noStep, {}];
    bad.push({ ...from, weights: { path: "/a", sha256: "a" } });
    for (const wrong of bad) {
      await Deno.writeTextFile(path, JSON.stringify({ ...config, from: wrong }));
      await assertRejects(() => readRunConfig(directory), UserError, "config.json");
    }
  });
  const fields = (one: RunConfig, other: RunConfig) => configDifferences(one, other).map(({ field }) => field);
  assertEquals(
    fields(config, { ...config, from: { ...from, run: "/b", weights: { ...from.weights, path: "/c" } } }),
    [],
  );
  const { from: _, ...none } = config;
  assertEquals(fields(config, none), ["from.weights"]);
  assertEquals(fields(kept, config), ["from.optimizer", "from.step"]);
});
