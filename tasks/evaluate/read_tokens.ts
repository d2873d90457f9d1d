// The text that evaluate measures a loss on, as token ids.
import { encodeParts, type EncodePartsOptions, wholeInputs } from "../../lib/corpus/encode/encode_parts.ts";
import { nameOf, STDIN, type TextInput } from "../../lib/corpus/text_inputs.ts";
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import { UserError } from "../cli/errors.ts";
import { type FieldFlags, fieldOptions, requireField } from "../cli/field_flag.ts";
import { requireInputFile } from "../cli/files.ts";
import { findInputs, warn } from "../cli/text_inputs.ts";

/** All ids are held in memory: 1 GiB of them at most. */
const MAX_TOKENS = 1 << 28;

/**
 * A file or standard input, to be read.
 *
 * @param flags How it is read if it holds many texts. With a field, stdin is JSON Lines.
 * @throws {UserError} If it is no file, not text or empty.
 */
export async function findText(path: string, flags: FieldFlags): Promise<TextInput> {
  if (path !== STDIN) await requireInputFile(path);
  const [input] = await findInputs([path], fieldOptions(flags));
  requireField(flags.field, [input]);
  return input;
}

/** How an input is read. */
export type ReadTokensOptions = Pick<EncodePartsOptions, "field" | "signal" | "separatorId" | "documentSeparator">;

/** An input's ids. */
export interface TokensOfText {
  readonly ids: Uint32Array;
  /** Bytes of text that all ids but the first stand for; a token that was put after a text stands for none. */
  readonly bytes: number;
}

/**
 * The ids of an input; the texts of JSON Lines one after the other.
 *
 * @throws {UserError} If it is not text, empty or too long.
 */
export async function readTokens(
  tokenizer: Tokenizer,
  input: TextInput,
  options: ReadTokensOptions,
): Promise<TokensOfText> {
  const pieces: Uint32Array[] = [];
  let length = 0;
  const encoding = encodeParts(tokenizer, wholeInputs([input]), {
    ...options,
    stdin: Deno.stdin.readable,
    onWarning: warn,
  });
  let next = await encoding.next();
  for (; !next.done; next = await encoding.next()) {
    length += next.value.length;
    if (length > MAX_TOKENS) {
      throw new UserError(
        `Cannot read ${nameOf(input)}: got more than ${MAX_TOKENS} tokens, must be fewer. Use part of it`,
      );
    }
    pieces.push(next.value);
  }
  const ids = new Uint32Array(length);
  let at = 0;
  for (const piece of pieces) {
    ids.set(piece, at);
    at += piece.length;
  }
  const bytes = options.separatorId === undefined && options.documentSeparator === undefined
    ? ids.subarray(1).reduce((sum, id) => sum + tokenizer.vocabulary.tokens.byteLength(id), 0)
    : next.value.bytes - bytesOf(tokenizer, ids[0], options);
  return { ids, bytes };
}

/** Bytes of the text that an id stands for. */
function bytesOf(tokenizer: Tokenizer, id: number, { documentSeparator }: ReadTokensOptions): number {
  if (id === documentSeparator?.id) return new TextEncoder().encode(documentSeparator.text).length;
  return tokenizer.vocabulary.tokens.byteLength(id);
}
