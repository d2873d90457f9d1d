// Decides which bytes of which inputs make up each shard.
import { UserError } from "../../errors.ts";
import { requireUnchanged, stampFiles } from "../../io/file_stamp.ts";
import { PositionedFile } from "../../io/positioned_file.ts";
import { LongStretchError, MAX_STRETCH_BYTES } from "../../tokenizer/pretokenize/long_stretch.ts";
import { lastSafeCut } from "../../tokenizer/pretokenize/safe_cut.ts";
import type { SpecialTokens } from "../../tokenizer/pretokenize/special_tokens.ts";
import type { InputPart } from "./encode_parts.ts";
import { MAX_LINE_BYTES } from "../json_lines.ts";
import { MAX_SHARDS } from "../../dataset/shard_index.ts";
import { isPlainFile, isStoredPlainly, STDIN, type TextInput } from "../text_inputs.ts";

/** The parts that make up one shard, in order. A compressed input is never cut. */
export type Shard = readonly (InputPart & { readonly end: number })[];

/** The number of shards, or `shardBytes`: the approximate size of the stored text in each. */
export type ShardSize = { readonly numShards: number } | { readonly shardBytes: number };

const FIRST_WINDOW_BYTES = 1 << 14;
/** Bytes before a cut that decide whether it is safe, beside those of special tokens: one character. */
const MAX_CHAR_BYTES = 4;

/**
 * Divides inputs into shards of similar size. The ids of the shards, one after the other, are those of the undivided
 * inputs: a plain file is cut only at safe cuts (see safe_cut.ts), a JSON Lines file after a line, a compressed file
 * nowhere. With the same inputs and size, the plan is the same on every machine.
 *
 * @param specials The special tokens that the text is encoded with.
 * @throws {UserError} If an input's size is not known beforehand or has changed, or if there would be too many shards.
 * @throws {RangeError} If the size or number of shards is not a positive whole number.
 */
export async function planShards(
  inputs: readonly TextInput[],
  size: ShardSize,
  specials: SpecialTokens,
): Promise<Shard[]> {
  const sizes = inputs.map(({ path, bytes }) => {
    if (bytes !== undefined) return bytes;
    const name = path === STDIN ? "standard input" : path;
    throw new UserError(
      `Cannot divide ${name} into shards: got a stream of unknown length, must be a file. Write it to a file first`,
    );
  });
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const numShards = numShardsOf(total, size);
  const stamps = stampFiles(inputs);
  // Positions in all inputs, laid end to end.
  const starts = [0];
  for (const bytes of sizes) starts.push(starts.at(-1)! + bytes);
  const cuts = [0];
  for (let shard = 1, i = 0; shard < numShards; shard++) {
    const target = Math.round(total * shard / numShards);
    while (i + 1 < inputs.length && starts[i + 1] <= target) i++;
    const cut = starts[i] + await cutFrom(inputs[i], target - starts[i], sizes[i], specials);
    cuts.push(Math.max(cut, cuts.at(-1)!));
  }
  cuts.push(total);
  requireUnchanged(stamps);
  const shards: Shard[] = [];
  for (let shard = 0, i = 0; shard < numShards; shard++) {
    const parts: Shard[number][] = [];
    // An input that continues in the next shard is considered again there.
    for (; i < inputs.length && starts[i] < cuts[shard + 1]; i++) {
      const start = Math.max(0, cuts[shard] - starts[i]);
      const end = Math.min(sizes[i], cuts[shard + 1] - starts[i]);
      if (start < end) parts.push({ input: inputs[i], start, end });
      if (starts[i + 1] > cuts[shard + 1]) break;
    }
    shards.push(parts);
  }
  // If a number of shards was asked for, it stays, even if some are empty.
  return "numShards" in size ? shards : shards.filter((parts) => parts.length > 0);
}

function numShardsOf(total: number, size: ShardSize): number {
  if ("numShards" in size) {
    const { numShards } = size;
    if (Number.isInteger(numShards) && numShards >= 1 && numShards <= MAX_SHARDS) return numShards;
    throw new RangeError(`Cannot make shards: got ${numShards}, must be a whole number from 1 to ${MAX_SHARDS}`);
  }
  const { shardBytes } = size;
  if (!(shardBytes > 0)) {
    throw new RangeError(`Cannot make shards: got a size of ${shardBytes} bytes, must be above 0`);
  }
  const numShards = Math.max(1, Math.ceil(total / shardBytes));
  if (numShards <= MAX_SHARDS) return numShards;
  throw new UserError(
    `Cannot divide ${total} bytes into shards of ${shardBytes}: got ${
      numShards.toLocaleString("en-US")
    } shards, must be at most ${MAX_SHARDS}. Choose a larger size`,
  );
}

/** A cut at `target` or soon after it, unless the file cannot be cut there. */
async function cutFrom(input: TextInput, target: number, size: number, specials: SpecialTokens): Promise<number> {
  if (target === 0) return 0;
  if (!isStoredPlainly(input)) return size;
  using file = await PositionedFile.open(input.path);
  const margin = specials.maxBytes + MAX_CHAR_BYTES;
  for (let window = FIRST_WINDOW_BYTES;; window *= 4) {
    const from = Math.max(0, target - margin);
    const bytes = new Uint8Array(Math.min(size, target + window) - from);
    file.readAt(from, bytes, size);
    const after = target - from - 1;
    const newline = isPlainFile(input) ? -1 : bytes.indexOf(0x0a, Math.max(0, after)) + 1;
    const cut = isPlainFile(input) ? lastSafeCut(bytes, 0, bytes.length, specials, after) : newline;
    if (cut > 0) return from + cut;
    if (isPlainFile(input) && window > MAX_STRETCH_BYTES) throw new LongStretchError(target, input.path);
    if (window > MAX_LINE_BYTES) {
      throw new UserError(
        `Cannot divide ${input.path} into shards: got more than ${MAX_LINE_BYTES} bytes from byte ${target} on without a line end, must be at most that many. Split its text into several lines`,
      );
    }
    if (from + bytes.length === size) return size;
  }
}
