import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { predictTraining } from "../../lib/accounting/training_summary.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { OptionError, UserError } from "../../lib/errors.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { parameterSpecs, sizeOf } from "../../lib/model/parameters.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { latestCheckpoint } from "../../lib/run/checkpoint.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { firstDifference } from "../../lib/run/sweep_grid.ts";
import { mergeConfigs, readConfigFile } from "../../lib/run/merge_config.ts";
import { requireRoom } from "../../lib/run/require_room.ts";
import { resumeRun } from "../../lib/run/resume_run.ts";
import { trainRun } from "../../lib/run/run.ts";
import { readRunConfig, type RunConfig, writeRunConfig } from "../../lib/run/run_directory.ts";
import { TRAINING_DEFAULTS, validateTrainingConfig } from "../../lib/train/config.ts";
import { predictModel, predictRun } from "../../lib/train/predict_model.ts";
import { GATED, Gated } from "../harness/gated_model.ts";
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
const tokens = tokensInMemory(new Random(5).integers(60, model.vocabSize));
const data = { train: await recordOf(tokens) };
const frozen = ["token_embeddings.weight", "layers.0"];
const training = { ...TRAINING_DEFAULTS, steps: 6, batchSize: 2, saveEvery: 3, frozen };
const config: RunConfig<ModelConfig> = { model, training, data, backend: "wasm" };
const isFrozen = (name: string) => /^token_embeddings|^layers\.0\./.test(name);

async function weightsIn(path: string): Promise<Map<string, Float32Array>> {
  using file = await Safetensors.open(path);
  return new Map([...file.tensors.keys()].map((name) => [name, file.readFloats(name)]));
}

Deno.test("a run keeps what is frozen, in its configuration and its files, and goes on with the same bits", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  await inTemporaryDirectory(async (place) => {
    const [whole, stopped] = [`${place}/whole`, `${place}/stopped`];
    for (const directory of [whole, stopped]) await Deno.mkdir(directory);
    await Array.fromAsync(trainRun({ backend, directory: whole, config, train: tokens }));

    const controller = new AbortController();
    const { signal } = controller;
    for await (const { step } of trainRun({ backend, directory: stopped, config, train: tokens, signal })) {
      if (step === 2) controller.abort();
    }
    assertEquals((await readRunConfig(stopped)).training.frozen, frozen);
    const { checkpoint } = await latestCheckpoint(`${stopped}/checkpoints`);
    const state = await weightsIn(`${checkpoint!.path}/optimizer.safetensors`);
    const trained = parameterSpecs(model).map(({ name }) => name).filter((name) => !isFrozen(name));
    const expected = ["first_moment", "second_moment"].flatMap((kind) => trained.map((name) => `${kind}.${name}`));
    assertEquals([...state.keys()], expected);

    // Other parameters frozen: another run.
    const other = { ...config, training: { ...training, frozen: ["layers.0"] } };
    const again = trainRun({ backend, directory: stopped, config: other, train: tokens, checkpoint });
    const { message } = await assertRejects(() => Array.fromAsync(again), UserError);
    assertStringIncludes(message, 'training.frozen ["layers.0"] instead of ["token_embeddings.weight","layers.0"]');

    const resumed = await Array.fromAsync(resumeRun({ backend, directory: stopped, train: tokens }));
    assertEquals(resumed.map(({ step }) => step), [3, 4, 5]);
    const [after, once] = [
      await weightsIn(`${stopped}/model.safetensors`),
      await weightsIn(`${whole}/model.safetensors`),
    ];
    assertEquals(after, once);
    const source = initialWeights(model, training.seed);
    for (const { name, shape } of parameterSpecs(model)) {
      const before = await source(name, shape);
      assertEquals(before.every((value, i) => Object.is(value, after.get(name)![i])), isFrozen(name), name);
    }
  });
});

