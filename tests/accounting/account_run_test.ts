import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { memoryBars } from "../../lib/accounting/compare.ts";
import { countProgram } from "../../lib/accounting/program.ts";
import { predictTraining } from "../../lib/accounting/training_summary.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import type { DataRecord } from "../../lib/run/data_record.ts";
import { mergeConfigs, type MergedConfig } from "../../lib/run/merge_config.ts";
import { writeRunConfig } from "../../lib/run/run_directory.ts";
import { traceStep } from "../../lib/train/step_programs.ts";
import { main } from "../../tasks/account.ts";
import { capture } from "../cli/capture.ts";

const SHAPE = { vocabSize: 300, contextLength: 16, dModel: 24, numLayers: 2, numHeads: 2, dFf: 40 };
const STEPS = 10;

/** Every combination of what changes FLOPs or memory. */
function* grid(): Generator<MergedConfig> {
  const architectures = [{}, { tieEmbeddings: true }, { ffn: "silu" }, { norm: "none" }, { position: "none" }] as const;
  for (const architecture of architectures) {
    for (const optimizer of ["adamw", "sgd"] as const) {
      for (const dtype of ["f32", "f16"] as const) {
        for (const [batchSize, gradAccumulation, clip] of [[2, 8, 1], [3, 1, 0]]) {
          const training = { steps: STEPS, optimizer, dtype, batchSize, gradAccumulation, clip };
          yield mergeConfigs([{ model: { ...SHAPE, ...architecture }, training }]);
        }
      }
    }
  }
}

/** What the programs of a step of such a run compute. */
function countStep({ model, training }: MergedConfig): { readonly forward: number; readonly backward: number } {
  const { empty, batch, update } = traceStep(new Transformer(model), {
    ...training,
    optimizer: training,
    precision: training.dtype,
    maxGradNorm: training.clip,
    logCapacity: 1,
  });
  const batches = new Array(training.gradAccumulation).fill(batch);
  const programs = [empty, ...batches, update].filter((program) => program !== undefined);
  const counts = programs.map(countProgram);
  const sum = (of: "forwardMatmul" | "backwardMatmul") => counts.reduce((sum, count) => sum + count[of], 0);
  return { forward: sum("forwardMatmul"), backward: sum("backwardMatmul") };
}

async function withRun(
  config: MergedConfig,
  body: (path: string) => Promise<void>,
  valid?: DataRecord,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const data = { train: { name: "x.npy", tokens: 400, sha256: "0".repeat(64) }, ...(valid && { valid }) };
    await writeRunConfig(directory, { ...config, data, backend: "wasm" });
    await body(`${directory}/config.json`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function account(...args: string[]) {
  const { code, stdout, stderr } = await capture(main, ...args);
  assertEquals(code, 0, stderr);
  return stdout;
}

Deno.test("account says of a run what train-lm predicts of it, and what its programs do", async () => {
  for (const config of grid()) {
    const { model, training } = config;
    await withRun(config, async (path) => {
      const json = JSON.parse(await account("--config", path, "--json"));
      const label = JSON.stringify({ ...model, ...training });
      const predicted = predictTraining(model, training);
      assertEquals(json.parameters.total, predicted.parameters, label);
      const { activationItems: _, ...memory } = json.memory;
      assertEquals(memory, predicted.memory, label);
      const [bar] = memoryBars([{ name: "run", shape: model }], training).bars;
      assertEquals(bar.parts.reduce((sum, { value }) => sum + value, 0), predicted.memory.total, label);
      assertEquals(json.training.tokens, STEPS * training.batchSize * training.gradAccumulation * 16, label);
      const step = countStep(config);
      assertEquals([json.step.forward, json.step.backward], [step.forward, step.backward], label);
      // 15 FLOPs per parameter for AdamW, 2 for SGD; the weights are numbers of 4 bytes in f16 too.
      assertEquals(json.step.optimizer, predicted.parameters * (training.optimizer === "sgd" ? 2 : 15), label);
      assertEquals(json.parameters.bytes, 4 * predicted.parameters, label);
      assertEquals(json.training.flops, STEPS * (step.forward + step.backward + json.step.optimizer), label);
    });
  }
});

Deno.test("a run's validations are a part of its FLOPs and its time: as many forward passes as it makes", async () => {
  const training = { steps: STEPS, batchSize: 2, gradAccumulation: 4, validEvery: 4, validBatches: 5 };
  const config = mergeConfigs([{ model: SHAPE, training }]);
  const forward = countProgram(
    traceStep(new Transformer(config.model), {
      batchSize: 2,
      optimizer: config.training,
      maxGradNorm: 1,
      logCapacity: 1,
    }).batch,
  ).forwardMatmul;
  // After steps 4, 8 and, the last, 10; of so short a text there are but three batches of two windows.
  for (const [tokens, batches] of [[10_000, 3 * 5], [90, 3 * 3]]) {
    await withRun(config, async (path) => {
      const json = JSON.parse(await account("--config", path, "--json"));
      assertEquals(json.training.validationFlops, batches * forward);
      assertEquals(json.training.flops, STEPS * json.step.total + batches * forward);
      assertStringIncludes(await account("--config", path), "for validations");
    }, { name: "v.npy", tokens, sha256: "0".repeat(64) });
  }
});

Deno.test("the largest batch of a run fits, and one more does not", async () => {
  const { dtype } = TRAINING_DEFAULTS;
  const config = mergeConfigs([{ preset: "gpt2-xl", training: { gradAccumulation: 2, optimizer: "sgd" } }]);
  await withRun(config, async (path) => {
    const { largestBatch, device } = JSON.parse(await account("--config", path, "--device", "v100", "--json"));
    const total = (batchSize: number) =>
      predictTraining(config.model, { batchSize, gradAccumulation: 2, optimizer: "sgd", dtype }).memory.total;
    assert(largestBatch > 0 && total(largestBatch) <= device.memory && total(largestBatch + 1) > device.memory);
  });
});

Deno.test("account's text says of a run what it is, and flags ask for a textbook's step in its place", async () => {
  const training = { steps: STEPS, batchSize: 2, gradAccumulation: 8, optimizer: "sgd" } as const;
  await withRun(mergeConfigs([{ model: SHAPE, training }]), async (path) => {
    const text = await account("--config", path);
    for (const part of ["2.56 k tokens", "batch 8 × 2", "as train-lm plans it", "SGD", "10 steps"]) {
      assertStringIncludes(text, part);
    }
    assert(!text.includes("AdamW"), text);
    const textbook = JSON.parse(await account("--config", path, "--precision", "f32", "--json"));
    assertEquals([textbook.attention, textbook.training.tokens], ["stored", 2560]);
    assert(textbook.memory.activationItems.length > 0);
    // Flags count over the file, and what followed from it follows from them.
    const changed = JSON.parse(await account("--config", path, "--ffn", "silu", "--grad-accumulation", "1", "--json"));
    assertEquals([changed.shape.ffn, changed.training.tokens], ["silu", 320]);
  });
});

Deno.test("a textbook's step with accumulated batches and SGD, without a run", async () => {
  const of = async (...args: string[]) => JSON.parse(await account("--model", "gpt2-small", "--json", ...args));
  const [one, four] = [await of("--batch-size", "2"), await of("--batch-size", "2", "--grad-accumulation", "4")];
  assertEquals(four.step.forward, 4 * one.step.forward);
  assertEquals(four.memory.total, one.memory.total);
  assertEquals(four.step.optimizer, one.step.optimizer);
  assertEquals((await of("--optimizer", "sgd")).memory.optimizer, 0);
});
