import { forwardFlopsPerToken, opFlops } from "./flops.ts";
import { countParameters } from "./parameters.ts";
import { type PlannedMemory, type PlannedStep, plannedTrainingMemory } from "./planned_memory.ts";
import { type CountedProgram, countProgram, type ProgramMemory, programMemory } from "./program.ts";
import type { ModelShape } from "./shape.ts";
import { formatTable } from "./table.ts";
import { modelFlopsUtilisation } from "./time.ts";
import { formatBinary, formatCount, formatShare, formatSi } from "./units.ts";

/** What a run of this project should take, predicted from its configuration alone. */
export interface TrainingPrediction {
  /** Trainable elements. */
  readonly parameters: number;
  /** Bytes of one training step. */
  readonly memory: PlannedMemory;
  /** Matrix products, attention counted in full, per token. */
  readonly forwardFlops: number;
  /** The same for the backward pass, including what attention's kernels compute again. */
  readonly backwardFlops: number;
}

/** Predicts a training run. */
export function predictTraining(shape: ModelShape, step: PlannedStep): TrainingPrediction {
  const { seqLen } = step;
  const tokens = seqLen ?? shape.contextLength;
  const ops = opFlops(shape, { seqLen, attentionBackward: "flash" });
  return {
    parameters: countParameters(shape),
    memory: plannedTrainingMemory(shape, step),
    forwardFlops: forwardFlopsPerToken(shape, { seqLen }),
    backwardFlops: ops.reduce((sum, op) => sum + op.backward, 0) / tokens,
  };
}

/** What a run took, counted from the program that ran. */
export interface TrainingMeasurement {
  /** Trainable elements. */
  readonly parameters: number;
  /** Bytes of the program that ran. */
  readonly memory: ProgramMemory;
  /** Matrix products of the forward pass, per token, as in the prediction. */
  readonly forwardFlops: number;
  /** Matrix products of the backward pass, per token. */
  readonly backwardFlops: number;
  /** Everything but matrix products, per token. */
  readonly otherFlops: number;
  /** Kernels without a formula, each once: their FLOPs are missing above. */
  readonly uncounted: readonly string[];
  /** As the run measured it. */
  readonly tokensPerSecond: number;
  /**
   * Model FLOP/s: three times the forward products of the tokens per second. Leaves out what the kernels compute again,
   * so that runs can be compared. Source: Chowdhery et al. 2022, arXiv:2204.02311, appendix B.
   */
  readonly flopsPerSecond: number;
  /** Model FLOP/s as a share of the peak; absent if the peak is unknown, or wrong because they exceed it. */
  readonly mfu?: number;
}

/** The data of a finished run. */
export interface TrainingRun {
  /** The program of one step. */
  readonly program: CountedProgram;
  /** Trainable elements. */
  readonly parameters: number;
  /** Tokens in one step: batch size times sequence length. */
  readonly tokensPerStep: number;
  /** As the run measured it. */
  readonly tokensPerSecond: number;
  /** The device's FLOP/s, if known. */
  readonly peak?: number;
}

/** Counts what a run did. */
export function measureTraining(run: TrainingRun): TrainingMeasurement {
  const { tokensPerStep, tokensPerSecond, peak = NaN } = run;
  const { forwardMatmul, backwardMatmul, other, uncounted } = countProgram(run.program);
  const forwardFlops = forwardMatmul / tokensPerStep;
  const mfu = modelFlopsUtilisation(3 * forwardFlops, tokensPerSecond, peak);
  return {
    parameters: run.parameters,
    memory: programMemory(run.program),
    forwardFlops,
    backwardFlops: backwardMatmul / tokensPerStep,
    otherFlops: other / tokensPerStep,
    uncounted,
    tokensPerSecond,
    flopsPerSecond: 3 * forwardFlops * tokensPerSecond,
    ...(mfu <= 1 && { mfu }),
  };
}

/** The prediction in one line, to print before a run. */
export function formatPrediction({ parameters, memory, forwardFlops, backwardFlops }: TrainingPrediction): string {
  return `predicted: ${formatCount(parameters)} parameters, ${formatBinary(memory.total)} of memory ` +
    `(${formatBinary(memory.activations)} for activations), ` +
    `${formatSi(forwardFlops, "FLOP")} forward and ${formatSi(backwardFlops, "FLOP")} backward per token`;
}

/** How fast a run was, in a line. */
export function formatSpeed({ tokensPerSecond, flopsPerSecond, mfu }: TrainingMeasurement): string {
  const share = mfu === undefined ? "" : `, ${formatShare(mfu)} MFU`;
  return `${formatCount(tokensPerSecond)} tokens/s, ${formatSi(flopsPerSecond, "FLOP/s")}${share}`;
}

/** The prediction beside the measurement, as a table, to print after a run. */
export function formatMeasurement(predicted: TrainingPrediction, measured: TrainingMeasurement): string {
  const compare = (what: string, format: (value: number) => string, before: number, after: number) => {
    const difference = after / before - 1;
    const sign = difference > 0 ? "+" : difference < 0 ? "−" : "";
    return [what, format(before), format(after), difference === 0 ? "equal" : sign + formatShare(Math.abs(difference))];
  };
  const flops = (value: number) => formatSi(value, "FLOP");
  const table = formatTable(["", "predicted", "measured", "difference"], [
    compare("parameters", formatCount, predicted.parameters, measured.parameters),
    compare("memory", formatBinary, predicted.memory.total, measured.memory.total),
    compare("of it activations", formatBinary, predicted.memory.activations, measured.memory.scratch),
    compare("forward FLOPs per token", flops, predicted.forwardFlops, measured.forwardFlops),
    compare("backward FLOPs per token", flops, predicted.backwardFlops, measured.backwardFlops),
  ]);
  const uncounted = measured.uncounted.length === 0 ? "" : `\nkernels not counted: ${measured.uncounted.join(", ")}`;
  return `${table}\nnot predicted of memory: inputs, rotary tables, logs, partial sums, and alignment to 256 bytes; in neither: ` +
    `what validations and samples take besides\n` +
    `${formatSpeed(measured)}; FLOPs outside matrix products: ` +
    `${flops(measured.otherFlops)} per token${uncounted}`;
}
