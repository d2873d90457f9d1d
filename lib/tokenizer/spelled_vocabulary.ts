// Vocabularies as files write them: tokens spelled in GPT-2's byte alphabet, specials as they are.
import { UserError } from "../errors.ts";
import { spellBytes, unspellBytes } from "./byte_level.ts";
import type { PatternName } from "./patterns.ts";
import type { SpecialToken } from "./special_tokens.ts";
import { TokenBytes } from "./token_bytes.ts";
import { NUM_BYTES, type Vocabulary } from "./vocabulary.ts";

/** A vocabulary in the spelling of files: ids by token in the order of ids, and merges as pairs of tokens. */
export interface SpelledTokens {
  readonly vocab: Record<string, number>;
  readonly merges: [left: string, right: string][];
}

/** @throws {UserError} if a special token is spelled like another token, so that no file could tell them apart. */
export function spelledTokens({ tokens, merges, specials }: Vocabulary): SpelledTokens {
  const spellings: string[] = [];
  for (let id = 0; id < tokens.size; id++) spellings.push(spellBytes(tokens.get(id)));
  for (const { id, text } of specials) spellings[id] = text;
  // A null prototype, so that a token such as "__proto__" is one like any other. Integer-like keys are listed first by
  // JSON.stringify; readers go by the ids, not by the order.
  const vocab: Record<string, number> = Object.create(null);
  spellings.forEach((spelling, id) => {
    if (tokens.byteLength(id) === 0) return;
    if (spelling in vocab) {
      throw new UserError(
        `Cannot write the vocabulary: got ${JSON.stringify(spelling)} as the spelling of tokens ${
          vocab[spelling]
        } and ${id}, must be of one. Choose another special token`,
      );
    }
    vocab[spelling] = id;
  });
  const pairs: [string, string][] = [];
  for (let i = 0; i < merges.length; i += 3) pairs.push([spellings[merges[i]], spellings[merges[i + 1]]]);
  return { vocab, merges: pairs };
}

/**
 * The vocabulary that spelled tokens mean.
 *
 * @param name The file's name, for messages.
 * @throws {UserError} naming the token at fault, if ids are not whole numbers or are given twice, a byte has no token, a
 * token is not spelled in the byte alphabet, or a merge names a token that is not there.
 */
export function buildVocabulary(
  vocab: Record<string, unknown>,
  merges: readonly (readonly unknown[])[],
  specials: readonly SpecialToken[],
  pattern: PatternName,
  name: string,
): Vocabulary {
  const refuse = (got: string, mustBe: string): never => {
    throw new UserError(`Cannot read ${name}: got ${got}, must be ${mustBe}. Write the tokenizer again`);
  };
  const tokens = new TokenBytes(Object.keys(vocab).length);
  const claim = (id: unknown, spelling: string, bytes: Uint8Array) => {
    if (!Number.isSafeInteger(id) || (id as number) < 0 || (id as number) > 0x7fffff) {
      refuse(`id ${String(id)} for token ${spelling}`, "a whole number below 8388608");
    }
    if (tokens.byteLength(id as number) > 0) refuse(`id ${id} twice (${spelling})`, "given to one token");
    if (bytes.length === 0) refuse(`an empty token (id ${id})`, "one byte or more");
    tokens.set(id as number, bytes);
  };
  const encoder = new TextEncoder();
  const specialIds = new Map(specials.map(({ text, id }) => [text, id]));
  for (const { text, id } of specials) claim(id, text, encoder.encode(text));
  const isSpecial = new Set(specialIds.values());
  const idOf = new Map<string, number>();
  for (const [spelling, id] of Object.entries(vocab)) {
    if (specialIds.get(spelling) === id) continue;
    const bytes = unspellBytes(spelling) ?? refuse(`token ${spelling}`, "spelled in GPT-2's byte alphabet");
    claim(id, spelling, bytes);
    idOf.set(spelling, id as number);
  }
  for (let byte = 0; byte < NUM_BYTES; byte++) {
    const spelling = spellBytes(Uint8Array.of(byte));
    if (!idOf.has(spelling)) refuse(`no token for byte ${byte} (${spelling})`, "a vocabulary with all 256 bytes");
  }
  const triples = new Uint32Array(merges.length * 3);
  for (let i = 0; i < merges.length; i++) {
    const [left, right] = merges[i] as readonly string[];
    const leftId = idOf.get(left), rightId = idOf.get(right);
    let mergedId: number | undefined;
    if (leftId !== undefined && rightId !== undefined) {
      // As a rule a merge's token comes after that of the merge before: looked up by its spelling it takes longer.
      const guess = i === 0 ? -1 : triples[i * 3 - 1] + 1;
      const isGuessed = !isSpecial.has(guess) && tokens.isMerged(guess, leftId, rightId);
      mergedId = isGuessed ? guess : idOf.get(left + right);
    }
    if (leftId === undefined || rightId === undefined || mergedId === undefined) {
      const missing = [left, right, left + right].find((part) => !idOf.has(part));
      return refuse(`merge ${left} ${right} without a token ${missing}`, "a merge of known tokens");
    }
    triples[i * 3] = leftId;
    triples[i * 3 + 1] = rightId;
    triples[i * 3 + 2] = mergedId;
  }
  return { pattern, tokens, merges: triples, specials: [...specials] };
}
