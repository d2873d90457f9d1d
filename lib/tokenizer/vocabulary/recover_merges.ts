// Derives merges from nothing but the tokens and their ranks.
import { Kernel } from "../kernel.ts";
import type { TokenBytes } from "../encode/token_bytes.ts";

/** The merges of ranked tokens. */
export interface RecoveredMerges {
  /** Three ids each, in the order of ranks: left, right, and the token they become. */
  readonly merges: Uint32Array;
  /** Tokens that no merge makes: they occur only as whole pre-tokens. */
  readonly unmade: readonly number[];
}

/**
 * The merges that ranked tokens mean: of all neighbours whose bytes together are a token, those of the lowest rank are
 * joined first.
 *
 * Wherever a token comes about in a text, nothing is joined across its ends before, so that the joins within its bytes are
 * those that its bytes see alone, in the same order. These leave two parts, its merge; or they end sooner, and no merge
 * ever makes it. The parts are shorter than the token: taken in the order of lengths, each token's merges are known before
 * it.
 *
 * @param byteIds Ids of the tokens of the bytes.
 * @param ids Ids of the longer tokens, lowest rank first; no two have the same bytes.
 */
export function recoverMerges(tokens: TokenBytes, byteIds: Int32Array, ids: readonly number[]): RecoveredMerges {
  const kernel = new Kernel("gpt2", Math.max(1, ids.length));
  const { exports } = kernel;
  exports.clearMerges();
  const byteOf = new Map<number, number>();
  byteIds.forEach((id, byte) => {
    exports.setByteId(byte, id);
    byteOf.set(id, byte);
  });
  const pairs = new Map<number, readonly [left: number, right: number]>();
  const ranks = ids.map((_, rank) => rank).sort((a, b) => tokens.byteLength(ids[a]) - tokens.byteLength(ids[b]));
  for (const rank of ranks) {
    kernel.write(tokens.get(ids[rank]));
    if (exports.mergeWindow(0, tokens.byteLength(ids[rank])) !== 2) continue;
    const [left, right] = kernel.uint32s(exports.wordsEnd(), 2);
    pairs.set(rank, [left, right]);
    exports.addMerge(rank, left, right, ids[rank], byteOf.get(left) ?? NO_BYTE, byteOf.get(right) ?? NO_BYTE);
  }
  const merges = new Uint32Array(pairs.size * 3);
  const unmade: number[] = [];
  let at = 0;
  for (const [rank, id] of ids.entries()) {
    const pair = pairs.get(rank);
    if (pair === undefined) unmade.push(id);
    else {
      merges.set([...pair, id], at);
      at += 3;
    }
  }
  return { merges, unmade };
}

/** Tells the kernel that a token is longer than a byte. */
const NO_BYTE = 256;
