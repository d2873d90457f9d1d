// Tells how tokens came about: by which merges, in which order.
import { specialOnlyIds, type Vocabulary } from "../vocabulary/vocabulary.ts";

/** A token, and the two that it was merged from. Bytes and special tokens were not merged. */
export interface MergeTree {
  /** The token. */
  readonly id: number;
  /** The number of the merge in the order of training, from 0. Absent for bytes and special tokens. */
  readonly merge?: number;
  /** The left and the right token; empty for bytes and special tokens. */
  readonly parts: readonly MergeTree[];
}

/** The merges of a vocabulary by the token they make. */
export class MergeHistory {
  readonly #vocabulary: Vocabulary;
  readonly #mergeOf = new Map<number, number>();

  /** Looks every merge of a vocabulary up once. */
  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    const { merges } = vocabulary;
    for (let merge = 0; merge * 3 < merges.length; merge++) {
      // If two merges make the same token, the first one counts.
      if (!this.#mergeOf.has(merges[merge * 3 + 2])) this.#mergeOf.set(merges[merge * 3 + 2], merge);
    }
  }

  /** How a token was put together. */
  treeOf(id: number): MergeTree {
    const merge = this.#mergeOf.get(id);
    if (merge === undefined) return { id, parts: [] };
    const { merges } = this.#vocabulary;
    return { id, merge, parts: [this.treeOf(merges[merge * 3]), this.treeOf(merges[merge * 3 + 1])] };
  }

  /** The merges that a token needs, in the order of training: the left and right token of each, and their result. */
  historyOf(
    id: number,
  ): { readonly merge: number; readonly left: number; readonly right: number; readonly id: number }[] {
    const { merges } = this.#vocabulary;
    const seen = new Set<number>();
    // A list rather than a recursion: each merge may add one byte, and there may be very many.
    const tokens = [id];
    while (tokens.length > 0) {
      const merge = this.#mergeOf.get(tokens.pop()!);
      if (merge === undefined || seen.has(merge)) continue;
      seen.add(merge);
      tokens.push(merges[merge * 3], merges[merge * 3 + 1]);
    }
    return [...seen].sort((a, b) => a - b).map((merge) => {
      const [left, right, made] = merges.subarray(merge * 3, merge * 3 + 3);
      return { merge, left, right, id: made };
    });
  }
}

/** Ids of the longest tokens, longest first, then in the order of ids; without those that are only special tokens. */
export function longestTokens(vocabulary: Vocabulary, count: number): number[] {
  const { tokens } = vocabulary;
  const isSpecial = specialOnlyIds(vocabulary);
  const ids = Array.from({ length: tokens.size }, (_, id) => id)
    .filter((id) => tokens.byteLength(id) > 0 && !isSpecial.has(id));
  return ids.sort((a, b) => tokens.byteLength(b) - tokens.byteLength(a) || a - b).slice(0, count);
}
