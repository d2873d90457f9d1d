/** Where early stopping stands between two steps. */
export interface PatienceState {
  /** The lowest validation loss so far, in nats per token; absent before the first. */
  readonly bestLoss?: number;
  /** How many validations came after it, none of them lower. */
  readonly validationsSinceBest: number;
}

/**
 * Early stopping: a training is over after so many validations in a row without a lower loss.
 *
 * Source: Prechelt 1998, "Early Stopping — But When?", the criterion of successive strips.
 */
export class EarlyStopping {
  readonly #patience: number;
  #bestLoss: number;
  #validationsSinceBest: number;

  /**
   * @param patience How many validations; `undefined` for any number.
   * @param state Where an earlier part of the training stood. Default: before the first validation.
   */
  constructor(patience: number | undefined, { bestLoss = Infinity, validationsSinceBest = 0 }: Partial<PatienceState>) {
    this.#patience = patience ?? Infinity;
    this.#bestLoss = bestLoss;
    this.#validationsSinceBest = validationsSinceBest;
  }

  /** Takes a validation's loss into account. */
  add(validLoss: number): void {
    if (validLoss < this.#bestLoss) {
      this.#bestLoss = validLoss;
      this.#validationsSinceBest = 0;
    } else {
      this.#validationsSinceBest++;
    }
  }

  /** How many validations came after the best one. */
  get validationsSinceBest(): number {
    return this.#validationsSinceBest;
  }

  /** Whether the training is over. */
  get isOver(): boolean {
    return this.#validationsSinceBest >= this.#patience;
  }
}
