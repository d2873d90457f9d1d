/** One line of metrics.jsonl, where NaN and the infinities are the texts "NaN", "Infinity" and "-Infinity". */
export interface StepMetrics {
  /** Counted from 0. */
  readonly step: number;
  /** Mean cross-entropy of the step's sequences before the update, in nats per token; or the model's own loss. */
  readonly loss: number;
  /** The step's learning rate. */
  readonly lr: number;
  /** Global gradient norm before clipping; 0 where the step was skipped. */
  readonly gradNorm: number;
  /** In f16: the gradients overflowed, the weights stayed as they were, and the loss's scale was halved. */
  readonly skipped?: true;
  /** Of the stretch of steps since the last read-back, validation and samples excluded. */
  readonly tokensPerSecond: number;
  /** Time spent on the run when this was read back, validation and samples included. */
  readonly seconds: number;
  /** Mean cross-entropy over the validation windows with the weights after this step, where it was measured. */
  readonly validLoss?: number;
  /** The same with the average of the weights, where one is kept. */
  readonly averageValidLoss?: number;
  /** A text that the model made with the weights after this step, where one was asked for. */
  readonly sample?: string;
  /** The training ended here, before its last step: `patience` validations in a row had no lower loss. */
  readonly stoppedEarly?: true;
}

/** The loss of the better of a step's weights and their average; an average whose loss is no number is not. */
export function betterLoss({ validLoss, averageValidLoss = NaN }: BothLosses): number {
  return averageValidLoss < validLoss ? averageValidLoss : validLoss;
}

/** A validation's losses. */
type BothLosses = Required<Pick<StepMetrics, "validLoss">> & Pick<StepMetrics, "averageValidLoss">;
