// Runs on disk whose metrics are made up, for tests of what shows them.
import { RUN_FILES, type RunConfig, writeRunConfig } from "../../lib/run/run_directory.ts";
import { mergeConfigs } from "../../lib/run/merge_config.ts";
import type { StepMetrics } from "../../lib/train/train.ts";

export const STEPS = 120;

/** Of those runs. */
export const CONFIG: RunConfig = {
  ...mergeConfigs([{ training: { steps: STEPS } }], 300),
  data: { train: { name: "train.npy", tokens: 1000, sha256: "0".repeat(64) } },
  backend: "wasm",
};

/** Steps with a validation after every 20th and, on request, a sample after every 50th. */
export function metricsOf(steps: number, options: { from?: number; validEvery?: number; samples?: boolean } = {}) {
  const { from = 0, validEvery = 20, samples = false } = options;
  return Array.from({ length: steps - from }, (_, i): StepMetrics => {
    const step = from + i;
    return {
      step,
      loss: 6 - 3 * step / STEPS + 0.2 * Math.sin(step),
      lr: 1e-3 * (1 - step / STEPS),
      gradNorm: 1 + 0.5 * Math.cos(step),
      tokensPerSecond: 9000 + step,
      seconds: step / 2,
      ...((step + 1) % validEvery === 0 && { validLoss: 6.2 - 3 * step / STEPS }),
      ...(samples && (step + 1) % 50 === 0 && { sample: `ROMEO: “${step}”\n<b>soft</b>` }),
    };
  });
}

/** Lines of metrics.jsonl. */
export function linesOf(metrics: readonly StepMetrics[]): string {
  return metrics.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Makes a run's directory. */
export async function makeRun(directory: string, metrics: readonly StepMetrics[], config = CONFIG): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  await writeRunConfig(directory, config);
  await Deno.writeTextFile(`${directory}/${RUN_FILES.metrics}`, linesOf(metrics));
}

/** Runs a test with a directory and a run in it of 40 steps. */
export async function withRun(body: (dir: string, run: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await makeRun(`${dir}/run`, metricsOf(40, { samples: true }));
    await body(dir, `${dir}/run`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
