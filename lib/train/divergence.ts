import type { Backend } from "../backend/backend.ts";
import { UserError } from "../errors.ts";
import { viewOf } from "../graph/program.ts";
import type { StepResult, Trainer } from "./trainer.ts";

/** Thrown when a loss or a gradient is no longer a finite number. */
export class DivergenceError extends UserError {
  override readonly name = "DivergenceError";
  /** The step at which it was seen, counted from 0. */
  readonly step: number;
  /** What was the first to be NaN or infinite, where that can be told. */
  readonly origin: string | undefined;

  constructor(step: number, { loss, gradNorm }: StepResult, origin: string | undefined, lr: number) {
    const where = origin === undefined ? "" : `; it began in ${origin}`;
    super(
      `Cannot go on training: got loss ${loss} and gradient norm ${gradNorm} at step ${step} (learning rate ` +
        `${
          lr.toPrecision(3)
        })${where}; both must be finite. Try a lower --lr (a third of it), more --warmup-steps or a ` +
        `smaller --clip`,
    );
    this.step = step;
    this.origin = origin;
  }
}

/** Whether a step's numbers say that training went wrong; gradients that f16 could not hold do not. */
export function hasDiverged({ loss, gradNorm, skipped }: StepResult): boolean {
  return !(Number.isFinite(loss) && (skipped || Number.isFinite(gradNorm)));
}

/**
 * What was the first to be NaN or infinite in the step that a trainer took last: the loss, or else a parameter's
 * gradient. The backward pass goes through the parameters from the last to the first.
 */
export async function originOfDivergence(
  backend: Backend,
  trainer: Trainer,
  { loss }: StepResult,
): Promise<string | undefined> {
  if (!Number.isFinite(loss)) return "the loss, in the forward pass";
  for (const [name, part] of [...trainer.gradients.parts].toReversed()) {
    const gradient = await backend.read(viewOf(part, part.placement!));
    if (!gradient.every(Number.isFinite)) return `the gradient of ${name}`;
  }
  // Every element is finite, and the sum of their squares is not.
  return "the norm of all gradients";
}
