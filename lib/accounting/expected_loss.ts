/**
 * A fit of the loss to a model's parameters N and its training tokens D: L = E + A / N^alpha + B / D^beta, in nats per
 * token.
 */
export interface LossFit {
  /** Where the constants were published. */
  readonly source: string;
  /** The loss of a perfect model: the entropy of the text. */
  readonly E: number;
  /** How much a finite model adds. */
  readonly A: number;
  /** How much finite data adds. */
  readonly B: number;
  /** How fast `A`'s term falls with N. */
  readonly alpha: number;
  /** How fast `B`'s term falls with D. */
  readonly beta: number;
}

/**
 * Published fits. Both are to the same runs: on MassiveText, with a vocabulary of 32,000 tokens and another architecture.
 * On other text, with other tokens, they say what more parameters or tokens are worth, and not what a run will measure.
 */
export const LOSS_FITS: Readonly<Record<"hoffmann2022" | "besiroglu2024", LossFit>> = {
  /** Chinchilla's own. */
  hoffmann2022: {
    source: "Hoffmann et al. 2022, arXiv:2203.15556, equation 10",
    E: 1.69,
    A: 406.4,
    B: 410.7,
    alpha: 0.34,
    beta: 0.28,
  },
  /** The same runs, read from the paper's figure and fitted again: the first fit had not converged. */
  besiroglu2024: {
    source: "Besiroglu et al. 2024, arXiv:2404.10102",
    E: 1.8172,
    A: 482.01,
    B: 2085.43,
    alpha: 0.3478,
    beta: 0.3658,
  },
};

/** The models that both fits are of: 70 million to 16 billion parameters, 5 to 500 billion tokens. */
export const FITTED_RANGE = { parameters: [70e6, 16e9], tokens: [5e9, 500e9] } as const;

/** Whether the fits are of models like this one. Far outside they may expect more than the loss of guessing. */
export function isWithinFit(parameters: number, tokens: number): boolean {
  const isWithin = (value: number, [least, most]: readonly [number, number]) => value >= least && value <= most;
  return isWithin(parameters, FITTED_RANGE.parameters) && isWithin(tokens, FITTED_RANGE.tokens);
}

/** The loss that a fit expects of a model after so many tokens, in nats per token. */
export function expectedLoss(
  parameters: number,
  tokens: number,
  { E, A, B, alpha, beta }: LossFit = LOSS_FITS.hoffmann2022,
): number {
  return E + A / parameters ** alpha + B / tokens ** beta;
}
