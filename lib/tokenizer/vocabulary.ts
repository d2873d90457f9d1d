// What a tokenizer knows: the tokens, how they were merged, and the special ones.
import { UserError } from "../errors.ts";
import { BYTE_OF_RANK } from "./byte_level.ts";
import type { PatternName } from "./patterns.ts";
import type { SpecialToken } from "./special_tokens.ts";
import { TokenBytes } from "./token_bytes.ts";

/** Number of byte values: each is a token of every vocabulary. */
export const NUM_BYTES = 256;

/** The data of a tokenizer. Ids may have gaps; every byte is a token. */
export interface Vocabulary {
  readonly pattern: PatternName;
  readonly tokens: TokenBytes;
  /** Three ids per merge, first merge first: left, right, and the token they become. */
  readonly merges: Uint32Array;
  readonly specials: readonly SpecialToken[];
}

/** Ids of specials and bytes in a vocabulary made by training: specials first, in the order given, then the 256 bytes. */
export function initialVocabulary(specialTexts: readonly string[]): { tokens: TokenBytes; specials: SpecialToken[] } {
  const tokens = new TokenBytes();
  const encoder = new TextEncoder();
  const specials = specialTexts.map((text, id) => ({ text, id }));
  for (const { text, id } of specials) {
    const bytes = encoder.encode(text);
    if (bytes.length < 2) {
      throw new UserError(
        `Cannot use special token ${
          JSON.stringify(text)
        }: got ${bytes.length} bytes, must be at least 2. Choose a longer one`,
      );
    }
    tokens.set(id, bytes);
  }
  BYTE_OF_RANK.forEach((byte, rank) => tokens.set(specials.length + rank, Uint8Array.of(byte)));
  return { tokens, specials };
}
