// Merges from nothing but the tokens in their order.
import type { TokenBytes } from "./token_bytes.ts";

/**
 * The merges of a vocabulary whose tokens' order is that of the merges: three ids each (left, right, merged).
 *
 * A token is made from its bytes by the merges before it; these leave two tokens, which its own merge joins. Wherever the
 * token comes about in a text, the merges within its bytes are the same ones in the same order, so that no other pair of
 * tokens is ever joined to it.
 *
 * @param ids Ids of the bytes and merged tokens, in order.
 * @param refuse Called with a token that is not left in two by the merges before it.
 */
export function recoverMerges(tokens: TokenBytes, ids: readonly number[], refuse: (id: number) => never): Uint32Array {
  const latinOf = (id: number) => String.fromCharCode(...tokens.get(id));
  // By their bytes, spelled as characters: tokens so far, and their ids.
  const idOf = new Map<string, number>();
  const multiByte: number[] = [];
  for (const id of ids) {
    if (tokens.byteLength(id) === 1) idOf.set(latinOf(id), id);
    else multiByte.push(id);
  }
  const merges = new Uint32Array(multiByte.length * 3);
  for (const [i, id] of multiByte.entries()) {
    const text = latinOf(id);
    const parts = mergedParts(text, idOf);
    if (parts.length !== 2) return refuse(id);
    merges.set([idOf.get(parts[0])!, idOf.get(parts[1])!, id], i * 3);
    idOf.set(text, id);
  }
  return merges;
}

/** The parts of a text after all merges to the tokens known: the lowest id first, leftmost of equals. */
function mergedParts(text: string, idOf: ReadonlyMap<string, number>): string[] {
  const parts = text.split("");
  for (;;) {
    let best = Infinity, bestAt = -1;
    for (let i = 0; i + 1 < parts.length; i++) {
      const id = idOf.get(parts[i] + parts[i + 1]);
      if (id !== undefined && id < best) {
        best = id;
        bestAt = i;
      }
    }
    if (bestAt < 0) return parts;
    parts.splice(bestAt, 2, parts[bestAt] + parts[bestAt + 1]);
  }
}
