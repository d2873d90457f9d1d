// Encodes inputs, or parts of them, as one stream of token ids, and reports progress.
import type { PublishOptions } from "../../io/pending_file.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { requireUnchanged, stampFiles } from "../../io/file_stamp.ts";
import { fingerprintParts } from "../../io/fingerprint.ts";
import { exists } from "../../io/exists.ts";
import { PathExistsError } from "../../io/rename_to_new.ts";
import { removeIfPresent } from "../../io/remove_if_present.ts";
import { VERSION } from "../../version.ts";
import { type Encoded, encodeFiles } from "./encode_files.ts";
import { UserError } from "../../errors.ts";
import { LongStretchError } from "../../tokenizer/pretokenize/long_stretch.ts";
import { encodeTexts, type EncodeTextsOptions } from "./encode_texts.ts";
import { NpyWriter } from "../../dataset/npy_file.ts";
import { tokenDtype } from "../../dataset/npy_format.ts";
import { provenancePath, type TokenProvenance, writeProvenance } from "../../dataset/provenance.ts";
import { hasFields, isPlainFile, nameOf, STDIN, type TextInput, textSourceOf } from "../text_inputs.ts";
import { identifyTokenizer } from "../../dataset/tokenizer_id.ts";

/** A range of an input: bytes `[start, end)` as stored. `end` is the input's size if the range reaches to its end. */
export interface InputPart {
  /** The file, or `-`. */
  readonly input: TextInput;
  /** The first byte. */
  readonly start: number;
  /** The byte after the last one; `undefined` if unknown, as for a stream or a compressed file. */
  readonly end: number | undefined;
}

/** The progress of an encoding. */
export interface EncodeProgress {
  /** Bytes read, as stored: compressed, for compressed files. */
  readonly storedBytes: number;
  /** Bytes of text. */
  readonly bytes: number;
  /** Ids made so far. */
  readonly tokens: number;
}

/** Options for `encodeParts`. */
export interface EncodePartsOptions extends Omit<EncodeTextsOptions, "onEncoded">, PublishOptions {
  /** Field of JSON Lines objects with the text. Default: `text`. */
  readonly field?: string;
  /** What to read for the input `-`. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** The tokenizer's name, a path: it is recorded beside the ids. */
  readonly tokenizerName?: string;
  /** Whether there may be no text at all. Default: no. */
  readonly mayBeEmpty?: boolean;
  /** Called with what is unusual about a stream, or about texts in JSON Lines; they are encoded anyway. */
  readonly onWarning?: (message: string) => void;
  /** Called with the totals so far. */
  readonly onProgress?: (done: EncodeProgress) => void;
}

/** The parts that cover whole inputs. */
export function wholeInputs(inputs: readonly TextInput[]): InputPart[] {
  return inputs.map((input) => ({ input, start: 0, end: input.bytes }));
}

/**
 * The ids of parts, one after the other, in pieces. Each input is a separate text.
 *
 * @param before The progress before this call.
 * @returns The progress at the end.
 * @throws {UserError} If an input's length is not as it was listed, or somebody writes to it meanwhile.
 * @throws {RangeError} If the separator is not an id of the tokenizer.
 * @throws {UserError} If there was no text in any part, unless `mayBeEmpty`.
 */
export async function* encodeParts(
  tokenizer: Tokenizer,
  parts: readonly InputPart[],
  options: EncodePartsOptions = {},
  before: EncodeProgress = { storedBytes: 0, bytes: 0, tokens: 0 },
): AsyncGenerator<Uint32Array, EncodeProgress> {
  let { storedBytes, bytes, tokens } = before;
  const { field, stdin, signal, separatorId, onWarning, onProgress } = options;
  requireIds(tokenizer, options);
  const stamps = stampInputs(parts);
  for (const { input, start, end } of parts) {
    const isWhole = start === 0 && end === input.bytes;
    const countsText = isPlainFile(input);
    const source = textSourceOf(input, {
      field,
      stdin,
      signal,
      onWarning,
      range: isWhole ? undefined : { start, end: end! },
      onRead: (count) => storedBytes += countsText ? 0 : count,
    });
    const ids = encodeTexts(tokenizer, source, {
      ...options,
      // A text that continues in another part does not end here.
      separatorId: end === input.bytes || hasFields(input) ? separatorId : undefined,
      isPart: { continues: start > 0, ends: end === input.bytes },
      onEncoded: (count) => {
        bytes += count;
        if (countsText) storedBytes += count;
      },
    });
    try {
      for await (const piece of ids) {
        tokens += piece.length;
        yield piece;
        onProgress?.({ storedBytes, bytes, tokens });
      }
    } catch (error) {
      throw error instanceof LongStretchError ? error.within(isWhole ? 0 : start, nameOf(input)) : error;
    }
  }
  requireUnchanged(stamps);
  if (bytes === before.bytes && parts.length > 0 && !options.mayBeEmpty) {
    const names = parts.slice(0, 3).map(({ input }) => nameOf(input)).join(", ");
    throw new UserError(`Cannot encode ${names}: there is no text in any of them. Check how they were made`);
  }
  return { storedBytes, bytes, tokens };
}

