// The texts that the write-up measures on.
import { UserError } from "../cli/errors.ts";

/** A named text of one or several files. */
export interface Corpus {
  /** `story` or `web`. */
  readonly kind: string;
  readonly paths: readonly string[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What separates documents, as the course's files do it. */
export const END_OF_TEXT = "<|endoftext|>";

/** Bytes that are looked at together. */
export const PIECE_BYTES = 1 << 20;

/**
 * Reads a text whole; several files are joined as documents.
 * @throws {UserError} If it is not UTF-8.
 */
export async function readCorpus(kind: string, paths: readonly string[]): Promise<Corpus> {
  const separator = new TextEncoder().encode(END_OF_TEXT);
  let bytes = await Deno.readFile(paths[0]);
  for (const path of paths.slice(1)) {
    bytes = new Uint8Array(await new Blob([bytes, separator, await Deno.readFile(path)]).arrayBuffer());
  }
  // In pieces, so that no string as long as the text is made.
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      decoder.decode(bytes.subarray(at, at + PIECE_BYTES), { stream: true });
    }
    decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UserError(
      `Cannot use ${paths.join(", ")}: got bytes that are not UTF-8, must be UTF-8 text. Convert it first`,
    );
  }
  return { kind, paths, bytes };
}
