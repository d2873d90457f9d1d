import { OPTIMIZERS } from "../train/optimizer/registry.ts";
import type { Account } from "./report.ts";
import { formatTable } from "./table.ts";
import { TOKENS_PER_PARAMETER } from "./time.ts";
import { formatAmount, formatBinary, formatCount, formatDuration, formatShare, formatSi } from "./units.ts";

/** An account for people to read: aligned tables in readable units. */
export function formatAccount(account: Account): string {
  // For a run of this project, the choices that change memory have been made.
  const choices = account.dtype === undefined ? [batches] : [];
  const sections = [heading, parameters, forward, step, memory, ...choices, generation, training];
  return sections.map((section) => section(account)).join("\n\n");
}

function heading(
  { name, shape, parameters, batchSize, gradAccumulation, optimizer, dtype, precision }: Account,
): string {
  const { vocabSize, contextLength, dModel, numLayers, numHeads, dFf, ffn = "swiglu" } = shape;
  return `${name} (${formatAmount(parameters.total)} parameters): vocabulary ${formatCount(vocabSize)}, context ${
    formatCount(contextLength)
  }, ${numLayers} layers, ` +
    `d ${dModel}, ${numHeads} heads${partsOf(shape)}, d_ff ${dFf} (${ffn}), ` +
    `batch ${gradAccumulation > 1 ? `${formatCount(gradAccumulation)} × ` : ""}${formatCount(batchSize)}, ` +
    `${dtype ?? precision}, ${OPTIMIZERS[optimizer].title}`;
}

/** What heads have, where it differs from the usual: keys of their own, and dModel / numHeads dimensions. */
function partsOf({ dModel, numHeads, numKeyValueHeads = numHeads, headDim, slidingWindow }: Account["shape"]): string {
  return [
    headDim === undefined || headDim === dModel / numHeads ? "" : ` of ${headDim}`,
    numKeyValueHeads === numHeads ? "" : ` (${numKeyValueHeads} of keys)`,
    slidingWindow === undefined ? "" : `, window ${formatCount(slidingWindow)}`,
  ].join("");
}

function parameters({ parameters: { items, total, bytes } }: Account): string {
  const rows = items.map(({ name, formula, count }) => [name, formula, formatCount(count), formatShare(count / total)]);
  rows.push(["total", "", formatCount(total), formatShare(1)]);
  return titled(
    "Parameters",
    formatTable(["group", "formula", "count", "share"], rows, [1]),
    `${formatSi(bytes, "B")} = ${formatBinary(bytes)} of weights`,
  );
}

function forward({ forward, ops, shape, causal }: Account): string {
  const { numLayers } = shape;
  const row = (name: string, flops: number) => [name, formatSi(flops, "FLOP"), formatShare(flops / forward.total)];
  const rows = [
    ...ops.map(({ op, formula, times, forward: flops, backward }) => {
      const layers = times === 1 ? "" : `${times} × `;
      return [...row(op, flops), formatSi(backward, "FLOP"), layers + formula];
    }),
    [...row("all", forward.total), formatSi(ops.reduce((sum, op) => sum + op.backward, 0), "FLOP"), ""],
  ];
  const share = (flops: number) => formatShare(flops / forward.block);
  return titled(
    "Matrix multiplications of one step",
    formatTable(["op", "forward", "share", "backward", "forward formula"], rows, [4]),
    `one of ${numLayers} blocks: ${formatSi(forward.block, "FLOP")} forward, attention ${share(forward.attention)}, ` +
      `feed-forward ${share(forward.feedForward)}`,
    `${formatSi(forward.perToken, "FLOP")} forward per token; causal attention counted ${
      causal === "half" ? "as half" : "in full"
    }; norms, softmax, activations and look-ups not counted`,
  );
}

function step({ step, optimizer, optimizerUpdate, parameters }: Account): string {
  const optimizerName = OPTIMIZERS[optimizer].title;
  const row = (name: string, flops: number) => [name, formatSi(flops, "FLOP"), formatShare(flops / step.total)];
  const parts = [row("forward", step.forward), row("backward", step.backward)];
  if (step.recompute > 0) parts.push(row("forward again (checkpointing)", step.recompute));
  parts.push(row(optimizerName, step.optimizer), row("step", step.total));
  const update = optimizerUpdate.map(({ name, formula, flops }) => [name, formula, String(flops)]);
  const perParameter = optimizerUpdate.reduce((sum, { flops }) => sum + flops, 0);
  update.push([optimizerName, `× ${formatCount(parameters.total)}`, String(perParameter)]);
  return titled(
    "FLOPs of a training step",
    formatTable(["part", "FLOPs", "share"], parts),
    formatTable([`${optimizerName}, per parameter`, "", "FLOPs"], update, [1]),
  );
}