/**
 * Encodes parts into the .npy file `path`, which appears when it is complete: uint16 if every id of the tokenizer fits,
 * else uint32. `path.provenance.json` beside it records where the ids come from. Options, result and errors are those
 * of {@linkcode encodeParts}. Plain files are encoded on several threads.
 *
 * @throws {PathExistsError} If one of the two files exists and must not be replaced.
 */
export async function encodePartsToNpy(
  tokenizer: Tokenizer,
  parts: readonly InputPart[],
  path: string,
  options: EncodePartsOptions = {},
  before: EncodeProgress = { storedBytes: 0, bytes: 0, tokens: 0 },
): Promise<EncodeProgress> {
  requireIds(tokenizer, options);
  stampInputs(parts);
  const provenance = await provenanceOf(tokenizer, parts, options);
  const { replace = true } = options;
  if (!replace && await exists(provenancePath(path))) throw new PathExistsError(provenancePath(path));
  // If killed between two renames, the new ids must not be left beside the record of the old ones.
  const onWritten = async () => {
    if (replace) await removeIfPresent(provenancePath(path));
  };
  const done = await encodeInto(tokenizer, parts, path, { ...options, onWritten }, before);
  const text = { ...provenance.text!, bytes: done.bytes - before.bytes };
  await writeProvenance(path, { ...provenance, text }, { replace });
  return done;
}

/** The provenance of the ids of some parts, except for the number of bytes of text, which is not known yet. */
export async function provenanceOf(
  tokenizer: Tokenizer,
  parts: readonly InputPart[],
  { specials = "special", documentSeparator, separatorId, addSpecial, field = "text", tokenizerName }:
    EncodePartsOptions,
): Promise<TokenProvenance> {
  const paths = [...new Set(parts.map(({ input }) => input.path))];
  const stored = parts.flatMap(({ input: { path }, start, end }) => end === undefined ? [] : [{ path, start, end }]);
  return {
    tokenizer: identifyTokenizer(tokenizer, tokenizerName),
    text: {
      inputs: paths.length,
      paths: paths.slice(0, MAX_PATHS),
      bytes: null,
      fingerprint: stored.length === parts.length ? await fingerprintParts(stored) : null,
    },
    specials,
    ...(documentSeparator && { documentSeparator: { text: documentSeparator.text, id: documentSeparator.id } }),
    separatorId: separatorId ?? null,
    ...(addSpecial === true && { addSpecial }),
    field: parts.some(({ input }) => hasFields(input)) ? field : null,
    date: new Date().toISOString(),
    bytelm: VERSION,
  };
}

/** How many paths are recorded, if there are many. */
const MAX_PATHS = 16;

async function encodeInto(
  tokenizer: Tokenizer,
  parts: readonly InputPart[],
  path: string,
  options: EncodePartsOptions & { readonly onWritten: () => Promise<void> },
  before: EncodeProgress,
): Promise<EncodeProgress> {
  const ranges = parts.flatMap(({ input, start, end }) =>
    isPlainFile(input) && end !== undefined ? [{ path: input.path, start, end, endsText: end === input.bytes }] : []
  );
  if (ranges.length === parts.length) {
    const since = (done: Encoded): EncodeProgress => ({
      storedBytes: before.storedBytes + done.bytes,
      bytes: before.bytes + done.bytes,
      tokens: before.tokens + done.tokens,
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
        await options.onWritten();
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

/** Notes the state of the inputs' files. */
function stampInputs(parts: readonly InputPart[]) {
  return stampFiles(parts.flatMap(({ input }) => input.path === STDIN ? [] : [input]));
}

function requireIds(tokenizer: Tokenizer, { separatorId, documentSeparator }: EncodePartsOptions): void {
  for (const [id, aim] of [[separatorId, "after"], [documentSeparator?.id, "in"]] as const) {
    if (id === undefined || tokenizer.hasToken(id)) continue;
    throw new RangeError(
      `Cannot put a separator ${aim} each text: got id ${id}, must be one of the tokenizer's (below ${tokenizer.vocabSize})`,
    );
  }
}
