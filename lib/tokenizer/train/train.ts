// Learns a vocabulary from word counts.
import { UserError } from "../../errors.ts";
import type { WordCounts } from "./word_counts.ts";
import { MergeTrainer } from "./merge_trainer.ts";
import type { Pattern } from "../pretokenize/named_patterns.ts";
import type { NormalizerStep } from "../normalize/normalizer_steps.ts";
import { MAX_ID } from "../encode/new_tokens.ts";
import {
  byteIdsOf,
  initialVocabulary,
  NUM_BYTES,
  numInitialTokens,
  type Vocabulary,
} from "../vocabulary/vocabulary.ts";

/**
 * Checks the vocabulary's size against the special tokens that it must hold.
 *
 * @param specialTexts The special tokens, each once.
 * @throws {UserError} If there is no room for the special tokens and the 256 bytes, the size exceeds the largest id, or
 *   a special token is invalid.
 */
export function requireVocabSize(vocabSize: number, specialTexts: readonly string[]): void {
  const smallest = numInitialTokens(specialTexts);
  if (vocabSize > MAX_ID + 1) {
    throw new UserError(
      `Cannot train a vocabulary: got size ${vocabSize}, must be at most ${MAX_ID + 1}. Ask for fewer tokens`,
    );
  }
  if (!Number.isSafeInteger(vocabSize) || vocabSize < smallest) {
    throw new UserError(
      `Cannot train a vocabulary: got size ${vocabSize}, must be at least ${smallest} (256 bytes + ${
        smallest - NUM_BYTES
      } special tokens). Ask for more tokens`,
    );
  }
}

/**
 * Learns a vocabulary: the special tokens in the order given, the 256 bytes, then one token per merge.
 *
 * @param vocabSize Total number of tokens.
 * @param pattern The pattern that split the words.
 * @param normalizer How the text was changed before.
 * @throws {UserError} If the size is too small for bytes and special tokens, or the words run out of pairs to merge.
 */
export function trainVocabulary(
  words: WordCounts,
  vocabSize: number,
  specialTexts: readonly string[],
  pattern: Pattern,
  normalizer: readonly NormalizerStep[] = [],
): Vocabulary {
  requireVocabSize(vocabSize, specialTexts);
  const { tokens, specials } = initialVocabulary(specialTexts);
  const byteIds = byteIdsOf({ tokens, specials });
  const numMerges = vocabSize - tokens.size;
  const merges = new Uint32Array(numMerges * 3);
  const trainer = new MergeTrainer(words, tokens, byteIds, numMerges);
  for (let i = 0; i < numMerges; i++) {
    const merged = tokens.size;
    const pair = trainer.merge();
    if (pair === undefined) {
      throw new UserError(
        `Cannot train a vocabulary: got size ${vocabSize}, must be at most ${merged}, all that this text can give. Ask for fewer tokens or give more text`,
      );
    }
    merges.set([pair[0], pair[1], merged], i * 3);
  }
  return { pattern, tokens, merges, specials, ...(normalizer.length > 0 && { normalizer }) };
}
