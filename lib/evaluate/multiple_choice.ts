// Questions with several answers to choose from, of which a model takes the one that it gives the highest score.

/**
 * What one question counts for: 1 if the right choice has the highest score, 0 if another has. Where several share the
 * highest, it is the chance to draw the right one of them, so that the order of the choices does not matter.
 *
 * @param scores One for each choice, higher for better ones: log-likelihoods, for example.
 * @param right The index of the right choice.
 * @throws {RangeError} If there is no choice of that index, or a score is NaN.
 */
export function creditFor(scores: readonly number[], right: number): number {
  const best = scores.reduce((best, score) => Math.max(best, score), -Infinity);
  if (!(right in scores) || Number.isNaN(best)) {
    throw new RangeError(`Cannot rate choice ${right} of the scores ${scores}: must be one of them, and none NaN`);
  }
  return scores[right] === best ? 1 / scores.filter((score) => score === best).length : 0;
}

/** How many questions a model answered right. */
export interface Accuracy {
  /** The share of them, from 0 to 1. */
  readonly mean: number;
  /**
   * How far the mean may lie from that of all questions of this kind: the sample's standard deviation / √n; absent for a
   * single question, which does not tell.
   */
  readonly standardError?: number;
}

/**
 * The mean of what questions count for, and how sure it is.
 *
 * @param credits What each question counts for, from 0 to 1.
 * @throws {RangeError} If there are none.
 */
export function accuracyOf(credits: readonly number[]): Accuracy {
  const n = credits.length;
  if (n === 0) throw new RangeError("Cannot tell an accuracy: got no questions, must be one or more");
  const mean = credits.reduce((sum, credit) => sum + credit, 0) / n;
  if (n === 1) return { mean };
  const squares = credits.reduce((sum, credit) => sum + (credit - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (n - 1) / n) };
}
