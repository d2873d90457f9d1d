// Merges that make characters of bytes, for vocabularies of characters: they come before all others.
//
// UTF-8 tells where a character begins, so that these merges never join bytes of two characters. One that is not a token
// may leave the beginning of one that is: it stands for the tokens of its bytes.
import type { SentencePieces, Vocabulary } from "../vocabulary/vocabulary.ts";

/** What the kernel needs beside a vocabulary's merges. */
export interface CharacterMerges {
  /** The token of each byte. */
  readonly byteIds: readonly number[];
  /** Three ids per merge; beginnings of characters have ids from the vocabulary's size on. */
  readonly merges: readonly (readonly [left: number, right: number, merged: number])[];
  /** By id, from the vocabulary's size on: the tokens that a beginning stands for. */
  readonly beginnings: readonly (readonly number[])[];
}

/** The merges that make the characters of a vocabulary. */
export function characterMerges({ tokens }: Pick<Vocabulary, "tokens">, pieces: SentencePieces): CharacterMerges {
  const byteIds = [...pieces.byteIds];
  const merges: [number, number, number][] = [];
  const beginnings: number[][] = [];
  const known = new Map<string, number>();
  for (const id of pieces.characters) {
    const bytes = tokens.get(id);
    if (bytes.length === 1) {
      byteIds[bytes[0]] = id;
      continue;
    }
    let left = byteIds[bytes[0]];
    for (let i = 1; i < bytes.length; i++) {
      const key = bytes.subarray(0, i + 1).join();
      let merged = i === bytes.length - 1 ? id : known.get(key);
      if (merged === undefined || i === bytes.length - 1) {
        merged ??= tokens.size + beginnings.push(Array.from(bytes.subarray(0, i + 1), (byte) => byteIds[byte])) - 1;
        known.set(key, merged);
        merges.push([left, byteIds[bytes[i]], merged]);
      }
      left = merged;
    }
  }
  return { byteIds, merges, beginnings };
}

/** Ids with the tokens of beginnings in their place. */
export function withoutBeginnings(
  ids: ArrayLike<number>,
  vocabSize: number,
  { beginnings }: CharacterMerges,
): number[] {
  const expanded: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] < vocabSize) expanded.push(ids[i]);
    else expanded.push(...beginnings[ids[i] - vocabSize]);
  }
  return expanded;
}
