// How many ids a text has, without keeping them; no more of it is encoded than the answer needs.
import type { Encoder } from "./encode/encoder.ts";
import type { SpecialTokens } from "./pretokenize/special_tokens.ts";
import { encodingSplitter } from "./encode/text_encoding.ts";

/** Bytes that are encoded before the count is looked at. */
const PIECE_BYTES = 1 << 14;
/** Units of a string that give no more bytes than that: three each at most. */
const PIECE_UNITS = Math.floor(PIECE_BYTES / 3);

/**
 * The number of ids of a text, or `limit + 1` as soon as it is found to have more than `limit`.
 *
 * @throws {RangeError} If the limit is negative or NaN.
 */
export function countIds(
  encoder: Encoder,
  specials: SpecialTokens,
  text: string | Uint8Array,
  limit: number,
): number {
  if (!(limit >= 0)) throw new RangeError(`Cannot count tokens: got limit ${limit}, must be 0 or more`);
  let count = 0;
  const splitter = encodingSplitter(encoder, specials, (ids) => count += ids.length);
  for (const piece of piecesOf(text)) {
    splitter.push(piece);
    // Ids are counted once they are certain, so that the count never falls.
    if (count > limit) return limit + 1;
  }
  splitter.flush();
  return Math.min(count, limit + 1);
}

/** A text's bytes in pieces, each valid until the next; no character of a string is cut in two. */
function* piecesOf(text: string | Uint8Array): Generator<Uint8Array, void, void> {
  if (typeof text !== "string") {
    for (let at = 0; at < text.length; at += PIECE_BYTES) yield text.subarray(at, at + PIECE_BYTES);
    return;
  }
  const utf8 = new TextEncoder();
  const piece = new Uint8Array(PIECE_BYTES);
  for (let at = 0; at < text.length;) {
    // A pair of surrogates is one character.
    let end = Math.min(text.length, at + PIECE_UNITS);
    if (end < text.length && isPair(text, end - 1)) end--;
    const { written } = utf8.encodeInto(text.slice(at, end), piece);
    yield piece.subarray(0, written);
    at = end;
  }
}

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
}
