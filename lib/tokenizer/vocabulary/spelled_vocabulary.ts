// Vocabularies as files spell them: tokens in GPT-2's byte alphabet, special tokens as they are.
import { UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import { spellBytes, unspellBytes } from "./byte_level.ts";
import { NewTokens, type Refuse } from "../encode/new_tokens.ts";
import type { Pattern } from "../pretokenize/named_patterns.ts";
import { specialBytes, type SpecialToken } from "../pretokenize/special_tokens.ts";
import { NUM_BYTES, specialOnlyIds, type Vocabulary } from "./vocabulary.ts";

/** The most merges whose ranks fit into the kernel's keys. */
const MAX_MERGES = 2 ** 24 - 2;

/**
 * @param name The file's name, for messages.
 * @throws {UserError} If there are more merges than can be used.
 */
export function requireMergeCount(count: number, name: string): void {
  if (count <= MAX_MERGES) return;
  throw new UserError(`Cannot read ${name}: got ${count} merges, must be at most ${MAX_MERGES}. Write fewer`);
}

/** A vocabulary in the spelling of files: ids by token in the order of ids, and merges as pairs of tokens. */
export interface SpelledTokens {
  readonly vocab: Record<string, number>;
  readonly merges: [left: string, right: string][];
}

/** @throws {UserError} If a special token is spelled like another token, so that no file could tell them apart. */
export function spelledTokens(vocabulary: Vocabulary): SpelledTokens {
  const { tokens, merges, specials } = vocabulary;
  const spellings: string[] = [];
  for (let id = 0; id < tokens.size; id++) spellings.push(spellBytes(tokens.get(id)));
  const refuse = (text: string, ids: string): never => {
    throw new UserError(
      `Cannot write the vocabulary: got ${
        excerpt(text)
      } as the spelling of tokens ${ids}, must be of one. Choose another special token`,
    );
  };
  const specialOnly = specialOnlyIds(vocabulary);
  for (const { id, text } of specials) {
    if (specialOnly.has(id)) spellings[id] = text;
    else if (spellings[id] !== text) refuse(text, `${id} (special) and ${id} (ordinary)`);
  }
  // A null prototype, so that a token such as "__proto__" is one like any other. Integer-like keys are listed first by
  // JSON.stringify; readers go by the ids, not by the order.
  const vocab: Record<string, number> = Object.create(null);
  spellings.forEach((spelling, id) => {
    if (tokens.byteLength(id) === 0) return;
    if (spelling in vocab) refuse(spelling, `${vocab[spelling]} and ${id}`);
    vocab[spelling] = id;
  });
  const pairs: [string, string][] = [];
  for (let i = 0; i < merges.length; i += 3) pairs.push([spellings[merges[i]], spellings[merges[i + 1]]]);
  return { vocab, merges: pairs };
}

/** The contents of a file as it was read, unchecked. */
export interface SpelledVocabulary {
  readonly vocab: Readonly<Record<string, unknown>>;
  /** Each is a pair of tokens, or both in one string with a space between. */
  readonly merges: readonly unknown[];
  readonly specials: readonly SpecialToken[];
  readonly pattern: Pattern;
  readonly ignoreMerges: boolean;
  /** Whether bytes may be no tokens. Default: no. */
  readonly mayLackBytes?: boolean;
}

/**
 * The vocabulary for spelled tokens.
 *
 * @param name The file's name, for messages.
 * @throws {UserError} If ids are not whole numbers or occur twice, a byte has no token, a token is not in the byte
 * alphabet, or a merge names an unknown token. The message names the token.
 */
export function buildVocabulary(
  { vocab, merges, specials, pattern, ignoreMerges, mayLackBytes = false }: SpelledVocabulary,
  name: string,
): Vocabulary {
  const refuse: Refuse = (got, mustBe) => {
    throw new UserError(`Cannot read ${name}: got ${got}, must be ${mustBe}. Write the tokenizer again`);
  };
  requireMergeCount(merges.length, name);
  const added = new NewTokens(Object.keys(vocab).length + specials.length, refuse);
  const { tokens } = added;
  const specialIds = new Map<string, number>();
  const unique: SpecialToken[] = [];
  for (const special of specials) {
    const { text, id } = special;
    const other = specialIds.get(text) ?? (Object.hasOwn(vocab, text) ? vocab[text] : id);
    if (other !== id) refuse(`special token ${excerpt(text)} with ids ${id} and ${excerpt(other)}`, "one id");
    if (specialIds.has(text)) continue;
    added.claim(id, text, specialBytes(text));
    specialIds.set(text, id);
    unique.push(special);
  }
  const isSpecial = new Set(specialIds.values());
  const idOf = new Map<string, number>();
  for (const [spelling, id] of Object.entries(vocab)) {
    const bytes = unspellBytes(spelling);
    if (isSpecial.has(id as number) && specialIds.get(spelling) === id) {
      if (bytes !== undefined) idOf.set(spelling, id as number);
      continue;
    }
    if (bytes === undefined) return refuse(`token ${excerpt(spelling)}`, "spelled in GPT-2's byte alphabet");
    added.claim(id, spelling, bytes);
    idOf.set(spelling, id as number);
  }
  /** The id of an ordinary token. A special token may be one too, if its text equals its spelling. */
  const ordinaryId = (spelling: string): number | undefined => {
    const id = idOf.get(spelling);
    if (id !== undefined && isSpecial.has(id) && spellBytes(tokens.get(id)) !== spelling) {
      refuse(`special token ${excerpt(spelling)}, which is the spelling of other bytes too`, "the text of those bytes");
    }
    return id;
  };
  const missingBytes: number[] = [];
  for (let byte = 0; byte < NUM_BYTES; byte++) {
    const spelling = spellBytes(Uint8Array.of(byte));
    if (ordinaryId(spelling) === undefined) {
      if (mayLackBytes) missingBytes.push(byte);
      else refuse(`no token for byte ${byte} (${spelling})`, "a vocabulary with all 256 bytes");
    }
  }
  const triples = new Uint32Array(merges.length * 3);
  for (let i = 0; i < merges.length; i++) {
    const [left, right] = mergedPair(merges[i]) ??
      refuse(`merge ${i} ${excerpt(merges[i])}`, "two tokens with a space between, or a list of two");
    const leftId = ordinaryId(left), rightId = ordinaryId(right);
    let mergedId: number | undefined;
    if (leftId !== undefined && rightId !== undefined) {
      // A merge's token usually comes right after that of the merge before; a look-up by spelling takes longer.
      const guess = i === 0 ? -1 : triples[i * 3 - 1] + 1;
      const isGuessed = !isSpecial.has(guess) && tokens.isMerged(guess, leftId, rightId);
      mergedId = isGuessed ? guess : ordinaryId(left + right);
    }
    if (leftId === undefined || rightId === undefined || mergedId === undefined) {
      const missing = [left, right, left + right].find((part) => !idOf.has(part));
      return refuse(
        `merge ${excerpt(`${left} ${right}`)} without a token ${excerpt(missing)}`,
        "a merge of known tokens",
      );
    }
    triples[i * 3] = leftId;
    triples[i * 3 + 1] = rightId;
    triples[i * 3 + 2] = mergedId;
  }
  return {
    pattern,
    tokens,
    merges: lastOfEach(triples),
    specials: unique,
    ignoreMerges,
    ...(missingBytes.length > 0 && { missingBytes }),
  };
}

function mergedPair(merge: unknown): readonly [left: string, right: string] | undefined {
  const parts: unknown = typeof merge === "string" ? merge.split(" ") : merge;
  if (!Array.isArray(parts) || parts.length !== 2) return undefined;
  const [left, right] = parts as unknown[];
  return typeof left === "string" && typeof right === "string" && left !== "" && right !== ""
    ? [left, right]
    : undefined;
}

/** Merges without repeated pairs: the last one counts, as in Hugging Face's and in GPT-2's own code. */
function lastOfEach(triples: Uint32Array): Uint32Array {
  const last = new Map<number, number>();
  for (let i = 0; i < triples.length; i += 3) last.set(triples[i] * 2 ** 23 + triples[i + 1], i);
  if (last.size * 3 === triples.length) return triples;
  const kept = new Uint32Array(last.size * 3);
  let at = 0;
  for (const i of [...last.values()].sort((a, b) => a - b)) {
    kept.set(triples.subarray(i, i + 3), at);
    at += 3;
  }
  return kept;
}
