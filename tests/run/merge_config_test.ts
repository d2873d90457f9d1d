import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { type ConfigParts, mergeConfigs, type MergedConfig, readConfigFile } from "../../lib/run/merge_config.ts";
import { readRunConfig, writeRunConfig } from "../../lib/run/run_directory.ts";
import type { TrainingConfig } from "../../lib/train/config.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const DATA = { train: { name: "x.npy", tokens: 400, sha256: "0".repeat(64) } };

/** What a run's config.json says to another run, which has a tokenizer of so many tokens. */
async function throughFile(directory: string, config: MergedConfig, vocabSize?: number): Promise<ConfigParts> {
  await writeRunConfig(directory, { ...config, data: DATA, backend: "wasm" });
  return await readConfigFile(`${directory}/config.json`, vocabSize);
}

/** The file of a program that did not note what was said. */
async function throughOldFile(directory: string, config: MergedConfig, vocabSize?: number): Promise<ConfigParts> {
  const { model, training } = config;
  return await throughFile(directory, { model, training } as MergedConfig, vocabSize);
}

const resolved = ({ model, training }: MergedConfig) => ({ model, training });

/** Settings of which any may be said or not; those from which others follow, and some that stand alone. */
const training: fc.Arbitrary<Partial<TrainingConfig>> = fc.record({
  lr: fc.constantFrom(3e-3, 1e-3, 0.1),
  minLr: fc.constantFrom(0, 3e-4, 1e-4),
  steps: fc.constantFrom(1, 500, 5000),
  warmupSteps: fc.constantFrom(0, 25, 250),
  decaySteps: fc.constantFrom(0, 100, 1000),
  schedule: fc.constantFrom("cosine", "wsd"),
  clip: fc.constantFrom(0, 1, 0.5),
  dtype: fc.constantFrom("f32", "f16"),
  sampleEvery: fc.constantFrom(0, 10),
  samplePrompt: fc.constantFrom("", "a"),
}, { requiredKeys: [] });

const model: fc.Arbitrary<Partial<ModelConfig>> = fc.record({
  dModel: fc.constantFrom(128, 64, 512),
  numLayers: fc.constantFrom(4, 2),
  dFf: fc.constantFrom(344, 516, 20),
  ffn: fc.constantFrom("swiglu", "silu"),
  norm: fc.constantFrom("rms", "none"),
  tieEmbeddings: fc.boolean(),
  numKeyValueHeads: fc.constantFrom(1, 2, 4),
  bias: fc.constantFrom("none", "qkv"),
  slidingWindow: fc.constantFrom(5, 64),
  ropeScaling: fc.constantFrom(
    { type: "linear", factor: 2 },
    { type: "yarn", factor: 4, originalContextLength: 64 },
  ),
  vocabSize: fc.constantFrom(300, 400),
}, { requiredKeys: [] });

const parts: fc.Arbitrary<ConfigParts> = fc.record({
  preset: fc.constantFrom("tiny", "tinystories"),
  model,
  training,
}, { requiredKeys: [] });

/** What comes of the parts, or why nothing does. */
function outcome(parts: readonly ConfigParts[], vocabSize?: number): unknown {
  try {
    return resolved(mergeConfigs(parts, vocabSize));
  } catch (error) {
    if (error instanceof RangeError || error instanceof UserError) return error.message;
    throw error;
  }
}

Deno.test("a run's config.json says to another run what was said to its own, and no more", async () => {
  await inTemporaryDirectory(async (directory) => {
    await fc.assert(
      fc.asyncProperty(parts, parts, async (said, more) => {
        let config: MergedConfig;
        try {
          config = mergeConfigs([said], 300);
        } catch (error) {
          assert(error instanceof RangeError || error instanceof UserError);
          return;
        }
        assertEquals(outcome([await throughFile(directory, config, 300), more], 300), outcome([said, more], 300));
        // Alone it gives the same run, whether the tokenizer is named again or not.
        assertEquals(outcome([await throughFile(directory, config)]), resolved(config));
        assertEquals(outcome([await throughOldFile(directory, config)]), resolved(config));
        assertEquals(outcome([await throughOldFile(directory, config, 300)], 300), resolved(config));
      }),
      { seed: 1, numRuns: 150 },
    );
  });
});

