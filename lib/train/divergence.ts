import type { Backend } from "../backend/backend.ts";
import type { Batch } from "../dataset/batches.ts";
import { option, say, UserError, type Wording } from "../errors.ts";
import type { Precision } from "../graph/graph.ts";
import { viewOf } from "../graph/program.ts";
import type { LanguageModel } from "../model/language_model.ts";
import { type ForwardOrigin, originInForward } from "./forward_probe.ts";
import type { StepResult, Trainer } from "./trainer.ts";

/** What became NaN or infinite first. */
export interface DivergenceOrigin {
  /** `update`: the step's own change of the weights. */
  readonly kind: "weights" | "activations" | "gradients" | "update";
  /** The same, in words. */
  readonly what: string;
}

/** The settings of a run that affect divergence. */
export interface DivergenceSettings {
  /** The step's learning rate. */
  readonly lr: number;
  /** The largest gradient norm; 0 for no clipping. */
  readonly clip: number;
}

/** What to do next. */
function adviceFor(kind: DivergenceOrigin["kind"], clip: number): Wording {
  const lower = say`a lower ${option("lr")} (a third of it)`;
  const longer = say`more ${option("warmupSteps")}`;
  if (kind === "weights") {
    return say`The weights were NaN or infinite before this step: start a new run with ${lower} or ${longer}`;
  }
  const clipping = clip === 0 ? say`clipping (${option("clip", 1)})` : say`a smaller ${option("clip")}`;
  return say`Try ${lower}, ${longer} or ${clipping}`;
}

/** A divergence, as it was observed. */
export interface Divergence extends DivergenceSettings {
  /** Counted from 0. */
  readonly step: number;
  /** What is NaN or infinite, and after which step, counted from 1 as in all messages, in words. */
  readonly got: string;
  /** What went wrong first, if that can be determined. */
  readonly origin?: DivergenceOrigin;
}

/** Thrown when a loss, a gradient or a weight is no longer a finite number. */
export class DivergenceError extends UserError {
  /** What a stack trace calls it. */
  override readonly name = "DivergenceError";
  /** The step at which it was noticed, counted from 0. */
  readonly step: number;
  /** What became NaN or infinite first, if that can be determined. */
  readonly origin: string | undefined;

  /** The message says what was noticed, where it began and what to try next. */
  constructor({ step, got, origin, lr, clip }: Divergence) {
    const where = origin === undefined ? "" : `; it began in ${origin.what}`;
    const advice = adviceFor(origin?.kind ?? "gradients", clip);
    super(say`Training stopped: ${got} (learning rate ${lr.toPrecision(3)})${where}. ${advice}`);
    this.step = step;
    this.origin = origin?.what;
  }

  /** For a step whose loss or gradients are not finite. */
  static atStep(
    step: number,
    { loss, gradNorm }: StepResult,
    origin: DivergenceOrigin | undefined,
    settings: DivergenceSettings,
  ): DivergenceError {
    const got = `loss ${short(loss)} and gradient norm ${short(gradNorm)} at step ${step + 1}`;
    return new DivergenceError({ step, got, origin, ...settings });
  }

  /** For a validation with the weights after a step. */
  static inValidation(
    step: number,
    validLoss: number,
    origin: ForwardOrigin | undefined,
    settings: DivergenceSettings,
  ): DivergenceError {
    const got = `validation loss ${short(validLoss)} after step ${step + 1}`;
    return new DivergenceError({ step, got, ...settings, ...madeByUpdate(origin) });
  }

  /** For a sample with the weights after a step for which no token could be chosen. */
  static inSample(step: number, origin: ForwardOrigin | undefined, settings: DivergenceSettings): DivergenceError {
    const got = `sampling met logits that are NaN or infinite after step ${step + 1}`;
    return new DivergenceError({ step, got, ...settings, ...madeByUpdate(origin) });
  }

  /** For weights, or the optimizer's state, after a step. */
  static inWeights(step: number, what: string, settings: DivergenceSettings): DivergenceError {
    const got = `weights that are NaN or infinite after step ${step + 1}`;
    return new DivergenceError({ step, got, origin: { kind: "update", what }, ...settings });
  }
}

/** The step itself was fine: its update caused what is wrong after it. */
function madeByUpdate(origin: ForwardOrigin | undefined): Pick<Divergence, "origin"> {
  return origin === undefined ? {} : { origin: { kind: "update", what: origin.what } };
}

const short = (value: number) => String(Number(value.toPrecision(5)));

/** Whether a step's numbers show that training went wrong. Gradients that f16 could not hold do not. */
export function hasDiverged({ loss, gradNorm, skipped }: StepResult): boolean {
  return !(Number.isFinite(loss) && (skipped || Number.isFinite(gradNorm)));
}

/** The step that went wrong. */
export interface DivergedStep {
  readonly backend: Backend;
  readonly model: LanguageModel;
  readonly trainer: Trainer;
  /** The step's results. */
  readonly result: StepResult;
  readonly batch: Batch;
  readonly precision?: Precision;
  /** Tokens per sequence of the batch. */
  readonly seqLen: number;
  /** Whether the trainer has taken no step since, so that its gradients are this step's. */
  readonly isLast: boolean;
}

/**
 * Finds what became NaN or infinite first in a step: something in the forward pass, which is run again, or else a
 * parameter's gradient. The backward pass goes through the parameters from last to first. A step whose gradients are
 * not finite leaves the weights as they were, so they can still be examined.
 */
export async function originOfDivergence(step: DivergedStep): Promise<DivergenceOrigin | undefined> {
  const { backend, model, trainer, result, batch, precision, seqLen, isLast } = step;
  if (!Number.isFinite(result.loss)) {
    const origin = await originInForward(backend, model, batch, precision, seqLen);
    return origin ?? { kind: "activations", what: "the loss, in the forward pass" };
  }
  if (!isLast) return undefined;
  for (const [name, part] of [...trainer.gradients.parts].toReversed()) {
    const gradient = await backend.read(viewOf(part, part.placement!));
    if (!gradient.every(Number.isFinite)) return { kind: "gradients", what: `the gradient of ${name}` };
  }
  // Every element is finite, but the sum of their squares is not.
  return { kind: "gradients", what: "the norm of all gradients" };
}
