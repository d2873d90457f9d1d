// A whole training run in PyTorch, on the weights and batches that this project would use.
import { fileURLToPath } from "node:url";
import { randomBatch } from "../../lib/dataset/batches.ts";
import type { TokenSource } from "../../lib/dataset/token_source.ts";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { type TensorToWrite, writeSafetensors } from "../../lib/formats/safetensors.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import type { MergedConfig } from "../../lib/run/merge_config.ts";
import type { StepMetrics } from "../../lib/train/train.ts";
import { timeProcess } from "./process.ts";

const SCRIPT = fileURLToPath(new URL("../../tests/bench/torch_curve.py", import.meta.url));

/** What two runs are compared by. */
export type CurveStep = Pick<StepMetrics, "step" | "loss" | "gradNorm" | "lr">;

/**
 * Trains in PyTorch.
 * @throws {UserError} If it fails; with what it printed.
 */
export async function runTorchCurve(
  python: string,
  config: MergedConfig,
  source: TokenSource,
  dtype: "float32" | "float64",
): Promise<{ readonly about: string; readonly steps: CurveStep[] }> {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/run.safetensors`;
    await writeRun(path, config, source);
    // Python would leave compiled modules beside the script.
    const { stdout } = await timeProcess(python, [SCRIPT, path, dtype], { PYTHONDONTWRITEBYTECODE: "1" });
    const [first, ...lines] = stdout.trimEnd().split("\n");
    const { torch, threads } = JSON.parse(first) as { torch: string; threads: number };
    return { about: `PyTorch ${torch}, ${threads} threads`, steps: lines.map((line) => JSON.parse(line) as CurveStep) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Everything that decides a run, in one file: initial weights, every step's batch, and the configuration. */
async function writeRun(path: string, { model, training }: MergedConfig, source: TokenSource): Promise<void> {
  const { steps, batchSize, seed } = training;
  const { contextLength: seqLen, vocabSize } = model;
  const weights = initialWeights(model, seed);
  const ids = new Int32Array(steps * batchSize * seqLen);
  const targets = new Int32Array(ids.length);
  for (let step = 0; step < steps; step++) {
    const batch = await randomBatch(source, { batchSize, seqLen, vocabSize }, seed, step);
    ids.set(batch.ids, step * batchSize * seqLen);
    targets.set(batch.targets, step * batchSize * seqLen);
  }
  const shape = [steps, batchSize, seqLen];
  const tensors: TensorToWrite[] = parameterSpecs(model).map(({ name, shape }) => ({
    name,
    dtype: "F32",
    shape,
    data: async () => await weights(name, shape),
  }));
  tensors.push({ name: "ids", dtype: "I32", shape, data: ids }, {
    name: "targets",
    dtype: "I32",
    shape,
    data: targets,
  });
  await writeSafetensors(path, tensors, { model: JSON.stringify(model), training: JSON.stringify(training) });
}
