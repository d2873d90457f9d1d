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

/** Characters of a list that a message can name. */
const MAX_LISTED = 64;

/** What one of several words must be, for a message: all of them, if they are few, and the one that was meant. */
export function oneOf(typed: string, words: readonly string[]): string {
  const list = words.join(", ");
  const meant = nearest(typed, words);
  return (list.length > MAX_LISTED ? "a known one" : `one of ${list}`) +
    (meant === undefined ? "" : ` (did you mean ${meant}?)`);
}

/** What other programs call some flags of ours. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  "checkpoint-every": ["save-every"],
  "data": ["train", "input"],
  "destination": ["out"],
  "ffn-dim": ["d-ff"],
  "file": ["input"],
  "gradient-accumulation-steps": ["grad-accumulation"],
  "hidden-size": ["d-model"],
  "learning-rate": ["lr"],
  "length": ["max-tokens", "context-length"],
  "max-new-tokens": ["max-tokens"],
  "max-steps": ["steps"],
  "model": ["run", "preset"],
  "model-dir": ["run"],
  "n": ["num-samples", "steps"],
  "overwrite": ["force"],
  "precision": ["dtype"],
  "sequence-length": ["context-length"],
  "text": ["prompt", "input"],
};

/** The flag that `typed` was meant to be: one slip away, begun, another program's name for it, or one that holds it. */
export function nearestFlag(typed: string, names: readonly string[]): string | undefined {
  const name = typed.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).replaceAll("_", "-").toLowerCase();
  const synonyms = Object.hasOwn(SYNONYMS, name) ? SYNONYMS[name] : [];
  const known = names.find((one) => one === name) ?? synonyms.find((one) => names.includes(one)) ??
    nearest(name, names);
  if (known !== undefined || name.length < 3) return known;
  const words = (one: string) => one.split("-");
  return names.find((one) => one.startsWith(name)) ??
    names.find((one) => one.length >= 3 && name.startsWith(one)) ??
    names.find((one) => words(one).includes(name)) ??
    names.find((one) => words(name).some((word) => word.length >= 3 && words(one).at(-1) === word));
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
