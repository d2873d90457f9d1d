import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { predictTraining } from "../../lib/accounting/training_summary.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { OptionError, UserError } from "../../lib/errors.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { adapterSpecs, mergedWeights, withAdapters } from "../../lib/model/lora.ts";
import { parameterSpecs, sizeOf } from "../../lib/model/parameters.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { latestCheckpoint } from "../../lib/run/checkpoint.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { openWeights } from "../../lib/run/origin_tensors.ts";
import { resumeRun } from "../../lib/run/resume_run.ts";
import { trainRun } from "../../lib/run/run.ts";
import { originOf } from "../../lib/run/run_origin.ts";
import { findWeights, readRunConfig, type RunConfig } from "../../lib/run/run_directory.ts";
import { TRAINING_DEFAULTS, validateTrainingConfig } from "../../lib/train/config.ts";
import { predictRun } from "../../lib/train/predict_model.ts";
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
const training = { ...TRAINING_DEFAULTS, steps: 6, batchSize: 2, saveEvery: 3 };
const parent: RunConfig<ModelConfig> = { model, training: { ...training, steps: 1 }, data, backend: "wasm" };
const lora = { loraRank: 2, loraAlpha: 6, loraTargets: ["q_proj", "w2"] };
const ADAPTERS = adapterSpecs(model, { rank: 2, targets: lora.loraTargets });

async function weightsIn(path: string): Promise<Map<string, Float32Array>> {
  using file = await Safetensors.open(path);
  return new Map([...file.tensors.keys()].map((name) => [name, file.readFloats(name)]));
}

Deno.test("a run trains adapters alone, keeps only them, goes on with the same bits, and ends with merged weights", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  await inTemporaryDirectory(async (place) => {
    const directories = ["parent", "whole", "stopped"].map((name) => `${place}/${name}`);
    for (const directory of directories) await Deno.mkdir(directory);
    const [before, whole, stopped] = directories;
    await Array.fromAsync(trainRun({ backend, directory: before, config: parent, train: tokens }));
    const config = { ...parent, training: { ...training, ...lora }, from: await originOf(before) };
    await Array.fromAsync(trainRun({ backend, directory: whole, config, train: tokens }));

    const controller = new AbortController();
    const { signal } = controller;
    for await (const { step } of trainRun({ backend, directory: stopped, config, train: tokens, signal })) {
      if (step === 2) controller.abort();
    }
    assertEquals((await readRunConfig(stopped)).training.loraTargets, lora.loraTargets);
    const { checkpoint } = await latestCheckpoint(`${stopped}/checkpoints`);
    const kept = await weightsIn(`${checkpoint!.path}/weights.safetensors`);
    const names = ADAPTERS.map(({ name }) => name);
    assertEquals([...kept.keys()], names);
    const state = await weightsIn(`${checkpoint!.path}/optimizer.safetensors`);
    const expected = ["first_moment", "second_moment"].flatMap((kind) => names.map((name) => `${kind}.${name}`));
    assertEquals([...state.keys()], expected);

    // Without its last weights, as a run that was killed: its checkpoint is merged with the parent's where it is read.
    const last = await weightsIn(`${stopped}/model.safetensors`);
    await Deno.remove(`${stopped}/model.safetensors`);
    const own = await weightsIn(`${before}/model.safetensors`);
    const source = withAdapters((name) => own.get(name)!, (name) => kept.get(name)!);
    {
      using opened = await openWeights(await findWeights(stopped));
      for (const { name, shape } of parameterSpecs(model)) {
        assertEquals(await opened.weights(name, shape), last.get(name), name);
        assertEquals(last.get(name), await mergedWeights(source, ADAPTERS, 3)(name, shape), name);
        const isAdapted = names.some((adapter) => adapter.startsWith(name.slice(0, -"weight".length)));
        assertEquals(last.get(name)!.every((value, i) => value === own.get(name)![i]), !isAdapted, name);
      }
    }
    assertEquals([...last.keys()], parameterSpecs(model).map(({ name }) => name));

    const resumed = await Array.fromAsync(resumeRun({ backend, directory: stopped, train: tokens }));
    assertEquals(resumed.map(({ step }) => step), [3, 4, 5]);
    assertEquals(await weightsIn(`${stopped}/model.safetensors`), await weightsIn(`${whole}/model.safetensors`));

    // For PEFT: two neighbouring rows of a head are half a head apart there; 4 rows are two heads of 2, which stay.
    const peft = await weightsIn(`${whole}/adapter_model.safetensors`);
    const ended = await latestCheckpoint(`${whole}/checkpoints`);
    const adapters = await weightsIn(`${ended.checkpoint!.path}/weights.safetensors`);
    const nameInPeft = (name: string) =>
      `base_model.model.model.${name.replace("attn", "self_attn").replace("ffn.w2", "mlp.down_proj")}`;
    assertEquals(peft, new Map([...adapters].map(([name, values]) => [nameInPeft(name), values])));
    const settings = JSON.parse(await Deno.readTextFile(`${whole}/adapter_config.json`)) as Record<string, unknown>;
    assertEquals([settings.r, settings.lora_alpha, settings.target_modules], [2, 6, ["q_proj", "down_proj"]]);

    // Another rank: another run.
    const other = { ...config, training: { ...config.training, loraRank: 1 } };
    const again = trainRun({ backend, directory: stopped, config: other, train: tokens, checkpoint });
    assertStringIncludes(
      (await assertRejects(() => Array.fromAsync(again), UserError)).message,
      "training.loraRank 1 instead of 2",
    );
    // Adapters without what they belong to.
    await Deno.remove(`${before}/model.safetensors`);
    const orphan = trainRun({ backend, directory: stopped, config, train: tokens, checkpoint });
    assertStringIncludes((await assertRejects(() => Array.fromAsync(orphan), UserError)).message, "got no such file");
  });
});

