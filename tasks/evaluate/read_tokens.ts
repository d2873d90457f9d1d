// The text that evaluate measures a loss on, as token ids.
import { encodeParts, wholeInputs } from "../../lib/corpus/encode/encode_parts.ts";
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

/**
 * The ids of an input; the texts of JSON Lines one after the other.
 *
 * @throws {UserError} If it is not text, empty or too long.
 */
export async function readTokens(
  tokenizer: Tokenizer,
  input: TextInput,
  field: string | undefined,
  signal: AbortSignal,
): Promise<Uint32Array> {
  const pieces: Uint32Array[] = [];
  let length = 0;
  const stdin = Deno.stdin.readable;
  for await (const ids of encodeParts(tokenizer, wholeInputs([input]), { field, stdin, signal, onWarning: warn })) {
    length += ids.length;
    if (length > MAX_TOKENS) {
      throw new UserError(
        `Cannot read ${nameOf(input)}: got more than ${MAX_TOKENS} tokens, must be fewer. Use a part of it`,
      );
    }
    pieces.push(ids);
  }
  const all = new Uint32Array(length);
  let at = 0;
  for (const ids of pieces) {
    all.set(ids, at);
    at += ids.length;
  }
  return all;
}
