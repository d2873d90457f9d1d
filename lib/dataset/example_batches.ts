// Batches of examples: each is a row of its own, filled up at its end, where no token before it sees the filling.
import { option, say, UserError } from "../errors.ts";
import { Philox } from "../random/philox.ts";
import type { Batch, BatchShape } from "./batches.ts";
import { requireBelow } from "./require_below.ts";
import type { Examples, TokenSource } from "./token_source.ts";

/** The random stream for the order of examples. */
const RANDOM_STREAM_EXAMPLES = 4;

/** How many examples there are. */
export function countExamples({ starts }: Examples): number {
  return Math.max(0, starts.length - 1);
}

/** Tokens in the longest example. */
export function longestExample({ starts }: Examples): number {
  let longest = 0;
  for (let i = 1; i < starts.length; i++) longest = Math.max(longest, starts[i] - starts[i - 1]);
  return longest;
}

/** The kernels' own multiple: rows of other lengths take as long as those of the next. */
const ROW_MULTIPLE = 16;

/** Tokens per row for examples: as many as the longest needs, and no more than the context has. */
export function exampleRowLength(examples: Examples, contextLength: number): number {
  // The last token is only a target.
  return Math.min(contextLength, Math.ceil((longestExample(examples) - 1) / ROW_MULTIPLE) * ROW_MULTIPLE);
}

/**
 * Checks that each example fits into a row: its last token is only a target.
 * @throws {UserError} If there are none, or one is too long.
 */
export function requireExamples({ name }: Pick<TokenSource, "name">, examples: Examples, seqLen: number): void {
  if (countExamples(examples) === 0) {
    throw new UserError(`Cannot train on ${name}: got no examples, must be one or more`);
  }
  const longest = longestExample(examples);
  if (longest <= seqLen + 1) return;
  throw new UserError(
    say`Cannot use ${name}: got an example of ${longest} tokens, must be at most ${seqLen + 1} (${
      option("seqLen")
    } + 1). Split it, or leave it out`,
  );
}

/**
 * A step's examples. All are taken, in an order drawn anew, before any is taken again; the order depends only on `seed`.
 */
export async function shuffledExamples(
  source: TokenSource,
  examples: Examples,
  shape: BatchShape,
  seed: number,
  step: number,
): Promise<Batch> {
  const count = countExamples(examples);
  const chosen = Array.from({ length: shape.batchSize }, (_, i) => {
    const place = step * shape.batchSize + i;
    const epoch = Math.floor(place / count);
    return orderOf(examples, seed, epoch)[place % count];
  });
  return await readExamples(source, examples, shape, chosen);
}

/**
 * Up to `batches` batches of examples, spread evenly over the source, none twice: rows that are left over are empty.
 */
export async function* spreadExamples(
  source: TokenSource,
  examples: Examples,
  shape: BatchShape,
  batches: number,
): AsyncGenerator<Batch> {
  const count = countExamples(examples);
  const rows = Math.min(count, batches * shape.batchSize);
  for (let b = 0; b < batches; b++) {
    const first = b * shape.batchSize;
    const length = Math.min(shape.batchSize, rows - first);
    const chosen = Array.from({ length }, (_, i) => Math.floor((first + i) * count / rows));
    yield await readExamples(source, examples, shape, chosen);
  }
}

/** The order that was asked for last, since each step asks for the same one many times. */
const ORDERS = new WeakMap<Examples, { readonly seed: number; readonly epoch: number; readonly order: Uint32Array }>();

function orderOf(examples: Examples, seed: number, epoch: number): Uint32Array {
  const known = ORDERS.get(examples);
  if (known?.seed === seed && known.epoch === epoch) return known.order;
  const order = shuffled(countExamples(examples), seed, epoch);
  ORDERS.set(examples, { seed, epoch, order });
  return order;
}

/** A permutation of the numbers below `count`, by Fisher and Yates. */
function shuffled(count: number, seed: number, epoch: number): Uint32Array {
  const random = new Philox(seed, RANDOM_STREAM_EXAMPLES);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random.uniform(epoch * count + i) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Each in a row; what no example fills has id 0 and counts for nothing. */
async function readExamples(
  source: TokenSource,
  { starts, counted }: Examples,
  { batchSize, seqLen, vocabSize }: BatchShape,
  chosen: readonly number[],
): Promise<Batch> {
  const ids = new Uint32Array(batchSize * seqLen);
  const targets = new Uint32Array(batchSize * seqLen);
  const weights = new Float32Array(batchSize * seqLen);
  for (const [row, example] of chosen.entries()) {
    const [start, end] = [starts[example], starts[example + 1]];
    const tokens = await source.read(start, end);
    requireBelow(tokens, vocabSize, source.name, start);
    ids.set(tokens.subarray(0, -1), row * seqLen);
    targets.set(tokens.subarray(1), row * seqLen);
    weights.set(counted.subarray(start + 1, end), row * seqLen);
  }
  return { ids, targets, weights };
}
