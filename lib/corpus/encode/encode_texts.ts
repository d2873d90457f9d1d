// Encodes texts from any source as a stream of token ids.
import { LongStretchError } from "../../tokenizer/pretokenize/long_stretch.ts";
import type { Texts } from "../texts.ts";
import { textPieces, type TextSource } from "../text_source.ts";
import type { EncodeOptions, Tokenizer } from "../../tokenizer/tokenizer.ts";

/** Options for encoding texts. */
export interface EncodeTextsOptions extends EncodeOptions {
  /** The id to put after each text. */
  readonly separatorId?: number;
  /** Whether one text goes on from what is not given, and whether it goes on after it. Default: neither. */
  readonly isPart?: { readonly continues: boolean; readonly ends: boolean };
  /** Stops between two pieces of text, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called with the number of text bytes encoded since the last call. */
  readonly onEncoded?: (bytes: number) => void;
}

/** Ids of short texts are passed on when there are this many. */
const BATCH_IDS = 1 << 16;

/** The ids of one text, or of many one after the other, in pieces. Reads only as fast as it is read from. */
export async function* encodeTexts(
  tokenizer: Tokenizer,
  source: TextSource | Texts,
  options: EncodeTextsOptions = {},
): AsyncGenerator<Uint32Array> {
  const last = options.separatorId === undefined ? [] : [options.separatorId];
  if (typeof source === "object" && "texts" in source) yield* encodeMany(tokenizer, source, last, options);
  else yield* encodeOne(tokenizer, source, last, options);
}

async function* encodeOne(
  tokenizer: Tokenizer,
  source: TextSource,
  last: readonly number[],
  { signal, onEncoded, isPart, ...options }: EncodeTextsOptions,
): AsyncGenerator<Uint32Array> {
  const encoding = tokenizer.newEncoding(options, isPart?.ends);
  if (isPart?.continues) encoding.continueText();
  for await (const piece of textPieces(source)) {
    signal?.throwIfAborted();
    onEncoded?.(piece.length);
    const ids = encoding.push(piece);
    if (ids.length > 0) yield ids;
  }
  const ids = encoding.flush();
  if (ids.length > 0) yield ids;
  if (last.length > 0) yield Uint32Array.from(last);
}

async function* encodeMany(
  tokenizer: Tokenizer,
  { texts }: Texts,
  last: readonly number[],
  { signal, onEncoded, ...options }: EncodeTextsOptions,
): AsyncGenerator<Uint32Array> {
  const encoder = new TextEncoder();
  const batch = new Uint32Array(BATCH_IDS);
  let length = 0, numTexts = 0;
  const encode = (bytes: Uint8Array) => {
    try {
      return tokenizer.encode(bytes, options);
    } catch (error) {
      throw error instanceof LongStretchError ? error.within(0, `text ${numTexts}`) : error;
    }
  };
  for await (const text of texts) {
    signal?.throwIfAborted();
    numTexts++;
    const bytes = typeof text === "string" ? encoder.encode(text) : text;
    const ids = encode(bytes);
    onEncoded?.(bytes.length);
    if (length + ids.length + last.length > BATCH_IDS) {
      yield batch.slice(0, length);
      length = 0;
    }
    if (ids.length + last.length > BATCH_IDS) {
      yield ids;
      if (last.length > 0) yield Uint32Array.from(last);
      continue;
    }
    batch.set(ids, length);
    batch.set(last, length + ids.length);
    length += ids.length + last.length;
  }
  if (length > 0) yield batch.slice(0, length);
}