Deno.test("adapters that a run cannot have are refused before anything is written", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  await inTemporaryDirectory(async (directory) => {
    const refused = async (more: Partial<RunConfig["training"]>, message: string, weights?: true) => {
      const config = { ...parent, training: { ...training, ...more } };
      const source = weights && { weights: initialWeights(model, 0) };
      const run = () => Array.fromAsync(trainRun({ backend, directory, config, train: tokens, ...source }));
      assertStringIncludes((await assertRejects(run, OptionError)).message, message);
    };
    await refused(lora, "got loraRank 2 and no run to start from");
    await refused({ loraRank: 5 }, "got loraRank 5, must be at most 4");
    await refused({ loraRank: 1, loraTargets: ["w9"] }, 'got loraTargets "w9", must be one or more of q_proj');
    await refused({ loraRank: 0 }, "got loraRank 0, must be a positive integer");
    await refused({ loraAlpha: 2 }, "got loraAlpha 2, must be absent without loraRank");
    await refused({ loraTargets: ["w1"] }, 'got loraTargets ["w1"], must be absent without loraRank');
    await refused({ loraRank: 1, frozen: ["layers.0"] }, 'got frozen ["layers.0"], must be none with loraRank');
    assertEquals(await Array.fromAsync(Deno.readDir(directory)), []);
  });
  const half = { ...training, loraRank: 1, dtype: "f16" as const };
  const error = await assertRejects(() => Promise.resolve().then(() => validateTrainingConfig(half)), OptionError);
  assertStringIncludes(error.message, "must be f32 or bf16 with loraRank");
});

Deno.test("the memory of a run that trains adapters is counted as that of frozen parameters", () => {
  const shape = { ...model, dModel: 64, dFf: 128, vocabSize: 300, numHeads: 4 };
  const { memory, parameters } = predictRun(shape, { ...training, loraRank: 8 });
  const count = adapterSpecs(shape, { rank: 8 }).reduce((sum, spec) => sum + sizeOf(spec), 0);
  for (const [got, expected] of [[memory.gradients, 4 * count], [memory.optimizer, 8 * count]]) {
    assert(got >= expected && got < 1.05 * expected, `${got} for ${expected}`);
  }
  assertEquals(parameters, predictTraining(shape, training).parameters + count);
});
