// Divides all characters into classes that regular expressions cannot tell apart, so that a class is one byte.
import { UserError } from "../../errors.ts";
import { type CharSet, INVALID } from "./char_set.ts";

const MAX_CLASSES = 255;

/** Classes of characters that some sets do not tell apart. */
export class Alphabet {
  /** The class of every code point, and of {@linkcode INVALID}. */
  readonly classes = new Uint8Array(INVALID + 1);
  /** How many classes there are. */
  readonly size: number;
  /** By set, then class: whether the characters of the class are in the set. */
  readonly members: readonly Uint8Array[];
  readonly #numbers = new Map<CharSet, number>();

  /**
   * @param name Whose patterns have these sets, for messages.
   * @throws {UserError} If there are too many classes.
   */
  constructor(sets: readonly CharSet[], name: string) {
    const unique: CharSet[] = [];
    const numbers = new Map<string, number>();
    for (const set of sets) {
      if (this.#numbers.has(set)) continue;
      const key = set.join();
      const number = numbers.get(key) ?? unique.push(set) - 1;
      numbers.set(key, number);
      this.#numbers.set(set, number);
    }
    const numSets = unique.length;
    const changes: { at: number; set: number }[] = [];
    for (const [set, ranges] of unique.entries()) {
      for (let i = 0; i < ranges.length; i += 2) {
        changes.push({ at: ranges[i], set });
        if (ranges[i + 1] < INVALID) changes.push({ at: ranges[i + 1] + 1, set });
      }
    }
    changes.sort((a, b) => a.at - b.at);
    const isIn = new Uint8Array(numSets);
    const known = new Map<string, number>();
    this.members = unique.map(() => new Uint8Array(256));
    for (let i = 0, start = 0; start <= INVALID;) {
      for (; i < changes.length && changes[i].at === start; i++) isIn[changes[i].set] ^= 1;
      const end = i < changes.length ? changes[i].at : INVALID + 1;
      const key = isIn.join("");
      let found = known.get(key);
      if (found === undefined) {
        found = known.size;
        if (found >= MAX_CLASSES) {
          throw new UserError(
            `Cannot split text by the pattern of ${name}: got more than ${MAX_CLASSES} classes of characters, must be ` +
              `at most that. Use another pattern`,
          );
        }
        known.set(key, found);
        for (let set = 0; set < numSets; set++) this.members[set][found] = isIn[set];
      }
      this.classes.fill(found, start, end);
      start = end;
    }
    this.size = known.size;
  }

  /** The number of a set that was given: its place in {@linkcode members}. */
  numberOf(set: CharSet): number {
    return this.#numbers.get(set)!;
  }

  /** The class of a character. */
  classOf(char: number): number {
    return this.classes[char];
  }
}
