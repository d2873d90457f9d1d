// How a plan's figures follow from each other: for --explain.
import { FITTED_RANGE, LOSS_FITS, type LossFit } from "../../lib/accounting/expected_loss.ts";
import { formatTable } from "../../lib/accounting/table.ts";
import { TOKENS_PER_PARAMETER } from "../../lib/accounting/time.ts";
import { formatAmount, formatCount, formatDuration, formatShare, formatSi } from "../../lib/accounting/units.ts";
import { MEMORY_SHARE, MIN_STEPS, TOKENS_PER_STEP } from "../../lib/run/device_room.ts";
import type { DevicePlan } from "../../lib/run/plan_for_device.ts";
import { MAX_EPOCHS, RESERVE } from "../../lib/run/time_budget.ts";
import { trainCommand } from "./plan_command.ts";
import type { PlannedRun } from "./plan_text.ts";

/** The formulas, with their numbers. */
export function derivePlan(run: PlannedRun): string {
  const { plan } = run;
  const sections: readonly [title: string, lines: readonly string[]][] = [
    [`Train it, with a vocabulary of ${formatCount(plan.config.model.vocabSize)} tokens`, trainCommand(plan)],
    ["Tokens", tokens(run)],
    ["Speed", speed(plan)],
    ["Model", models(plan)],
    ["Memory", memory(plan)],
    ["Steps and time", time(run)],
    ["Loss", loss(plan)],
  ];
  return sections.map(([title, lines]) => [title, ...lines.map((line) => `  ${line}`)].join("\n")).join("\n\n");
}

function tokens({ data, plan }: PlannedRun): string[] {
  const text = data.bytes === undefined ? "" : `${formatSi(data.bytes, "B")}: `;
  return [
    `${text}${formatCount(data.tokens)} tokens (${data.how})`,
    `at most ${MAX_EPOCHS} epochs (Muennighoff et al. 2023): ${formatAmount(MAX_EPOCHS * plan.corpusTokens)} tokens`,
  ];
}

function speed({ device, peak, rate, prediction, tokensPerSecond }: DevicePlan): string[] {
  const flops = 3 * prediction.forwardFlops;
  const { measured } = rate;
  const known = measured === undefined
    ? [`the share is ${rate.source}, not measured (see --mfu); small models and batches reach less`]
    : [
      `the share is measured, in float32: ${formatCount(measured.tokensPerSecond)} tokens/s of a model of ` +
      `${measured.shape.numLayers} layers, d ${measured.shape.dModel}`,
      `(${measured.source}); small models and batches reach less`,
    ];
  return [
    `${formatSi(peak, "FLOP/s")} in float32, without tensor cores × ${formatShare(rate.mfu)} = ` +
    formatSi(peak * rate.mfu, "FLOP/s"),
    ...known,
    `peak and memory from: ${device.source}`,
    `3 × ${formatSi(prediction.forwardFlops, "FLOP")} of forward products = ${formatSi(flops, "FLOP")} per token: ` +
    `${formatCount(tokensPerSecond)} tokens/s`,
  ];
}

function models({ compared, corpusTokens, bound, prediction }: DevicePlan): string[] {
  if (bound === undefined) return ["as given"];
  const rows = compared.map(({ parameters, tokensInTime }) => [
    formatAmount(parameters),
    formatAmount(tokensInTime),
    (tokensInTime / parameters).toPrecision(3),
    (tokensInTime / corpusTokens).toPrecision(3),
    parameters === prediction.parameters ? "chosen" : "",
  ]);
  return [
    `nearest to ${TOKENS_PER_PARAMETER} tokens per parameter in the time; where that is more than ${MAX_EPOCHS} epochs,`,
    `the largest that sees ${MAX_EPOCHS}. Never more parameters than tokens of ${MAX_EPOCHS} epochs, as --minutes chooses`,
    ...formatTable(["parameters", "tokens in the time", "per parameter", "epochs", ""], rows, [4]).split("\n"),
  ];
}

function memory({ config, prediction: { parameters, memory }, device, room, largestBatch }: DevicePlan): string[] {
  const { batchSize, gradAccumulation } = config.training;
  const { vocabSize, contextLength } = config.model;
  const si = (bytes: number) => formatSi(bytes, "B");
  const logits = 4 * batchSize * contextLength * vocabSize;
  return [
    `weights, gradients and two moments: 16 B × ${formatCount(parameters)} = ${si(16 * parameters)}`,
    `between layers, for ${formatCount(batchSize)} sequences: ${si(memory.activations)}; together ${si(memory.total)}`,
    `at most ${100 * MEMORY_SHARE} % of ${si(device.memory)} = ${si(room.memory)}, and ${
      si(room.array)
    } in one array, as WebGPU`,
    `allows on an H100: weights take 4 B × parameters = ${si(4 * parameters)}, logits 4·b·s·v = ${si(logits)}`,
    `${formatCount(largestBatch)} sequences fit at once; a step is of about ${
      formatCount(TOKENS_PER_STEP)
    } tokens, or fewer where ` +
    `there would`,
    `be fewer than ${MIN_STEPS} steps: ${gradAccumulation} × ${batchSize} × ${formatCount(contextLength)}`,
  ];
}

function time({ plan, hours, price }: PlannedRun): string[] {
  const { config: { training }, seconds, costs, estimatedSeconds, tokensPerStep, tokens } = plan;
  const { steps, validEvery, validBatches } = training;
  const validations = Math.ceil(steps / validEvery);
  return [
    `${formatCount(steps)} steps × ${formatCount(tokensPerStep)} tokens = ${formatCount(tokens)} tokens`,
    `${formatCount(steps)} × ${formatDuration(costs.step)} + ${
      formatCount(validations)
    } validations of ${validBatches} ` +
    `batches × ${formatDuration(costs.validation)} = ${formatDuration(estimatedSeconds)}`,
    `${formatShare(RESERVE)} of ${formatDuration(seconds)} is kept in reserve; checkpoints are not counted`,
    ...(price === undefined
      ? []
      : [`price: ${formatDuration(3600 * hours)} × ${price.perHour} per hour = ${price.total.toFixed(2)}`]),
  ];
}

function loss({ prediction: { parameters }, tokens, loss }: DevicePlan): string[] {
  const line = ({ source, E, A, B, alpha, beta }: LossFit, result: number) =>
    `${E} + ${A} / N^${alpha} + ${B} / D^${beta} = ${E} + ${(A / parameters ** alpha).toFixed(3)} + ` +
    `${(B / tokens ** beta).toFixed(3)} = ${result.toFixed(3)} (${source.split(",")[0]})`;
  const [fewest, most] = FITTED_RANGE.parameters.map(formatAmount);
  const [shortest, longest] = FITTED_RANGE.tokens.map(formatAmount);
  return [
    `N = ${formatCount(parameters)} parameters, D = ${formatCount(tokens)} tokens, repeated ones counted as new`,
    line(LOSS_FITS.hoffmann2022, loss.hoffmann2022),
    line(LOSS_FITS.besiroglu2024, loss.besiroglu2024),
    `nats per token. Both are fits to other text (MassiveText) and another tokenizer, of ${fewest} to ${most}`,
    `parameters and ${shortest} to ${longest} tokens: they compare plans; they do not predict a run's loss`,
  ];
}
