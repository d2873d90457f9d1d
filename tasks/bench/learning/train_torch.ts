// One training of the bench in PyTorch, beside this project's own.
import { fileURLToPath } from "node:url";
import { timeProcess } from "../process.ts";
import type { LearningResult } from "./results.ts";
import { describeLength, type TrainVariantOptions } from "./train_variant.ts";

/** What the scripts print. */
interface Printed {
  readonly torch: string;
  readonly threads: number;
  readonly parameters: number;
  readonly steps: number;
  readonly tokens: number;
  readonly bitsPerByte: number;
  readonly scoringSeconds: number;
}

/**
 * Trains by a script of tests/bench and scores on the text held out, as `trainVariant` does with train-lm.
 * @throws {UserError} If the script fails; with what it printed.
 */
export async function trainTorch(
  python: string,
  script: string,
  options: TrainVariantOptions,
): Promise<LearningResult> {
  const { variant, seed, length, corpus, stride } = options;
  const path = fileURLToPath(new URL(`../../../tests/bench/${script}`, import.meta.url));
  const run = await timeProcess(python, [
    ...[path, "--train", corpus.trainText, "--valid", corpus.heldOutText],
    ...["--seed", String(seed), "--stride", String(stride)],
    ...("minutes" in length ? ["--seconds", String(60 * length.minutes)] : ["--steps", String(length.steps)]),
  ], { PYTHONDONTWRITEBYTECODE: "1" });
  const { torch, threads, parameters, steps, tokens, bitsPerByte, scoringSeconds } = JSON.parse(run.stdout) as Printed;
  return {
    ...variant,
    length: describeLength(length),
    seed,
    bitsPerByte,
    seconds: run.seconds - scoringSeconds,
    steps,
    tokens,
    parameters,
    torch: `PyTorch ${torch}, ${threads} threads`,
  };
}
