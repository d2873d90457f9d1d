// The data of a tokenizer: the tokens, how they are merged, and the special ones.
import { UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import { BYTE_OF_RANK, spellBytes, unspellBytes } from "./byte_level.ts";
import type { NormalizerStep } from "../normalize/normalizer_steps.ts";
import type { Pattern } from "../pretokenize/named_patterns.ts";
import type { AroundIds } from "./post_processor_json.ts";
import { specialBytes, type SpecialToken } from "../pretokenize/special_tokens.ts";
import { TokenBytes } from "../encode/token_bytes.ts";

/** The number of byte values. Each one is a token of every vocabulary. */
export const NUM_BYTES = 256;

/** The data of a tokenizer. Ids may have gaps; every byte is a token, unless it is named in `missingBytes`. */
export interface Vocabulary {
  /** How text is split into words before merging: the name of a pattern, or steps. */
  readonly pattern: Pattern;
  /** How text is changed before it is split. Default: not at all. */
  readonly normalizer?: readonly NormalizerStep[];
  /** The bytes of each token. */
  readonly tokens: TokenBytes;
  /** Three ids per merge, first merge first: left, right, and the token they become. No pair is there twice. */
  readonly merges: Uint32Array;
  /** Tokens that are found in the text first. They may be ordinary tokens too: bytes, or made by merges. */
  readonly specials: readonly SpecialToken[];
  /** Whether a pre-token that is a token stays that token, whatever the merges would make of it. Default: false. */
  readonly ignoreMerges?: boolean;
  /** Bytes that are no tokens: they are left out of text, or become the unknown token. Default: none. */
  readonly missingBytes?: readonly number[];
  /** What bytes become that are no tokens: each one, or all that follow one another. Default: they are left out. */
  readonly unknown?: { readonly token: string; readonly id: number; readonly isFused: boolean };
  /** Ids to put around each text, where that is asked for. Default: none. */
  readonly around?: AroundIds;
  /** Parts of the tokenizer.json that it was read from, by name, which change no id and are written again. */
  readonly kept?: Readonly<Record<string, unknown>>;
  /** What was beside the tokenizer's file. */
  readonly config?: TokenizerConfig;
  /** For tokens that are made of characters and not of bytes. */
  readonly sentencePieces?: SentencePieces;
}

/** What a SentencePiece model has beside tokens and merges. */
export interface SentencePieces {
  /** By byte: the token that stands for it, where a character is no token. */
  readonly byteIds: readonly number[];
  /** The tokens that are one character. */
  readonly characters: readonly number[];
  /** Whether decoding takes a space from the beginning of a text. */
  readonly stripsSpace: boolean;
  /** The parts of its tokenizer.json that say all this, as they were read. */
  readonly parts: Readonly<Record<string, unknown>>;
}

/** What is beside a tokenizer's file for transformers, which changes no id. */
export interface TokenizerConfig {
  /** The tokenizer_config.json. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The chat_template.jinja. */
  readonly chatTemplate?: string;
}

/**
 * Whether a special token is the token of a byte: files spell both alike, and so can give them only one id.
 *
 * @throws {UserError} If files spell a byte like this token although its text differs, so that no file could hold both.
 */
function isByteToken(specialText: string): boolean {
  const bytes = specialBytes(specialText);
  const spelled = unspellBytes(specialText);
  if (spelled?.length !== 1) return false;
  if (bytes.length === 1) return true;
  throw new UserError(
    `Cannot use special token ${excerpt(specialText)}: got what files write for the byte ${spelled[0]}, ` +
      `must be spelled like no byte. Choose a longer text`,
  );
}

/**
 * How many tokens there are before the first merge: the 256 bytes, and the special tokens that are none of them.
 *
 * @throws {UserError} As {@linkcode initialVocabulary} does.
 */
export function numInitialTokens(specialTexts: readonly string[]): number {
  return NUM_BYTES + specialTexts.filter((text) => !isByteToken(text)).length;
}

/**
 * Ids of special tokens and bytes in a vocabulary made by training: special tokens first, in the order given, then the
 * 256 bytes. A special token of one printable ASCII character has no id of its own: it is the token of that byte.
 *
 * @throws {UserError} If a special token is empty, is not well formed, or is what files write for another byte.
 */
export function initialVocabulary(specialTexts: readonly string[]): { tokens: TokenBytes; specials: SpecialToken[] } {
  const tokens = new TokenBytes();
  const ids = new Map<string, number>();
  for (const text of specialTexts) {
    if (isByteToken(text)) continue;
    tokens.set(ids.size, specialBytes(text));
    ids.set(text, ids.size);
  }
  const numSpecials = ids.size;
  BYTE_OF_RANK.forEach((byte, rank) => {
    const bytes = Uint8Array.of(byte);
    tokens.set(numSpecials + rank, bytes);
    if (!ids.has(spellBytes(bytes))) ids.set(spellBytes(bytes), numSpecials + rank);
  });
  return { tokens, specials: specialTexts.map((text) => ({ text, id: ids.get(text)! })) };
}

/** The id of each byte's token; -1 if there is none. A special token is a byte's only if nothing else is. */
export function byteIdsOf({ tokens, specials }: Pick<Vocabulary, "tokens" | "specials">): Int32Array {
  const isSpecial = new Set(specials.map(({ id }) => id));
  const ids = new Int32Array(NUM_BYTES).fill(-1);
  for (let id = 0; id < tokens.size; id++) {
    if (tokens.byteLength(id) !== 1) continue;
    const [byte] = tokens.get(id);
    if (ids[byte] < 0 || !isSpecial.has(id)) ids[byte] = id;
  }
  return ids;
}

/**
 * Ids of the special tokens that are not ordinary tokens too: text without special tokens never becomes one of these.
 */
export function specialOnlyIds(vocabulary: Vocabulary): ReadonlySet<number> {
  const ids = new Set(vocabulary.specials.map(({ id }) => id));
  for (const id of byteIdsOf(vocabulary)) ids.delete(id);
  for (const id of vocabulary.merges) ids.delete(id);
  return ids;
}
