import type { Backend } from "../backend/backend.ts";
import type { TokenSource } from "../dataset/token_source.ts";
import { option, OptionError, say, UserError } from "../errors.ts";
import type { Precision } from "../graph/graph.ts";
import { type LanguageModel, requireMembers } from "../model/language_model.ts";
import type { WeightSource } from "../model/weights.ts";
import { requireFinite, requireInVocabulary, Scorer } from "./scorer.ts";

/** Options for `scoreTokens`. */
export interface ScoreOptions {
  /**
   * How many tokens the window moves each time. The last `stride` predictions of each window count, so that all except
   * the first window's see at least contextLength − stride tokens. Default: half the context.
   */
  readonly stride?: number;
  /** Windows that go through the model together. Default: 8. */
  readonly batchSize?: number;
  /** The format that the model computes in; `"f32"` by default. Weights kept in bf16 or int8 are computed with in f32. */
  readonly precision?: Precision;
  /** Weights to write before the first run. By default, the model's weights are on the backend already. */
  readonly weights?: WeightSource;
  /** Called with the number of tokens scored so far. */
  readonly onProgress?: (tokens: number) => void;
  /** Stops between two runs of the model, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How well a model predicts a text. */
export interface Score {
  /** Σ −log p(token | tokens before it in its window), in nats. */
  readonly nats: number;
  /** Tokens predicted: all but the first, which has nothing before it. */
  readonly tokens: number;
}

/** A window of inputs, and which of its predictions count. */
interface Window {
  readonly start: number;
  /** The first position that counts, and the one after the last. */
  readonly from: number;
  readonly to: number;
}

/**
 * Scores every token of a source once, with a window that moves by a stride.
 *
 * @throws {UserError} If there are fewer than two tokens, one is outside the model's vocabulary, or the loss is NaN or
 *   infinite; or if the weights alone take more memory than the backend can address.
 * @throws {OptionError} If the stride is not from 1 to the context length, the batch size is not a whole number of at
 *   least 1, or that many windows do not fit on the backend; or if the precision is f16 and the weights are kept in bf16
 *   or int8.
 * @throws {Error} If weights are given, but this model is being trained on this backend.
 */
export async function scoreTokens(
  backend: Backend,
  model: LanguageModel,
  source: TokenSource,
  options: ScoreOptions = {},
): Promise<Score> {
  requireMembers("score", model, "config", "parameters", "forward");
  const { contextLength, vocabSize } = model.config;
  const { stride = Math.ceil(contextLength / 2), batchSize = 8 } = options;
  if (!(Number.isSafeInteger(stride) && stride >= 1 && stride <= contextLength)) {
    throw new OptionError(
      say`Cannot score: got ${option("stride")} ${stride}, must be from 1 to the context length ${contextLength}`,
    );
  }
  if (source.length < 2) {
    throw new UserError(`Cannot score ${source.name}: got ${source.length} tokens, must be at least 2. Use more text`);
  }
  const { precision, weights } = options;
  using scorer = await Scorer.create(backend, model, { batchSize, seqLen: contextLength, precision, weights });
  let nats = 0;
  let tokens = 0;
  for (const group of inGroups(scoringWindows(source.length, contextLength, stride), batchSize)) {
    options.signal?.throwIfAborted();
    for (const [row, { start, to }] of group.entries()) {
      const ids = await source.read(start, start + to + 1);
      requireInVocabulary(ids, vocabSize, source.name);
      scorer.setRow(row, ids.subarray(0, to), ids.subarray(1));
    }
    const all = await scorer.losses();
    for (const [row, { from, to }] of group.entries()) {
      for (let i = from; i < to; i++) nats += all[row * contextLength + i];
      tokens += to - from;
    }
    options.onProgress?.(tokens);
  }
  requireFinite(nats, source.name);
  return { nats, tokens };
}

/** Windows whose counted predictions together cover every token but the first, each once. */
export function* scoringWindows(length: number, contextLength: number, stride: number): Generator<Window> {
  const last = length - 1;
  const first = Math.min(contextLength, last);
  yield { start: 0, from: 0, to: first };
  for (let done = first; done < last;) {
    const end = Math.min(done + stride, last);
    const start = end - contextLength;
    yield { start, from: done - start, to: contextLength };
    done = end;
  }
}

/** Arrays of `size` items; the last has what is left. */
export function* inGroups<T>(items: Iterable<T>, size: number): Generator<readonly T[]> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