Deno.test("what follows from other settings follows again when those change, from old files too", async () => {
  await inTemporaryDirectory(async (directory) => {
    const first = mergeConfigs([{ training: { steps: 500, lr: 3e-3 } }], 300);
    for (const through of [throughFile, throughOldFile]) {
      const again = async (more: ConfigParts, vocabSize = 300) =>
        mergeConfigs([await through(directory, first, vocabSize), more], vocabSize);
      assertEquals((await again({ training: { lr: 1e-4 } })).training.minLr, 1e-5);
      const { warmupSteps, decaySteps } = (await again({ training: { steps: 5000 } })).training;
      assertEquals([warmupSteps, decaySteps], [250, 1000]);
      assertEquals((await again({ model: { ffn: "silu" } })).model.dFf, 516);
      assertEquals((await again({}, 350)).model.vocabSize, 350);
      assertEquals((await again({})).given.includes("model.vocabSize"), false);
      assertEquals((await again({ preset: "tinystories" })).model.dModel, 512);
    }
    const said = mergeConfigs([{ training: { lr: 3e-3, minLr: 3e-4, warmupSteps: 25 } }], 300);
    const kept = mergeConfigs([await throughFile(directory, said), { training: { lr: 1e-3, steps: 5000 } }]).training;
    assertEquals([kept.minLr, kept.warmupSteps, kept.decaySteps], [3e-4, 25, 1000]);
  });
});

Deno.test("a configuration that a person wrote is taken by its word, defaults included", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/mine.json`;
    await Deno.writeTextFile(path, JSON.stringify({ training: { lr: 3e-3, minLr: 3e-4 }, model: { dModel: 128 } }));
    const config = mergeConfigs([await readConfigFile(path, 300), { preset: "tinystories", training: { lr: 1 } }], 300);
    assertEquals([config.training.minLr, config.model.dModel, config.model.numLayers], [3e-4, 128, 4]);
  });
});

Deno.test("what was planned, and what was edited afterwards, stays as it stands in the file", async () => {
  await inTemporaryDirectory(async (directory) => {
    const config = mergeConfigs([{}], 300);
    const edited = { ...config, training: { ...config.training, steps: 1234, warmupSteps: 7 } };
    for (const through of [throughFile, throughOldFile]) {
      const { steps, warmupSteps } = mergeConfigs([await through(directory, edited)]).training;
      assertEquals([steps, warmupSteps], [1234, 7]);
    }
  });
});

Deno.test("a run's config.json is read as it was written; each field of another kind is refused by name", async () => {
  await inTemporaryDirectory(async (directory) => {
    const config = { ...mergeConfigs([{ training: { clip: 0 } }], 300), data: DATA, backend: "wasm" } as const;
    await writeRunConfig(directory, config);
    assertEquals(await readRunConfig(directory), config);
    const path = `${directory}/config.json`;
    const text = await Deno.readTextFile(path);
    const refusals: readonly [(json: { [key: string]: Record<string, unknown> }) => void, string][] = [
      [(json) => json.data.valid = null, '"data.valid" null'],
      [(json) => json.data.train = [], '"data.train" []'],
      [(json) => json.training.steps = "10", '"training.steps" "10"'],
      [(json) => json.training.learningRate = 1, '"training.learningRate"'],
      [(json) => json.model.numLayers = null as unknown as number, '"model.numLayers" null'],
      [(json) => json.model.bias = true, '"model.bias"'],
      [(json) => delete json.model.dModel, "dModel"],
      [(json) => delete (json as Record<string, unknown>).backend, '"backend"'],
      [(json) => Object.assign(json, { backend: 7 }), '"backend" 7'],
      [(json) => Object.assign(json, { given: ["training.x"] }), '"given"'],
      [(json) => Object.assign(json, { preset: "huge" }), '"preset" "huge"'],
      [(json) => Object.assign(json, { notes: 1 }), '"notes"'],
      [(json) => json.training.samplePrompt = 1, '"training.samplePrompt" 1'],
    ];
    for (const [edit, says] of refusals) {
      const json = JSON.parse(text);
      edit(json);
      await Deno.writeTextFile(path, JSON.stringify(json));
      const { message } = await assertRejects(() => readRunConfig(directory), UserError);
      assert(message.includes(says) && message.includes(directory), message);
      assert(!message.includes("\n") && message.length < 1000, message);
    }
  });
});

Deno.test("a run of before clipping could be switched off, whose infinite norm JSON wrote as null, is read", async () => {
  await inTemporaryDirectory(async (directory) => {
    const config = mergeConfigs([{}], 300);
    const training = { ...config.training, clip: null };
    const json = { model: config.model, training, data: DATA, backend: "wasm" };
    await Deno.writeTextFile(`${directory}/config.json`, JSON.stringify(json));
    assertEquals((await readRunConfig(directory)).training.clip, 0);
    assertEquals(mergeConfigs([await readConfigFile(`${directory}/config.json`)]).training.clip, 0);
  });
});
