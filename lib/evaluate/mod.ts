/**
 * Measures how good a model is: its loss on held-out text, the score of a text, and what it has memorised.
 *
 * @example The longest part of a text that occurs in another
 * ```ts
 * import { OverlapFinder } from "@bytelm/bytelm/evaluate";
 *
 * const bytes = (text: string) => new TextEncoder().encode(text);
 * const finder = new OverlapFinder([bytes("the cat sat on a log")]);
 * finder.push(bytes("a dog sat on the mat"));
 * finder.endDocument();
 * const [{ bytes: length, start }] = finder.overlaps();
 * console.log(length, start); // 8 7: " sat on "
 * ```
 *
 * @module
 */
export { Evaluator, type EvaluatorOptions } from "./evaluator.ts";
export { type Accuracy, accuracyOf, creditFor } from "./multiple_choice.ts";
export { type Score, type ScoreOptions, scoreTokens } from "./score.ts";
export { scoreExamples, type ScoreExamplesOptions } from "./score_examples.ts";

// Memorisation
export { drawSamples, type DrawSamplesOptions } from "./memorisation/draw_samples.ts";
export { drawExcerpts, readBlocks } from "./memorisation/excerpts.ts";
export {
  measureMemorisation,
  type MemorisationOptions,
  type MemorisationReport,
  type OverlapSummary,
} from "./memorisation/measure.ts";
export { type Overlap, OverlapFinder } from "./memorisation/overlaps.ts";
export { SharedWindows, type WindowCount } from "./memorisation/shared_windows.ts";
