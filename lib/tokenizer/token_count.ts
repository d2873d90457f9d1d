// Counts the ids of a text without keeping them, and encodes no more of it than needed.
import type { Encoder } from "./encode/encoder.ts";
import type { SpecialTokens } from "./pretokenize/special_tokens.ts";
import { encodingSplitter } from "./encode/text_encoding.ts";

/** How many bytes are encoded between two looks at the count. */
const PIECE_BYTES = 1 << 14;
/** How many units of a string give no more bytes than that: at most three each. */
const PIECE_UNITS = Math.floor(PIECE_BYTES / 3);

/**
 * The number of ids of a text, or `limit + 1` as soon as it turns out to have more than `limit`.
 *
 * @param numAround How many ids are put around it.
 * @throws {RangeError} If the limit is negative or NaN.
 */
export function countIds(
  encoder: Encoder,
  specials: SpecialTokens,
  text: string | Uint8Array,
  limit: number,
  numAround = 0,
): number {
  if (!(limit >= 0)) throw new RangeError(`Cannot count tokens: got limit ${limit}, must be 0 or more`);
  let count = numAround;
  const splitter = encodingSplitter(encoder, specials, (ids) => count += ids.length);
  for (const piece of piecesOf(text)) {
    splitter.push(piece);
    // Ids are counted when they are certain, so that the count never falls.
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
