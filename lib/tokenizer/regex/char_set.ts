// Sets of characters, as sorted ranges of code points.

/** Stands for a byte that starts no valid UTF-8 sequence: a character of no category, which only negated sets hold. */
export const INVALID = 0x110000;

/** Ranges, both ends inclusive, flat: `[from, to, from, to …]`, sorted, without overlaps. */
export type CharSet = readonly number[];

/** One character, or the characters from one to another. */
export function range(from: number, to: number = from): CharSet {
  return [from, to];
}

/** What is in one of the sets. */
export function union(...sets: readonly CharSet[]): CharSet {
  const pairs: [number, number][] = [];
  for (const set of sets) for (let i = 0; i < set.length; i += 2) pairs.push([set[i], set[i + 1]]);
  pairs.sort((a, b) => a[0] - b[0]);
  const merged: number[] = [];
  for (const [from, to] of pairs) {
    if (merged.length > 0 && from <= merged[merged.length - 1] + 1) {
      merged[merged.length - 1] = Math.max(merged[merged.length - 1], to);
    } else merged.push(from, to);
  }
  return merged;
}

/** Every character that is not in the set, invalid bytes included unless they are. */
export function negate(set: CharSet): CharSet {
  const rest: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i] > next) rest.push(next, set[i] - 1);
    next = set[i + 1] + 1;
  }
  if (next <= INVALID) rest.push(next, INVALID);
  return rest;
}

/** What is in all of the sets. */
export function intersect(...sets: readonly CharSet[]): CharSet {
  return negate(union(...sets.map(negate)));
}

/** What is in the first set and not in the second. */
export function without(set: CharSet, other: CharSet): CharSet {
  return intersect(set, negate(other));
}

/** Whether a character is in the set. */
export function contains(set: CharSet, char: number): boolean {
  for (let i = 0; i < set.length && set[i] <= char; i += 2) if (char <= set[i + 1]) return true;
  return false;
}