Deno.test("what a run cannot freeze is refused before anything is written", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  await inTemporaryDirectory(async (directory) => {
    const wrong = { ...config, training: { ...training, frozen: ["layers.7"] } };
    const run = () => Array.fromAsync(trainRun({ backend, directory, config: wrong, train: tokens }));
    assertStringIncludes(
      (await assertRejects(run, OptionError)).message,
      'got "layers.7", which the model does not have',
    );
    await assertRejects(() => writeRunConfig(directory, wrong), OptionError, "layers.7");
    // The names of another architecture's parameters, only its model knows.
    const gated = new Gated(GATED);
    const own = { ...wrong, model: GATED };
    const ownRun = () => Array.fromAsync(trainRun({ backend, directory, config: own, train: tokens, model: gated }));
    await assertRejects(ownRun, OptionError, "layers.7");
    assertEquals(await Array.fromAsync(Deno.readDir(directory)), []);

    await Deno.writeTextFile(`${directory}/config.json`, JSON.stringify(wrong));
    await assertRejects(() => readRunConfig(directory), UserError, "layers.7");
    for (const value of ["layers.0", [1], [""], { 0: "layers.0" }]) {
      const text = JSON.stringify({ ...config, training: { ...training, frozen: value } });
      await Deno.writeTextFile(`${directory}/config.json`, text);
      assertStringIncludes((await assertRejects(() => readRunConfig(directory), UserError)).message, "frozen");
    }
  });
  for (const value of ["layers.0", [1], [""], null, 3]) {
    // Somebody may well write it without types.
    const odd = { ...training, frozen: value as unknown as string[] };
    assertThrows(() => validateTrainingConfig(odd), OptionError, `got frozen ${JSON.stringify(value)}, must be a list`);
  }
});

Deno.test("configurations say what is frozen, and no list is the same as an empty one", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/given.json`;
    await Deno.writeTextFile(path, JSON.stringify({ model, training: { frozen } }));
    const merged = mergeConfigs([await readConfigFile(path)]);
    assertEquals(merged.training.frozen, frozen);
    assert(merged.given.includes("training.frozen"));
    const run = { ...merged, data, backend: "wasm" };
    await writeRunConfig(directory, run);
    assertEquals(await readRunConfig(directory), run);
    // A run's own file, given to another.
    assertEquals((await readConfigFile(`${directory}/config.json`)).training!.frozen, frozen);
  });
  assert(!("frozen" in mergeConfigs([{ model }]).training), "a run that freezes nothing does not speak of it");
  const { frozen: _, ...none } = training;
  assertEquals(
    firstDifference({ ...config, training: none }, { ...config, training: { ...none, frozen: [] } }),
    undefined,
  );
  assertEquals(firstDifference(config, { ...config, training: { ...training, frozen: [...frozen] } }), undefined);
  const differs = firstDifference(config, { ...config, training: none });
  assertStringIncludes(differs!, "got training.frozen token_embeddings.weight,layers.0, must be");
});

Deno.test("the memory of a run that freezes parameters is counted from its programs", async () => {
  const shape = { ...model, dModel: 64, dFf: 128, vocabSize: 300, numHeads: 4 };
  const prediction = predictRun(shape, training);
  const specs = parameterSpecs(shape);
  const bytes = 4 * specs.filter(({ name }) => !isFrozen(name)).reduce((sum, spec) => sum + sizeOf(spec), 0);
  const { memory, parameters, backwardFlops } = prediction;
  for (const [got, expected] of [[memory.gradients, bytes], [memory.optimizer, 2 * bytes]]) {
    assert(got >= expected && got < 1.01 * expected, `${got} for ${expected}`);
  }
  const { frozen: _, ...none } = training;
  assertEquals(predictRun(shape, none), predictTraining(shape, none));
  assertEquals(parameters, predictTraining(shape, none).parameters);
  assert(backwardFlops < 0.7 * predictTraining(shape, none).backwardFlops);
  assert(
    predictModel(new Transformer(shape), training).memory.activations < predictTraining(shape, none).memory.activations,
  );

  // Room for the run that freezes, and not for the other.
  await using backend = await createWasmBackend({ workers: 1 });
  const hostBytes = predictTraining(shape, none).memory.total;
  await requireRoom(backend, { model: shape, training }, { hostBytes });
  await assertRejects(
    () => requireRoom(backend, { model: shape, training: none }, { hostBytes }),
    UserError,
    "Cannot train",
  );
});
