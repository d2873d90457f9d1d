// Makes a tokenizer from data in memory, without files.
import { UserError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { spellBytes } from "./vocabulary/byte_level.ts";
import type { Pattern } from "./pretokenize/named_patterns.ts";
import { specialBytes, type SpecialToken } from "./pretokenize/special_tokens.ts";
import { buildVocabulary } from "./vocabulary/spelled_vocabulary.ts";
import { Tokenizer } from "./tokenizer.ts";

/** A pair of tokens that are merged: their bytes, or their spelling in files. */
export type MergePair = readonly [left: Uint8Array, right: Uint8Array] | readonly [left: string, right: string];

/** The parts of a tokenizer. */
export interface TokenizerParts {
  /**
   * The tokens: bytes by id, or ids by token, spelled as in a vocab.json in GPT-2's byte alphabet. Ids can have gaps.
   * Each of the 256 bytes must be a token.
   */
  readonly vocab: ReadonlyMap<number, Uint8Array> | Readonly<Record<string, number>>;
  /**
   * The merges, first merge first. A line of a merges.txt, such as `"Ġ t"`, is a pair too. Their results are in
   * `vocab`.
   */
  readonly merges: readonly (MergePair | string)[];
  /**
   * Texts that are found first and never merged. One that is in `vocab` has its id from there; the others get new ids,
   * from the first after the vocabulary's. Default: none.
   */
  readonly specialTokens?: readonly string[];
  /** The pattern that splits text into words. Default: `"gpt2"`. */
  readonly pattern?: Pattern;
}

/**
 * Makes a tokenizer from a vocabulary and merges in memory.
 *
 * @throws {UserError} If an id or a token occurs twice, a byte has no token, a string is not in the byte alphabet, or a
 *   merge names an unknown token. The message names the token.
 *
 * @example
 * ```ts
 * import { createTokenizer } from "./create_tokenizer.ts";
 *
 * const bytes = (text: string) => new TextEncoder().encode(text);
 * const vocab = new Map(Array.from({ length: 256 }, (_, byte) => [byte, Uint8Array.of(byte)]));
 * vocab.set(256, bytes("lo")).set(257, bytes("low"));
 * const merges = [[bytes("l"), bytes("o")], [bytes("lo"), bytes("w")]] as const;
 * const tokenizer = createTokenizer({ vocab, merges, specialTokens: ["<|endoftext|>"] });
 * console.log([...tokenizer.encode("low<|endoftext|>")]); // 257, 258
 * ```
 */
export function createTokenizer({ vocab, merges, specialTokens = [], pattern = "gpt2" }: TokenizerParts): Tokenizer {
  const spelled = vocab instanceof Map ? spell(vocab, specialTokens) : { ...vocab as Record<string, number> };
  let next = Object.values(spelled).reduce((most, id) => Math.max(most, id), -1) + 1;
  const specials: SpecialToken[] = specialTokens.map((text) => ({
    text,
    id: Object.hasOwn(spelled, text) ? spelled[text] : next++,
  }));
  const parts = { vocab: spelled, merges: merges.map(spellMerge), specials, pattern, ignoreMerges: false };
  return new Tokenizer(buildVocabulary(parts, "the vocabulary given"));
}

/** Ids by spelling. Special tokens are not in the byte alphabet. */
function spell(vocab: ReadonlyMap<number, Uint8Array>, specialTokens: readonly string[]): Record<string, number> {
  const textOf = new Map(specialTokens.map((text) => [spellBytes(specialBytes(text)), text]));
  // A null prototype, so that "__proto__" is a token like any other.
  const spelled: Record<string, number> = Object.create(null);
  for (const [id, bytes] of vocab) {
    const plain = spellBytes(bytes);
    const spelling = textOf.get(plain) ?? plain;
    if (Object.hasOwn(spelled, spelling)) {
      throw new UserError(
        `Cannot read the vocabulary given: got token ${excerpt(spelling)} with ids ${spelled[spelling]} and ${id}, ` +
          "must be given one id. Leave one of them out",
      );
    }
    spelled[spelling] = id;
  }
  return spelled;
}

function spellMerge(merge: MergePair | string): string | [string, string] {
  if (typeof merge === "string") return merge;
  const [left, right] = merge;
  return [typeof left === "string" ? left : spellBytes(left), typeof right === "string" ? right : spellBytes(right)];
}
