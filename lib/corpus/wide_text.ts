// UTF-16 as UTF-8.
import { UserError } from "../errors.ts";
import type { WideEncoding } from "./text_format.ts";

/**
 * Text in UTF-16 as the same text in UTF-8, without the byte order mark at its start.
 *
 * @throws {UserError} If it ends within a character, or has half a surrogate pair, naming about where.
 */
export async function* toUtf8(
  source: AsyncIterable<Uint8Array>,
  encoding: WideEncoding,
  name: string,
): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const encoder = new TextEncoder();
  let position = 0;
  const decode = (piece: Uint8Array, stream: boolean) => {
    try {
      return encoder.encode(decoder.decode(piece, { stream }));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new UserError(
        `Cannot read ${name}: got half a character near byte ${position}, must be whole characters of UTF-16. Write the text again`,
      );
    }
  };
  for await (const piece of source) {
    const text = decode(piece, true);
    position += piece.length;
    if (text.length > 0) yield text;
  }
  const rest = decode(new Uint8Array(0), false);
  if (rest.length > 0) yield rest;
}
