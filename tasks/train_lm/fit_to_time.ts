// Choosing a run's length, and its model, for --minutes; says what was chosen and why.
import { formatAmount, formatCount, formatDuration } from "../../lib/accounting/units.ts";
import type { MergedConfig } from "../../lib/run/merge_config.ts";
import { planForTime, type TimePlan, type TimePlanOptions } from "../../lib/run/plan_for_time.ts";
import { MAX_EPOCHS } from "../../lib/run/time_budget.ts";
import { untilInterrupted } from "../cli/interrupt.ts";

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
  { config, candidate, choice, estimatedSeconds, tokens, epochs }: TimePlan,
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
      ? `the largest that sees its text ${MAX_EPOCHS} times;\n  20 tokens per parameter would need more text`
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
  if (epochs > MAX_EPOCHS) {
    lines.push(
      `warning: the model sees its text ${
        epochs.toPrecision(3)
      } times; beyond ${MAX_EPOCHS} it learns little more from ` +
        `it. Use more text, or fewer minutes`,
    );
  }
  return lines.join("\n");
}
