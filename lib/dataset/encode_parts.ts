// Inputs, or parts of them, as one stream of token ids, with an account of how far it is.
import type { PublishOptions } from "../io/pending_file.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Encoded, encodeFiles } from "./encode_files.ts";
import { encodeTexts, type EncodeTextsOptions } from "./encode_texts.ts";
import { NpyWriter } from "./npy_file.ts";
import { tokenDtype } from "./npy_format.ts";
import { isPlainFile, type TextInput, textSourceOf } from "./text_inputs.ts";

/** A stretch of an input: `[start, end)` in bytes as stored. `end` is the input's size where it goes on to its end. */
export interface InputPart {
  readonly input: TextInput;
  readonly start: number;
  readonly end: number | null;
}

/** How far an encoding is. */
export interface EncodeProgress {
  /** Bytes read, as stored: of packed files, packed. */
  readonly storedBytes: number;
  /** Bytes of text. */
  readonly bytes: number;
  readonly tokens: number;
}

/** How parts are encoded. */
export interface EncodePartsOptions extends Omit<EncodeTextsOptions, "onEncoded">, PublishOptions {
  /** Field of JSON Lines objects with the text. Default: `text`. */
  readonly field?: string;
  /** What the input `-` stands for. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly onProgress?: (done: EncodeProgress) => void;
}

/** The parts that are the inputs as a whole. */
export function wholeInputs(inputs: readonly TextInput[]): InputPart[] {
  return inputs.map((input) => ({ input, start: 0, end: input.bytes }));
}

/**
 * The ids of parts, one after the other, in pieces. Each input is a text of its own.
 *
 * @param before What was done before, for the account.
 * @returns What is done in the end.
 */
export async function* encodeParts(
  tokenizer: Tokenizer,
  parts: readonly InputPart[],
  options: EncodePartsOptions = {},
  before: EncodeProgress = { storedBytes: 0, bytes: 0, tokens: 0 },
): AsyncGenerator<Uint32Array, EncodeProgress> {
  let { storedBytes, bytes, tokens } = before;
  const { field, stdin, separatorId, onProgress } = options;
  for (const { input, start, end } of parts) {
    const isWhole = start === 0 && end === input.bytes;
    const countsText = isPlainFile(input);
    const source = textSourceOf(input, {
      field,
      stdin,
      range: isWhole ? undefined : { start, end: end! },
      onRead: (count) => storedBytes += countsText ? 0 : count,
    });
    const ids = encodeTexts(tokenizer, source, {
      ...options,
      // A text that goes on in another part does not end here.
      separatorId: end === input.bytes || input.isJsonLines ? separatorId : undefined,
      onEncoded: (count) => {
        bytes += count;
        if (countsText) storedBytes += count;
      },
    });
    for await (const piece of ids) {
      tokens += piece.length;
      yield piece;
      onProgress?.({ storedBytes, bytes, tokens });
    }
  }
  return { storedBytes, bytes, tokens };
}

/**
 * Encodes parts into the .npy file `path`, which appears when it is complete: uint16 if every id of the tokenizer fits,
 * else uint32. Options and result as of {@linkcode encodeParts}. Plain files are encoded on several threads.
 */
export async function encodePartsToNpy(
  tokenizer: Tokenizer,
  parts: readonly InputPart[],
  path: string,
  options: EncodePartsOptions = {},
  before?: EncodeProgress,
): Promise<EncodeProgress> {
  const ranges = parts.flatMap(({ input, start, end }) =>
    isPlainFile(input) && end !== null ? [{ path: input.path, start, end, endsText: end === input.bytes }] : []
  );
  if (ranges.length === parts.length) {
    const { storedBytes = 0, bytes = 0, tokens = 0 } = before ?? {};
    const since = (done: Encoded): EncodeProgress => ({
      storedBytes: storedBytes + done.bytes,
      bytes: bytes + done.bytes,
      tokens: tokens + done.tokens,
    });
    const { onProgress } = options;
    return since(
      await encodeFiles(tokenizer, ranges, path, { ...options, onProgress: (done) => onProgress?.(since(done)) }),
    );
  }
  const writer = await NpyWriter.create(path, tokenDtype(tokenizer.vocabSize), options);
  try {
    const pieces = encodeParts(tokenizer, parts, options, before);
    for (;;) {
      const { done, value } = await pieces.next();
      if (done) {
        await writer.close();
        return value;
      }
      await writer.write(value);
    }
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
