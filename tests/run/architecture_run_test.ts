// Runs of models with the parts of other people's: trained from a configuration file, resumed, read back and used.
import { assert, assertEquals } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { type ModelConfig, PRESETS } from "../../lib/model/config.ts";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { latestCheckpoint } from "../../lib/run/checkpoint.ts";
import { configDifferences } from "../../lib/run/config_difference.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { mergeConfigs, readConfigFile } from "../../lib/run/merge_config.ts";
import { trainRun } from "../../lib/run/run.ts";
import { createRunDirectory, readRunConfig } from "../../lib/run/run_directory.ts";
import { forEachDevice } from "../harness/backends.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const SIZES = { vocabSize: 17, contextLength: 12, dModel: 16, numLayers: 2, numHeads: 4, dFf: 20 };

/** Between them, all parts. */
const MODELS: Record<string, Partial<ModelConfig>> = {
  "like Qwen 3 and Mistral": {
    ...{ numKeyValueHeads: 2, headDim: 6, qkNorm: "head", normEps: 1e-6, bias: "qkv", slidingWindow: 5 },
    ropeScaling: { type: "yarn", factor: 4, originalContextLength: 8 },
  },
  "like GPT-2, in parallel": {
    ...{ norm: "layer", position: "learned", ffn: "gelu", bias: "all", tieEmbeddings: true, parallelBlocks: true },
  },
  "like OLMo 2 and Gemma": {
    ...{ qkNorm: "width", normPlace: "output", ffn: "geglu", embeddingScale: 4, rotaryDim: 2, logitSoftCap: 5 },
  },
  "of squared ReLU and value embeddings": { ffn: "relu_squared", valueEmbeddings: "alternate", numKeyValueHeads: 2 },
  "with embeddings that are tied and scaled": { tieEmbeddings: true, scaleEmbeddings: true, position: "learned" },
};

const STEPS = 6;
/** A row of 17 numbers, again and again. */
const train = tokensInMemory(Uint32Array.from({ length: 400 }, (_, i) => i * i % SIZES.vocabSize));

/** Gradients of each part are compared on every device in architecture_test.ts: here, one model is enough for that. */
const onWasm = (name: string, body: (backend: Backend) => Promise<void>) =>
  Deno.test(name, async () => {
    await using backend = await createWasmBackend({ workers: 2 });
    await body(backend);
  });

for (const [i, [name, parts]] of Object.entries(MODELS).entries()) {
  const forEach = i === 0 ? forEachDevice : onWasm;
  forEach(
    `a model ${name} trains, goes on where it stopped, and is read back`,
    (backend) =>
      inTemporaryDirectory(async (dir) => {
        const file = `${dir}/model.json`;
        const training = { steps: STEPS, batchSize: 4, lr: 0.01, saveEvery: 3 };
        await Deno.writeTextFile(file, JSON.stringify({ model: { ...SIZES, ...parts }, training }));
        const merged = mergeConfigs([await readConfigFile(file)]);
        const config = { ...merged, data: { train: await recordOf(train) }, backend: backend.name };
        const losses = async (directory: string, until = Infinity) => {
          const { checkpoint } = await latestCheckpoint(`${directory}/checkpoints`);
          const taken: number[] = [];
          for await (const { step, loss } of trainRun({ backend, directory, config, train, checkpoint })) {
            taken.push(loss);
            if (step >= until) break;
          }
          return taken;
        };
        await createRunDirectory(`${dir}/whole`, config);
        const whole = await losses(`${dir}/whole`);
        assertEquals(whole.length, STEPS);
        assert(whole[STEPS - 1] < whole[0], `the loss does not fall: ${whole}`);
        await createRunDirectory(`${dir}/stopped`, config);
        // The checkpoint of step 3 is the last, so steps 4 and 5 are taken again.
        const before = await losses(`${dir}/stopped`, 4);
        assertEquals([...before.slice(0, 3), ...await losses(`${dir}/stopped`)], whole);

        const read = await readRunConfig(`${dir}/whole`);
        assertEquals(configDifferences(read, config), []);
        assertEquals(read.model, config.model);
        using weights = await Safetensors.open(`${dir}/whole/model.safetensors`);
        assertEquals(
          [...weights.tensors].map(([name, { shape }]) => ({ name, shape })).toSorted((a, b) =>
            a.name < b.name ? -1 : 1
          ),
          parameterSpecs(merged.model).toSorted((a, b) => a.name < b.name ? -1 : 1),
        );
      }),
  );
}

Deno.test("what was given of a model is in config.json, and nothing else of what is new", async () => {
  await inTemporaryDirectory(async (dir) => {
    const { model: plain } = mergeConfigs([{ model: { vocabSize: 300 } }]);
    assertEquals(
      Object.keys(plain).sort(),
      [
        ...Object.keys(PRESETS.tiny),
        ...["vocabSize", "norm", "normPlace", "position", "ffn", "tieEmbeddings"],
      ].sort(),
    );
    const given = { ...SIZES, numKeyValueHeads: 4, bias: "none" } as const;
    const merged = mergeConfigs([{ model: given }]);
    const config = { ...merged, data: { train: await recordOf(train) }, backend: "wasm" };
    await createRunDirectory(`${dir}/run`, config);
    const read = await readRunConfig(`${dir}/run`);
    assertEquals(read.model, merged.model);
    // To say what is the default is no difference.
    const silent = { ...config, ...mergeConfigs([{ model: SIZES }]) };
    assertEquals(configDifferences(read, silent), []);
    const other = { ...config, model: { ...merged.model, numKeyValueHeads: 2 } };
    assertEquals(configDifferences(other, silent).map(({ field }) => field), ["model.numKeyValueHeads"]);
    const trained = (zLoss: number) => ({ ...config, ...mergeConfigs([{ model: SIZES, training: { zLoss } }]) });
    await createRunDirectory(`${dir}/z`, trained(1e-4));
    const kept = await readRunConfig(`${dir}/z`);
    assertEquals(kept.training.zLoss, 1e-4);
    assertEquals(configDifferences(kept, silent).map(({ field }) => field), ["training.zLoss"]);
    assertEquals(configDifferences(trained(0), silent), []);
  });
});
