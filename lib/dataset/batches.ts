import { option, say, UserError } from "../errors.ts";
import { Philox } from "../random/philox.ts";
import { requireExamples, shuffledExamples, spreadExamples } from "./example_batches.ts";
import { requireBelow } from "./require_below.ts";
import type { TokenSource } from "./token_source.ts";

/** What one training step reads. */
export interface Batch {
  /** (batchSize · seqLen) token ids. */
  readonly ids: Uint32Array;
  /** The same windows one token later: what each position must predict. */
  readonly targets: Uint32Array;
  /** What each target counts for in the mean of the losses. Default: each for the same. */
  readonly weights?: Float32Array;
}

/** The size of a batch, and the ids it may hold. */
export interface BatchShape {
  /** Windows per batch. */
  readonly batchSize: number;
  /** Tokens per window. */
  readonly seqLen: number;
  /** Every id must be below this. */
  readonly vocabSize: number;
}

/**
 * Checks that windows of `seqLen` tokens and their targets can be drawn from a source at all.
 *
 * @throws {UserError} If the source is too short for one window and its targets; or, if it is made of examples, one is
 *   too long.
 */
export function requireWindow(source: TokenSource, seqLen: number): void {
  if (source.examples) return requireExamples(source, source.examples, seqLen);
  if (source.length < seqLen + 1) {
    throw new UserError(
      say`Cannot draw windows from ${source.name}: got ${source.length} tokens, must be at least ${
        seqLen + 1
      } (context length + 1). Use more text or a smaller ${option("contextLength")}`,
    );
  }
}

/** The most ids that are checked before training: it takes a fraction of a second, however large the file. */
const CHECK_TOKENS = 1 << 24;

/** How many ids are read at a time. */
const STRETCH_TOKENS = 1 << 16;

/**
 * Checks a source before training: all of it, or, if it is long, samples from its start to its end, which is enough to
 * find ids of another tokenizer. Batches are checked again as they are drawn, so a stray id is found when it comes up.
 *
 * @throws {UserError} If an id is not below `vocabSize`, because kernels do not check.
 */
export async function requireVocabulary(source: TokenSource, vocabSize: number): Promise<void> {
  const last = Math.max(0, source.length - STRETCH_TOKENS);
  const all = Math.ceil(last / STRETCH_TOKENS);
  const stretches = Math.min(all, CHECK_TOKENS / STRETCH_TOKENS - 1);
  for (let i = 0; i <= stretches; i++) {
    // The last one ends with the source. If everything is read, each begins no later than the one before ends.
    const start = i === stretches ? last : Math.floor(i * (all / stretches)) * STRETCH_TOKENS;
    const ids = await source.read(start, Math.min(start + STRETCH_TOKENS, source.length));
    requireBelow(ids, vocabSize, source.name, start);
  }
}

/**
 * Draws a batch of windows at random places, with replacement. The places depend only on `seed` and `step`, so a
 * resumed run, or one that skips steps, sees the same batches. Of a source that is made of examples, it takes whole ones,
 * each once before any comes again.
 */
export async function randomBatch(
  source: TokenSource,
  shape: BatchShape,
  seed: number,
  step: number,
): Promise<Batch> {
  requireWindow(source, shape.seqLen);
  if (source.examples) return await shuffledExamples(source, source.examples, shape, seed, step);
  const random = new Philox(seed, RANDOM_STREAM_BATCHES);
  const places = source.length - shape.seqLen;
  const offsets = Array.from({ length: shape.batchSize }, (_, i) => {
    return Math.floor(random.uniform(step * shape.batchSize + i) * places);
  });
  return await readWindows(source, shape, offsets);
}

/** How many batches `fixedBatches` yields. */
export function countFixedBatches(
  { length, examples }: Pick<TokenSource, "length" | "examples">,
  { seqLen, batchSize }: Pick<BatchShape, "seqLen" | "batchSize">,
  maxBatches: number,
): number {
  if (examples) return Math.min(maxBatches, Math.ceil((examples.starts.length - 1) / batchSize));
  // Windows that do not overlap, rounded up to whole batches. A short source is covered completely, some of it twice.
  return Math.min(maxBatches, Math.ceil((length - seqLen) / seqLen / batchSize));
}

/**
 * Up to `maxBatches` batches of windows, spread evenly over the source: the same every time, for validation.
 */
export async function* fixedBatches(
  source: TokenSource,
  shape: BatchShape,
  maxBatches: number,
): AsyncGenerator<Batch> {
  requireWindow(source, shape.seqLen);
  if (source.examples) {
    yield* spreadExamples(source, source.examples, shape, countFixedBatches(source, shape, maxBatches));
    return;
  }
  const places = source.length - shape.seqLen;
  const batches = countFixedBatches(source, shape, maxBatches);
  const windows = batches * shape.batchSize;
  for (let b = 0; b < batches; b++) {
    const offsets = Array.from(
      { length: shape.batchSize },
      (_, i) => Math.floor((b * shape.batchSize + i) * places / windows),
    );
    yield await readWindows(source, shape, offsets);
  }
}

/** The random stream for batches; initialisation and sampling have their own. */
const RANDOM_STREAM_BATCHES = 1;

async function readWindows(
  source: TokenSource,
  { seqLen, vocabSize }: BatchShape,
  offsets: readonly number[],
): Promise<Batch> {
  const ids = new Uint32Array(offsets.length * seqLen);
  const targets = new Uint32Array(offsets.length * seqLen);
  for (const [row, offset] of offsets.entries()) {
    const window = await source.read(offset, offset + seqLen + 1);
    requireBelow(window, vocabSize, source.name, offset);
    ids.set(window.subarray(0, seqLen), row * seqLen);
    targets.set(window.subarray(1), row * seqLen);
  }
  return { ids, targets };
}
