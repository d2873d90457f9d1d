// A text file becomes a file of token ids.
import { textPieces } from "../tokenizer/text_source.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { NpyWriter } from "./npy_file.ts";
import { tokenDtype } from "./npy_format.ts";

/** What was encoded. */
export interface EncodedFile {
  /** Size of the text. */
  readonly bytes: number;
  /** Number of ids. */
  readonly tokens: number;
}

/**
 * Encodes the text file `input` into the .npy file `output`: uint16 if every id of the tokenizer fits, else uint32. An
 * existing `output` is replaced, once the new one is complete.
 *
 * @param options.onProgress Called with the bytes and tokens done so far.
 */
export async function encodeFile(
  tokenizer: Tokenizer,
  input: string,
  output: string,
  options: { readonly onProgress?: (done: EncodedFile) => void } = {},
): Promise<EncodedFile> {
  const writer = await NpyWriter.create(output, tokenDtype(tokenizer.vocabSize));
  try {
    const encoding = tokenizer.newEncoding();
    let bytes = 0;
    for await (const piece of textPieces({ path: input })) {
      bytes += piece.length;
      await writer.write(encoding.push(piece));
      options.onProgress?.({ bytes, tokens: writer.length });
    }
    await writer.write(encoding.flush());
    await writer.close();
    return { bytes, tokens: writer.length };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
