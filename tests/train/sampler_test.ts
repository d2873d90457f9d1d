import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { openTokens } from "../../lib/dataset/sharded_tokens.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { UserError } from "../../lib/errors.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { saveTokenizer, type Tokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { TRAINING_DEFAULTS, type TrainingConfig } from "../../lib/train/config.ts";
import { DivergenceError } from "../../lib/train/divergence.ts";
import { readLog, readMetrics } from "../../lib/run/metrics_follower.ts";
import { trainRun } from "../../lib/run/run.ts";
import { readRunConfig, writeRunConfig } from "../../lib/run/run_directory.ts";
import { readResults } from "../../lib/run/sweep_results.ts";
import { type StepMetrics, train } from "../../lib/train/train.ts";
import { main as sweep } from "../../tasks/sweep.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";
import { forEachBackend } from "../harness/backends.ts";
import { runTaskProcess } from "../harness/run_task.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log, and the frog sat on the bog.\n".repeat(20);
const SHAPE = { contextLength: 8, dModel: 12, numLayers: 2, numHeads: 3, dFf: 20 };

/** All that does not depend on the clock. */
function withoutClock(metrics: readonly StepMetrics[]) {
  return metrics.map(({ tokensPerSecond: _, seconds: __, ...rest }) => rest);
}

const withoutSamples = (metrics: readonly StepMetrics[]) => withoutClock(metrics).map(({ sample: _, ...rest }) => rest);

const samplesOf = (metrics: readonly StepMetrics[]) =>
  metrics.filter(({ sample }) => sample !== undefined).map(({ step, sample }) => [step, sample]);

forEachBackend("samples change nothing of the training, and come at their steps and at the end", async (backend) => {
  const tokenizer = await trainBpe(TEXT, { vocabSize: 270 });
  // More rows than tokens: what an untrained model makes of them is no text.
  const shape = { ...SHAPE, ropeTheta: 10000, vocabSize: 300 };
  const run = async (config: Partial<TrainingConfig>, given?: Tokenizer) => {
    const model = new Transformer(shape);
    const source = tokensInMemory(tokenizer.encode(TEXT));
    const all = { ...TRAINING_DEFAULTS, batchSize: 2, steps: 8, validEvery: 4, validBatches: 1, ...config };
    const weights = initialWeights(shape, 1);
    return await Array.fromAsync(
      train({ backend, model, config: all, weights, train: source, valid: source, tokenizer: given }),
    );
  };
  const config = { sampleEvery: 3, samplePrompt: "the cat", sampleTokens: 20 };
  const [plain, sampled, again] = [await run({}), await run(config, tokenizer), await run(config, tokenizer)];
  assertEquals(withoutSamples(sampled), withoutClock(plain));
  assertEquals(samplesOf(sampled), samplesOf(again));
  assertEquals(samplesOf(sampled).map(([step]) => step), [2, 5, 7]);
  const texts = samplesOf(sampled).map(([, text]) => String(text));
  for (const text of texts) assert(text.startsWith("the cat") && text.length > "the cat".length, text);
  assertEquals(new Set(texts).size, 3);
  await assertRejects(() => run(config), UserError, "there is no tokenizer");
});

forEachBackend(
  "weights that make NaN of a sample are a divergence, after the steps that were taken are told",
  async (backend) => {
    const tokenizer = await trainBpe(TEXT, { vocabSize: 270 });
    const shape = { ...SHAPE, ropeTheta: 10000, vocabSize: 270 };
    const source = tokensInMemory(tokenizer.encode(TEXT));
    // A weight is multiplied by about -9e76, and products of a few of these are infinite in f64 too. The last step's loss is that of the weights before it: only the sample sees those after.
    const last = {
      steps: 1,
      lr: 3e38,
      weightDecay: 3e38,
      schedule: "constant" as const,
      warmupSteps: 0,
      sampleEvery: 1,
      sampleTokens: 5,
    };
    const config = { ...TRAINING_DEFAULTS, batchSize: 2, ...last };
    const model = new Transformer(shape);
    const weights = initialWeights(shape, 1);
    const seen: number[] = [];
    const error = await assertRejects(
      async () => {
        const steps = train({ backend, model, config, weights, train: source, tokenizer });
        for await (const { step, sample } of steps) {
          assertEquals(sample, undefined);
          seen.push(step);
        }
      },
      DivergenceError,
    );
    assertMatch(error.message, /^Training stopped: sampling met logits that are NaN or infinite after step 1 /);
    assertMatch(error.message, /; it began in .+\. Try a lower lr/);
    assertEquals([error.step, seen], [0, [0]]);
    model.release(backend);
  },
);

Deno.test("a resumed run has the samples of one never stopped, and generate makes the same text of its weights", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const tokenizer = await trainBpe(TEXT, { vocabSize: 270, specialTokens: ["<|endoftext|>"] });
    await saveTokenizer(tokenizer, `${dir}/tokenizer`);
    await writeNpy(`${dir}/ids.npy`, Uint16Array.from(tokenizer.encode(TEXT)));
    const shape = Object.entries(SHAPE).flatMap(([key, value]) => [
      `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      String(value),
    ]);
    const whole = await capture(
      trainLm,
      ...["--train", `${dir}/ids.npy`, "--tokenizer", `${dir}/tokenizer`, "--out", `${dir}/whole`, ...shape],
      ...["--backend", "wasm", "--batch-size", "2", "--steps", "120", "--save-every", "20", "--seed", "3"],
      ...["--sample-every", "25", "--sample-prompt", "the dog", "--sample-tokens", "12"],
    );
    assertEquals(whole.code, 0, whole.stderr);
    const metrics = await readMetrics(`${dir}/whole`);
    assertEquals(samplesOf(metrics).length, 5);
    const last = metrics.at(-1)!.sample!;
    assertStringIncludes(whole.stderr, `--- sample after step 120\n${last}\n---`);

    // As after a kill: the newest checkpoint is of step 80, the newest sample of step 75.
    const directory = `${dir}/cut`;
    await saveTokenizer(tokenizer, directory);
    const config = await readRunConfig(`${dir}/whole`);
    await writeRunConfig(directory, config);
    {
      using source = await openTokens(`${dir}/ids.npy`);
      await using backend = await createWasmBackend();
      for await (const { step } of trainRun({ backend, directory, config, train: source, tokenizer })) {
        if (step === 90) break;
      }
    }
    const resumed = await capture(trainLm, "--resume", directory);
    assertEquals(resumed.code, 0, resumed.stderr);
    assertStringIncludes(resumed.stderr, "Continuing after step 80 of 120");
    assertEquals(withoutClock(await readMetrics(directory)), withoutClock(metrics));

    const options = ["--prompt", "the dog", "--max-tokens", "12", "--seed", "123", "--backend", "wasm"];
    const { stdout } = await runTaskProcess("generate", ["--run", `${dir}/whole`, ...options]);
    assertEquals(stdout, `${last}\n`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a run that a sample ends is logged as diverged, and a sweep goes on with its other runs", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const tokenizer = await trainBpe(TEXT, { vocabSize: 270 });
    await saveTokenizer(tokenizer, `${dir}/tokenizer`);
    await writeNpy(`${dir}/ids.npy`, Uint16Array.from(tokenizer.encode(TEXT)));
    const shape = "--context-length 8 --d-model 8 --num-layers 1 --num-heads 2 --d-ff 8 --batch-size 2 --backend wasm";
    const given = [
      ...["--train", `${dir}/ids.npy`, "--tokenizer", `${dir}/tokenizer`, ...shape.split(" ")],
      ...["--schedule", "constant", "--warmup-steps", "0", "--steps", "3", "--sample-every", "1"],
    ];
    const run = await capture(trainLm, ...given, "--lr", "1e20", "--out", `${dir}/run`);
    assertEquals(run.code, 1);
    assertMatch(run.stderr, /^error: Training stopped: .* after step 1 .*; it began in .*a lower --lr/m);
    const { metrics, divergence } = await readLog(`${dir}/run`);
    assertEquals([metrics.map(({ step }) => step), divergence?.step], [[0], 0]);

    const out = `${dir}/sweep`;
    const swept = await capture(sweep, ...given, "--lr", "1e20,1e-3,1e-4", "--out", out);
    assertEquals(swept.code, 0, swept.stderr);
    assertEquals((await readResults(out)).map(({ status }) => status), ["diverged", "finished", "finished"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("train-lm refuses samples without a tokenizer, and leaves no run behind", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await writeNpy(`${dir}/ids.npy`, Uint16Array.from({ length: 100 }, (_, i) => i % 17));
    const args = ["--train", `${dir}/ids.npy`, "--vocab-size", "17", "--out", `${dir}/run`, "--sample-every", "2"];
    const { code, stderr } = await capture(trainLm, ...args);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "Cannot write samples: there is no tokenizer");
    assertEquals((await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name), ["ids.npy"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
