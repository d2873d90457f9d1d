// Reads the text of a tokenizer's file, and finds out what kind of file it is.
import { UserError } from "../../errors.ts";

/** Files are read as a whole; the largest published ones have 30 MB. */
export const MAX_BYTES: number = 1 << 27;

/** Refuses a tokenizer file that cannot be used. */
export function refuseFile(path: string, got: string, mustBe: string, nextStep: string): never {
  throw new UserError(`Cannot read ${path}: got ${got}, must be ${mustBe}. ${nextStep}`);
}

/**
 * The text of a tokenizer's file, without a byte order mark.
 *
 * @throws {UserError} If bytelm does not read this kind of file, or the file is too large or not UTF-8.
 */
export async function readTokenizerText(path: string): Promise<string> {
  const { size } = await Deno.stat(path);
  if (size > MAX_BYTES) refuseFile(path, `a file of ${size} bytes`, `at most ${MAX_BYTES}`, NEXT_STEP);
  return decodeTokenizerText(await Deno.readFile(path), path);
}

/**
 * The text that a tokenizer's file holds, without a byte order mark.
 *
 * @param name The file's name, for messages.
 * @throws {UserError} If it is not UTF-8.
 */
export function decodeTokenizerText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  return refuseFile(name, kindOfBinary(bytes), "UTF-8 text: tokenizer.json, vocab.json or ranks", NEXT_STEP);
}

const NEXT_STEP = "Name a tokenizer.json; where a model comes without one, Hugging Face's transformers writes it";

function kindOfBinary(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0x47 && second === 0x47) return "a GGUF file";
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return "UTF-16 text";
  // Field 1 with a length: the first piece of a SentencePiece model.
  if (first === 0x0a) return "a SentencePiece model";
  return "a binary file";
}

/** Refuses text that is not a tokenizer file of any kind. */
export function refuseText(path: string, text: string): never {
  const got = text.startsWith("#version")
    ? "a list of merges alone"
    : text.startsWith("\n")
    ? "a SentencePiece model"
    : "text of another kind";
  return refuseFile(path, got, "a tokenizer.json, or tiktoken's ranks", "Name a tokenizer.json, or the directory");
}
