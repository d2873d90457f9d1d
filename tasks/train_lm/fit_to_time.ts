// Choosing a run's length, and its model, for --minutes; says what was chosen and why.
import { formatAmount, formatCount, formatDuration } from "../../lib/accounting/units.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import type { ConfigParts, MergedConfig } from "../../lib/run/merge_config.ts";
import { planForTime, type TimePlan, type TimePlanOptions } from "../../lib/run/plan_for_time.ts";
import { MAX_EPOCHS } from "../../lib/run/time_budget.ts";
import { untilInterrupted } from "../cli/interrupt.ts";
import type { TrainFlags } from "./flags.ts";

/** The recipe of --minutes where nothing that is given has one: no flag, no file, no preset and no other run. */
export function recipeForTime(
  { minutes, recipe, preset, from }: Pick<TrainFlags, "minutes" | "recipe" | "preset" | "from">,
  files: readonly ConfigParts[],
): ConfigParts[] {
  const isSaid = recipe !== undefined || preset !== undefined || from !== undefined ||
    files.some((file) => file.recipe !== undefined || file.preset !== undefined);
  return minutes === undefined || isSaid ? [] : [{ recipe: "modern" }];
}

/** The modern recipe's format where none is given: bf16, of which twice as many tokens fit into a time, where there is any. */
export function precisionForTime({ recipe, given }: MergedConfig, { capabilities }: Backend): ConfigParts[] {
  const isFree = recipe === "modern" && !given.includes("training.dtype");
  return isFree && capabilities.precisions.includes("bf16") ? [{ training: { dtype: "bf16" } }] : [];
}

/** Plans a run of so many minutes. */
export async function fitToTime(
  minutes: number,
  options: Omit<TimePlanOptions, "seconds" | "signal">,
): Promise<MergedConfig> {
  console.error(`Measuring the device, to fill ${minutes} minutes`);
  const plan = await untilInterrupted((signal) => planForTime({ ...options, seconds: 60 * minutes, signal }));
  console.error(describePlan(plan));
  return plan.config;
}

function describePlan(
  { config, candidate, choice, dropout, estimatedSeconds, tokens, epochs }: TimePlan,
): string {
  const { parameters, tokensPerStep, costs } = candidate;
  const { dModel, numLayers, contextLength } = config.model;
  const lines = [
    `A step takes ${formatDuration(costs.step)}, a validation ${formatDuration(costs.validation)}, a checkpoint ` +
    `${formatDuration(costs.checkpoint)}${costs.sample > 0 ? `, a sample ${formatDuration(costs.sample)}` : ""}`,
  ];
  // What else the machine does changes the number of steps, not the time.
  const isFollowed = config.training.timeBudget === undefined ? "" : ", or more or fewer as the machine's pace changes";
  const perParameter = tokens / parameters;
  if (choice) {
    const why = choice.bound === "corpus"
      ? `the largest that sees its text ${choice.maxEpochs} times;\n  20 tokens per parameter would need more text`
      : "nearest to 20 tokens per parameter (Hoffmann et al. 2022)";
    lines.push(
      `Chose d_model ${dModel}, ${numLayers} layers, context ${contextLength}: ${
        formatAmount(parameters)
      } parameters\n` +
        `  ${choice.compared} ${choice.compared === 1 ? "model" : "models"} measured; ${why}`,
    );
  }
  lines.push(
    `Chose ${formatCount(config.training.steps)} steps of ${formatCount(tokensPerStep)} tokens: ` +
      `${formatAmount(tokens)} tokens,\n  ${perParameter.toPrecision(3)} per parameter, ${
        epochs.toPrecision(3)
      } epochs; ` +
      `about ${formatDuration(estimatedSeconds)}${isFollowed}`,
  );
  if (dropout !== undefined) {
    lines.push(
      `Chose dropout ${dropout}: a text that is read more than ${MAX_EPOCHS} times is learned by heart without it`,
    );
  } else if (epochs > MAX_EPOCHS && !config.training.dropout) {
    lines.push(
      `warning: the model sees its text ${
        epochs.toPrecision(3)
      } times; beyond ${MAX_EPOCHS} it learns little more from ` +
        `it. Use more text, or fewer minutes`,
    );
  }
  return lines.join("\n");
}
