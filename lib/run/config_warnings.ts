import type { MergedConfig } from "./merge_config.ts";
import { NUMBER_OPTIONS, type OptimizerName, OPTIMIZERS } from "../train/optimizer/registry.ts";

/**
 * Warnings about a configuration that works, but not as it reads: one line each.
 * @param validates Whether there is validation data.
 */
export function configWarnings({ model, training, given }: MergedConfig, validates: boolean): string[] {
  const { lr, steps, warmupSteps, decaySteps, schedule, optimizer, sampleEvery = 0 } = training;
  const { contextLength, qkNorm = "none", slidingWindow = 0 } = model;
  const warnings: string[] = [];
  if (warmupSteps >= steps) {
    warnings.push(`the learning rate never reaches ${lr}: the warm-up takes ${warmupSteps} steps of ${steps}`);
  } else if (schedule === "wsd" && decaySteps > steps - warmupSteps) {
    warnings.push(
      `the decay of ${decaySteps} steps is shortened to ${
        steps - warmupSteps
      }: the warm-up of ${warmupSteps} leaves no more of the ` +
        `${steps} steps`,
    );
  }
  const without: readonly [why: string, applies: boolean, settings: readonly string[]][] = [
    ["with a constant schedule", schedule === "constant", ["training.minLr"]],
    [`with the schedule ${schedule}`, schedule !== "wsd", ["training.decaySteps"]],
    [`with the optimizer ${optimizer}`, true, otherNumbers(optimizer).map((name) => `training.${name}`)],
    ["without samples", sampleEvery === 0, ["training.samplePrompt", "training.sampleTokens"]],
    ["without validation data", !validates, ["training.validEvery", "training.validBatches", "training.patience"]],
    ["without norms", model.norm === "none", ["model.normPlace"]],
    ["without norms", model.norm === "none" && qkNorm === "none", ["model.normEps"]],
    ["without positions", model.position === "none", ["model.ropeTheta"]],
    ["with learned positions", model.position === "learned", ["model.ropeTheta"]],
    [`with a context of ${contextLength} tokens`, slidingWindow >= contextLength, ["model.slidingWindow"]],
  ];
  for (const [why, applies, settings] of without) {
    if (!applies) continue;
    for (const setting of settings) if (given.includes(setting)) warnings.push(`${setting} has no effect ${why}`);
  }
  return warnings;
}

/** The numbers that neither an optimizer uses nor the one that trains what it does not take. */
function otherNumbers(optimizer: OptimizerName): string[] {
  const { options, others } = OPTIMIZERS[optimizer];
  return Object.keys(NUMBER_OPTIONS).filter((name) => !(name in options || name in (others?.options ?? {})));
}
