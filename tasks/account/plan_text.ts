// A plan for people to read: the answer, in a few lines that fit a terminal.
import { isWithinFit } from "../../lib/accounting/expected_loss.ts";
import { formatAmount, formatCount, formatDuration, formatSi } from "../../lib/accounting/units.ts";
import type { DevicePlan } from "../../lib/run/plan_for_device.ts";
import { MAX_EPOCHS } from "../../lib/run/time_budget.ts";
import type { PlanData } from "./plan_data.ts";

/** What a plan's text needs. */
export interface PlannedRun {
  readonly plan: DevicePlan;
  readonly data: PlanData;
  /** The device's hours that the run takes: all that were given, unless it ends early. */
  readonly hours: number;
  /** Per hour, and for the run; absent where no price was given. */
  readonly price?: { readonly perHour: number; readonly total: number };
}

/** The answer. */
export function formatPlan({ plan, data, hours, price }: PlannedRun): string {
  const { config: { model, training }, prediction, device, tokens, rate } = plan;
  const { parameters, memory } = prediction;
  const { batchSize, gradAccumulation, steps } = training;
  const times = gradAccumulation > 1 ? `${formatCount(gradAccumulation)} × ` : "";
  const bytes = data.bytes === undefined ? "" : `${formatSi(data.bytes, "B")}, `;
  const rows: [string, string][] = [
    ["text", `${bytes}${formatAmount(data.tokens)} tokens: ${data.how}`],
    [
      "model",
      `${formatAmount(parameters)} parameters: d_model ${model.dModel}, ${model.numLayers} layers, ` +
      `${model.numHeads} heads, context ${formatCount(model.contextLength)}`,
    ],
    ...(plan.bound === undefined ? [] : [["why", reason(plan)] satisfies [string, string]]),
    [
      "training",
      `${formatCount(steps)} steps: ${formatAmount(tokens)} tokens, ${plan.epochs.toPrecision(3)} epochs, ` +
      `${plan.tokensPerParameter.toPrecision(3)} per parameter`,
    ],
    [
      "batch",
      `${times}${formatCount(batchSize)} ${batchSize === 1 ? "sequence" : "sequences"}: ${
        formatCount(plan.tokensPerStep)
      } tokens a step`,
    ],
    ["loss", expectation(plan)],
    ["memory", `${formatSi(memory.total, "B")} of ${formatSi(device.memory, "B")}, as train-lm predicts it`],
    [
      "time",
      `${formatDuration(plan.estimatedSeconds)} at ${formatCount(plan.tokensPerSecond)} tokens/s: ` +
      `${Math.round(100 * rate.mfu)} % of the peak, ${rate.source}`,
    ],
  ];
  if (price !== undefined) {
    rows.push([
      "price",
      `${price.total.toFixed(2)}: ${formatDuration(3600 * hours)} at ${price.perHour.toFixed(2)} per hour`,
    ]);
  }
  return [
    `${device.name}, ${formatDuration(plan.seconds)}`,
    "",
    ...rows.map(([name, value]) => `${name.padEnd(8)}  ${value}`),
    "With --explain: how these figures are derived, and the train-lm command",
  ].join("\n");
}

/** The loss by Chinchilla's fit, as far as it can be asked. */
function expectation({ loss, prediction: { parameters }, tokens, config }: DevicePlan): string {
  // Guessing evenly among the vocabulary has this loss: a fit that expects more has left its ground.
  if (loss.hoffmann2022 >= Math.log(config.model.vocabSize)) return "unknown: too little text for Chinchilla's fit";
  const value = `${loss.hoffmann2022.toFixed(2)} nats a token by Chinchilla's fit`;
  return value +
    (isWithinFit(parameters, tokens) ? " to other text and tokens" : ", outside the range it fits");
}

/** Why no larger model was chosen. */
function reason({ bound, room, isCorpusUsedUp }: DevicePlan): string {
  switch (bound) {
    case "corpus":
      return `the largest that sees the text ${MAX_EPOCHS} times${
        isCorpusUsedUp ? "; more text would fill the time" : ""
      }`;
    case "parameters":
      return `larger ones have more parameters than ${MAX_EPOCHS} epochs have tokens`;
    case "memory":
      return "the largest that the device's memory holds; it would use a larger one";
    case "array":
      return `the largest whose weights fit into one array of WebGPU, ${formatSi(room.array, "B")}`;
    case "ladder":
      return "the largest that is known here";
    default:
      return "the nearest to 20 tokens per parameter (Hoffmann et al. 2022)";
  }
}