function memory({ memory, largestBatch, device, batchSize, dtype, attention, checkpointing }: Account): string {
  const row = (name: string, bytes: number) => [name, formatSi(bytes, "B"), formatShare(bytes / memory.total)];
  const rows = [
    row("parameters", memory.parameters),
    row("gradients", memory.gradients),
    row("optimizer state", memory.optimizer),
    row(`activations, batch ${formatCount(batchSize)}`, memory.activations),
    row("total", memory.total),
  ];
  const items = memory.activationItems.map(({ name, formula, perLayer, count }) => {
    const grouped = formula.includes(" + ") ? `(${formula})` : formula;
    return [name, perLayer ? `n × ${grouped}` : formula, formatAmount(count)];
  });
  const fits = batchSize <= largestBatch
    ? ""
    : largestBatch === 0
    ? "; not even one sequence fits"
    : `; batch ${formatCount(batchSize)} takes ${Math.ceil(batchSize / largestBatch)} micro-batches`;
  const how = dtype === undefined
    ? `attention ${attention}${checkpointing ? ", activation checkpointing" : ""}`
    : `as train-lm plans it, in ${dtype}`;
  return titled(
    `Memory of a training step (${how})`,
    formatTable(["part", "bytes", "share"], rows),
    ...(items.length > 0 ? [formatTable(["kept for the backward pass", "formula", "numbers"], items, [1])] : []),
    `largest batch in ${formatSi(device.memory, "B")} (${device.name}): ${formatCount(largestBatch)}${fits}`,
  );
}

function batches({ batchChoices, device }: Account): string {
  const columns = new Set<string>();
  const rows = new Map<string, string[]>();
  for (const { precision, tieEmbeddings, attention, checkpointing, batch } of batchChoices) {
    columns.add(attention + (checkpointing ? ", checkpointing" : ""));
    const name = precision + (tieEmbeddings ? ", tied embeddings" : "");
    rows.set(name, [...rows.get(name) ?? [name], formatCount(batch)]);
  }
  return titled(
    `Largest batch in ${formatSi(device.memory, "B")}, by choice`,
    formatTable(["", ...columns], [...rows.values()]),
  );
}

function generation({ generation, shape }: Account): string {
  return titled(
    "Generation",
    `weights ${formatSi(generation.weights, "B")}, KV cache ${formatSi(generation.kvCachePerToken, "B")} per token, ` +
      `${formatSi(generation.kvCache, "B")} for a full context of ${formatCount(shape.contextLength)}`,
  );
}

function training({ training, device, precision }: Account): string {
  const { tokens, steps, tokensPerParameter, flops, validationFlops, peak, mfu, time, tokensPerSecond, energyKwh } =
    training;
  const validations = validationFlops > 0 ? `, ${formatSi(validationFlops, "FLOP")} of them for validations` : "";
  return titled(
    "Training",
    `${formatAmount(tokens)} tokens, ${tokensPerParameter.toPrecision(3)} per parameter ` +
      `(${TOKENS_PER_PARAMETER} is optimal for the compute), ${formatCount(steps)} steps, ${
        formatSi(flops, "FLOP")
      }${validations}`,
    `on one ${device.name} at ${formatSi(peak, "FLOP/s")} (${precision}) and ${formatShare(mfu)} MFU: ` +
      `${formatDuration(time.seconds)} (${formatCount(time.hours)} hours, ${formatCount(time.days)} days), ` +
      `${formatCount(tokensPerSecond)} tokens/s, ${formatSi(energyKwh * 1000, "Wh")} at ${device.power} W`,
    `peak, memory and power from: ${device.source}`,
  );
}

/** A title, and under it blocks with an empty line between tables. */
function titled(title: string, ...blocks: string[]): string {
  const body = blocks.flatMap((block, i) => {
    const lines = block.split("\n").map((line) => `  ${line}`);
    return i > 0 && lines.length > 1 ? ["", ...lines] : lines;
  });
  return [title, ...body].join("\n");
}
