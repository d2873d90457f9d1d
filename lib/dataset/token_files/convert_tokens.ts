// Writes the ids of one token file to another, in another format.
import { option, say, UserError } from "../../errors.ts";
import { exists } from "../../io/exists.ts";
import type { PublishOptions } from "../../io/pending_file.ts";
import { removeIfPresent } from "../../io/remove_if_present.ts";
import { PathExistsError } from "../../io/rename_to_new.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { NpyWriter } from "../npy_file.ts";
import { type TokenArray, type TokenDtype, tokenDtype } from "../npy_format.ts";
import { provenancePath, type TokenProvenance, writeProvenance } from "../provenance.ts";
import { identifyTokenizer, requireTokenizerOf } from "../tokenizer_id.ts";
import { llmcHeader, MAX_LLMC_IDS } from "./llmc_header.ts";
import { RAW_FORMATS } from "./open_token_file.ts";
import { RawTokenWriter } from "./raw_tokens.ts";
import type { TokenStream } from "./token_stream.ts";

/** Formats that can be written. */
export const TOKEN_FORMATS: readonly TokenFormat[] = ["npy", "nanogpt", "llmc", "uint32"];

/** A format that can be written: NumPy's, nanoGPT's raw uint16, llm.c's, or raw uint32. */
export type TokenFormat = "npy" | "nanogpt" | "llmc" | "uint32";

/** Options for converting token files. */
export interface ConvertTokensOptions extends PublishOptions {
  /** The tokenizer that the ids belong to: each must be one of its tokens. It is recorded beside the new file. */
  readonly tokenizer?: Tokenizer;
  /** The tokenizer's name, a path. */
  readonly tokenizerName?: string;
  /** Stops, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called with the number of ids that were read; each is read twice, first to check them. */
  readonly onProgress?: (ids: number) => void;
}

/** What was written. */
export interface ConvertedTokens {
  /** Number of ids. */
  readonly tokens: number;
  /** The type that they are stored in. */
  readonly dtype: TokenDtype;
}

/**
 * Writes the ids of `from` to `path`, which appears when it is complete, and where they come from beside it, as far as that
 * is known. .npy and llm.c's files have uint16 if every id of the tokenizer fits, or, if none is known, every id there is.
 *
 * @throws {UserError} If there are no ids, one is not the tokenizer's, or the format cannot hold one or so many.
 * @throws {PathExistsError} If one of the two files exists and must not be replaced.
 */
export async function convertTokens(
  from: TokenStream,
  path: string,
  format: TokenFormat,
  options: ConvertTokensOptions = {},
): Promise<ConvertedTokens> {
  const { tokenizer, tokenizerName, replace = true } = options;
  if (!replace && await exists(provenancePath(path))) throw new PathExistsError(provenancePath(path));
  const id = tokenizer && identifyTokenizer(tokenizer, tokenizerName);
  if (id !== undefined) requireTokenizerOf(from, id);
  const largest = await checkIds(from, tokenizer, options);
  const vocabSize = id?.vocabSize ?? from.provenance?.tokenizer.vocabSize ?? largest + 1;
  const dtype = dtypeFor(from, format, Math.max(vocabSize, largest + 1), largest);
  const writer = await writerFor(path, format, dtype, options);
  let read = from.length;
  try {
    for await (const ids of from.pieces()) {
      options.signal?.throwIfAborted();
      await writer.write(ids);
      options.onProgress?.(read += ids.length);
    }
    // If killed between two renames, the new ids must not be left beside the record of the old ones.
    if (replace) await removeIfPresent(provenancePath(path));
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  const provenance: TokenProvenance | undefined = from.provenance ?? (id && { tokenizer: id });
  if (provenance !== undefined) await writeProvenance(path, provenance, { replace });
  return { tokens: from.length, dtype };
}

/** Reads all ids, and returns the largest. */
async function checkIds(
  from: TokenStream,
  tokenizer: Tokenizer | undefined,
  { signal, onProgress }: ConvertTokensOptions,
): Promise<number> {
  let largest = -1, position = 0;
  const isToken = tokenizer &&
    Uint8Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.hasToken(id) ? 1 : 0);
  for await (const ids of from.pieces()) {
    signal?.throwIfAborted();
    for (const id of ids) if (id > largest) largest = id;
    const wrong = isToken === undefined ? -1 : (ids as Uint32Array).findIndex((id) => isToken[id] !== 1);
    if (wrong >= 0) {
      throw new UserError(
        say`Cannot convert ${from.name}: got id ${ids[wrong]} at position ${
          position + wrong
        }, must be one of the tokenizer's ${isToken!.length} tokens. Name the ${
          option("tokenizer")
        } that it was encoded with, and how its ids are stored if it has no header`,
      );
    }
    position += ids.length;
    onProgress?.(position);
  }
  if (position > 0) return largest;
  throw new UserError(`Cannot convert ${from.name}: got no token ids, must be some. Check how it was made`);
}

function dtypeFor(from: TokenStream, format: TokenFormat, vocabSize: number, largest: number): TokenDtype {
  if (format === "llmc" && from.length > MAX_LLMC_IDS) {
    throw new UserError(
      say`Cannot convert ${from.name}: got ${from.length} ids, must be at most ${MAX_LLMC_IDS} in a file of llm.c. Write shards, or another ${
        option("format")
      }`,
    );
  }
  const dtype = format === "nanogpt" || format === "uint32" ? RAW_FORMATS[format] : tokenDtype(vocabSize);
  if (dtype === "uint32" || largest <= 0xffff) return dtype;
  throw new UserError(
    say`Cannot convert ${from.name}: got id ${largest}, must be at most 65535 for ${option("format", format)}. Use ${
      option("format", "uint32")
    } or another`,
  );
}

interface Writer {
  write(ids: TokenArray): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

async function writerFor(
  path: string,
  format: TokenFormat,
  dtype: TokenDtype,
  options: PublishOptions,
): Promise<Writer> {
  if (format === "npy") return await NpyWriter.create(path, dtype, options);
  const header = format === "llmc" ? (length: number) => llmcHeader(dtype, length) : undefined;
  return await RawTokenWriter.create(path, dtype, options, header);
}
