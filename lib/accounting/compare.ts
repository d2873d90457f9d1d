import { type FlopsOptions, type ForwardFlops, forwardFlops, opFlops } from "./flops.ts";
import { type MemoryOptions, trainingMemory } from "./memory.ts";
import { activationItems } from "./activations.ts";
import { countParameters } from "./parameters.ts";
import { type PlannedStep, plannedTrainingMemory } from "./planned_memory.ts";
import { PRECISIONS } from "./precision.ts";
import type { ModelShape } from "./shape.ts";
import { formatTable } from "./table.ts";
import { formatAmount, formatShare, formatSi } from "./units.ts";

/** A shape and its name. */
export interface NamedShape {
  readonly name: string;
  readonly shape: ModelShape;
}

/** One model of a comparison. */
export interface Comparison extends NamedShape {
  readonly parameters: number;
  readonly forward: ForwardFlops;
}

/** Forward FLOPs of several models, and where they go. */
export function compareForward(models: readonly NamedShape[], options: FlopsOptions = {}): Comparison[] {
  return models.map(({ name, shape }) => {
    return { name, shape, parameters: countParameters(shape), forward: forwardFlops(shape, options) };
  });
}

/** The comparison as a table: forward FLOPs, shares of the whole, and shares of one block. */
export function formatComparison(comparisons: readonly Comparison[]): string {
  const header = ["model", "context", "parameters", "forward", "head", "", "blocks", "", "one block"];
  const rows = comparisons.map(({ name, shape, parameters, forward: { total, head, blocks, block, ...parts } }) => {
    const flops = (value: number) => formatSi(value, "FLOP");
    const { attention, feedForward } = parts;
    return [
      ...[name, String(shape.contextLength), formatAmount(parameters), flops(total)],
      ...[flops(head), formatShare(head / total), flops(blocks), formatShare(blocks / total), flops(block)],
      ...[flops(attention), formatShare(attention / block), flops(feedForward), formatShare(feedForward / block)],
    ];
  });
  return formatTable([...header, "its attention", "", "its feed-forward", ""], rows);
}

/** The data of a stacked-bar chart. */
export interface StackedBars {
  readonly title: string;
  /** The unit of the values: `FLOP` or `B`. */
  readonly unit: string;
  readonly bars: readonly { readonly label: string; readonly parts: readonly BarPart[] }[];
}

/** One part of a bar; every bar has the same parts in the same order. */
export interface BarPart {
  readonly name: string;
  readonly value: number;
}

/** Where the forward pass's FLOPs go in each model. */
export function flopsBars(models: readonly NamedShape[], options: FlopsOptions = {}): StackedBars {
  const bars = models.map(({ name, shape }) => {
    const flopsOf = new Map(opFlops(shape, options).map((op) => [op.op, op.forward]));
    const part = (name: string, ...ops: string[]): BarPart => {
      return { name, value: ops.reduce((sum, op) => sum + flopsOf.get(op)!, 0) };
    };
    return {
      label: name,
      parts: [
        part("feed-forward", "feed-forward"),
        part("attention projections", "query, key, value", "output projection"),
        part("scores, weighted values", "scores", "weighted values"),
        part("head", "head"),
      ],
    };
  });
  return { title: "Where the forward pass's FLOPs go", unit: "FLOP", bars };
}

/**
 * Where a training step's memory goes in each model.
 * @param options With a `dtype`: this project's own step, as planned; without: a textbook's.
 */
export function memoryBars(
  models: readonly NamedShape[],
  options: MemoryOptions & Pick<PlannedStep, "dtype" | "gradAccumulation" | "averageWeights"> = {},
): StackedBars {
  const { batchSize = 1, precision = "f32", dtype } = options;
  const bars = models.map(({ name, shape }) => {
    const { parameters, gradients, optimizer, activations } = dtype === undefined
      ? trainingMemory(shape, options)
      : plannedTrainingMemory(shape, { ...options, batchSize });
    // This project's attention keeps neither scores nor probabilities.
    const items = dtype === undefined ? activationItems(shape, options) : [];
    const quadratic = items.find((item) => item.name === "scores, probabilities");
    const layers = options.checkpointing ? 1 : shape.numLayers;
    const scores = (quadratic?.count ?? 0) * layers * PRECISIONS[precision].activations;
    return {
      label: name,
      parts: [
        { name: "parameters", value: parameters },
        { name: "gradients", value: gradients },
        { name: "optimizer state", value: optimizer },
        { name: "scores, probabilities", value: scores },
        { name: "other activations", value: activations - scores },
      ],
    };
  });
  return { title: "Where a training step's memory goes", unit: "B", bars };
}
