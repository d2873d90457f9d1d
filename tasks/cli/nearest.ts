/** The word that `typed` was meant to be: the nearest, at most two letters away; nothing if none is near. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  const most = Math.min(2, Math.floor(typed.length / 3));
  let best: string | undefined;
  let least = most + 1;
  for (const word of words) {
    const distance = editDistance(typed, word, most);
    if (distance < least) [best, least] = [word, distance];
  }
  return best;
}

/**
 * Letters to change, add, leave out, or exchange with their neighbour, to make one word of the other; more than `most` where
 * there are more. Source: the restricted Damerau-Levenshtein distance.
 */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}
