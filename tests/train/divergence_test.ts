import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { latestCheckpoint } from "../../lib/run/checkpoint.ts";
import { TRAINING_DEFAULTS, type TrainingConfig } from "../../lib/train/config.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { DivergenceError } from "../../lib/train/divergence.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { trainRun } from "../../lib/run/run.ts";
import { forEachDevice } from "../harness/backends.ts";
import { Random } from "../harness/random.ts";

const model = { vocabSize: 11, contextLength: 6, dModel: 8, numLayers: 1, numHeads: 2, dFf: 8, ropeTheta: 10000 };
const tokens = tokensInMemory(new Random(3).integers(200, model.vocabSize));

/** Trains until the run diverges, and shows what it left to `look`. */
async function diverge(
  backend: Backend,
  options: Partial<TrainingConfig> & { readonly validates: boolean },
  look: (directory: string, error: DivergenceError) => Promise<void>,
): Promise<void> {
  const { validates, ...training } = options;
  const directory = await Deno.makeTempDir();
  try {
    const record = await recordOf(tokens);
    const config = {
      model,
      training: { ...TRAINING_DEFAULTS, steps: 8, batchSize: 2, validBatches: 1, ...training },
      data: { train: record, ...(validates && { valid: record }) },
      backend: backend.name,
    };
    const run = trainRun({ backend, directory, config, train: tokens, ...(validates && { valid: tokens }) });
    await look(directory, await assertRejects(() => Array.fromAsync(run), DivergenceError));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function metadataOf(path: string): Promise<Readonly<Record<string, string>>> {
  using file = await Safetensors.open(path);
  return file.metadata;
}

/** Whether every weight in a file is a finite number. */
async function isFinite(path: string): Promise<boolean> {
  using file = await Safetensors.open(path);
  return [...file.tensors.keys()].every((name) => file.readFloats(name).every(Number.isFinite));
}

// The rate is 0 at the first step, which leaves good weights; then it is such that the weights are finite and products of
// them are not: the training loss of the same step was still fine.
const RATES = { schedule: "constant", warmupSteps: 2, lr: 1e19, minLr: 0 } as const;

forEachDevice(
  "a validation loss that is not finite is a divergence; the best weights before it stay",
  async (backend) => {
    await diverge(backend, { ...RATES, validates: true, validEvery: 1, saveEvery: 1 }, async (directory, error) => {
      assertMatch(error.message, /^Training stopped: validation loss (NaN|Infinity) after step 2 /);
      assertMatch(error.message, /; it began in .+\. Try /);
      assertEquals(error.step, 1);
      const metrics = await readMetrics(directory);
      // The step itself was fine, so it is logged; JSON has no number that is not finite.
      assertEquals(metrics.map(({ step, validLoss }) => [step, typeof validLoss]), [[0, "number"], [1, "undefined"]]);
      assert(metrics.every(({ loss, gradNorm }) => Number.isFinite(loss) && Number.isFinite(gradNorm)));
      const best = await metadataOf(`${directory}/best.safetensors`);
      assertEquals(best, { step: "0", valid_loss: String(metrics[0].validLoss) });
      const { checkpoint } = await latestCheckpoint(`${directory}/checkpoints`);
      assertEquals([checkpoint?.state.step, checkpoint?.state.best?.step], [1, 0]);
    });
  },
);

forEachDevice("weights that are not finite are not saved: the checkpoint before them stays", async (backend) => {
  // So large a rate leaves no finite weight behind, after a step whose loss and gradient were finite.
  const rates = { ...RATES, lr: 3e38, weightDecay: 10, warmupSteps: 1 };
  await diverge(backend, { ...rates, validates: false, saveEvery: 1, keep: 1 }, async (directory, error) => {
    assertMatch(error.message, /^Training stopped: weights that are NaN or infinite after step 2 /);
    assertMatch(error.message, /it began in \S+ \(\d+ of \d+ values\)\. Try /);
    const { checkpoint } = await latestCheckpoint(`${directory}/checkpoints`);
    assertEquals(checkpoint?.state.step, 1);
    assert(await isFinite(`${checkpoint!.path}/weights.safetensors`));
    const left = (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
    assert(!left.includes("model.safetensors"), "weights that are no numbers were written as the run's last ones");
  });
  await diverge(backend, { ...rates, validates: false, steps: 2 }, (directory) => {
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name).includes("model.safetensors"), false);
    return Promise.resolve();
  });
});

Deno.test("a run that does not clip is not told to clip at a smaller norm", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  for (const [clip, expected] of [[1, "a smaller clip"], [0, "clipping (clip: 1)"]] as const) {
    await diverge(backend, { ...RATES, clip, validates: true, validEvery: 1 }, (_, error) => {
      assert(error.message.endsWith(`more warmupSteps or ${expected}`), error.message);
      return Promise.resolve();
    });
  }
});
