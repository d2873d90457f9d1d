// Splits text into words by steps that a file gives: patterns, digits, punctuation.
import { Alphabet } from "../regex/alphabet.ts";
import { adjacencyOf } from "../regex/adjacency.ts";
import { forEachSet } from "../regex/ast.ts";
import { type CharSet, range } from "../regex/char_set.ts";
import { Matcher } from "../regex/matcher.ts";
import { compile } from "../regex/program.ts";
import { codeOfByte } from "../vocabulary/byte_level.ts";
import { CharText } from "./char_text.ts";
import { PieceList } from "./piece_list.ts";
import { type Beginning, patternOfStep, type PatternStep, type SplitStep } from "./split_steps.ts";

const SPACE = 0x20;

/** Text that is split, in memory that the next call uses again. */
export interface SplitText {
  /** The words' bytes, one word after the other. */
  readonly bytes: Uint8Array;
  /** Where each word starts in `bytes`. */
  readonly starts: Uint32Array;
}

interface CompiledStep {
  readonly pattern: PatternStep | undefined;
  readonly matcher: Matcher | undefined;
  /** Before what a space is put: each piece, or the beginning of a text alone. */
  readonly addsSpace: "always" | "first" | undefined;
  readonly spellsBytes: boolean;
}

/** Splits text by steps. */
export class PreTokenizer {
  readonly #alphabet: Alphabet;
  readonly #steps: readonly CompiledStep[];
  readonly #safePairs: Uint8Array;
  readonly #classOfByte: Uint8Array;
  #text = new CharText();
  #otherText = new CharText();
  #pieces = new PieceList();
  #otherPieces = new PieceList();
  #bytes = new Uint8Array();
  #starts = new Uint32Array();

  /**
   * @param name Whose steps they are, for messages.
   * @throws {UserError} If a regular expression cannot be used.
   */
  constructor(steps: readonly SplitStep[], name: string) {
    const patterns = steps.map((step) => patternOfStep(step, name));
    const sets: CharSet[] = [range(SPACE)];
    for (const pattern of patterns) if (pattern !== undefined) forEachSet(pattern.tree, (set) => sets.push(set));
    const alphabet = this.#alphabet = new Alphabet(sets, name);
    this.#steps = steps.map((step, i) => {
      const pattern = patterns[i];
      return {
        pattern,
        matcher: pattern && new Matcher(compile(pattern.tree, alphabet, name), alphabet),
        addsSpace: step.type === "Metaspace"
          ? step.prepend_scheme
          : step.type === "ByteLevel" && step.add_prefix_space
          ? "always"
          : undefined,
        spellsBytes: step.type === "ByteLevel" && i < steps.length - 1,
      };
    });
    this.#classOfByte = Uint8Array.from({ length: 256 }, (_, byte) => alphabet.classOf(codeOfByte(byte)));
    this.#safePairs = safePairs(this.#steps, alphabet);
  }

  /** Whether a text may be cut between two characters, and both parts be split alone, whatever is around them. */
  mayCutBetween(before: number, after: number): boolean {
    return this.#safePairs[this.#alphabet.classOf(before) * 256 + this.#alphabet.classOf(after)] === 1;
  }

  /** Whether a text begins with a space that is not there. */
  get addsSpaceFirst(): boolean {
    return this.#steps.length > 0 && this.#steps[0].addsSpace !== undefined;
  }

  /**
   * Splits `text[start..end)`.
   *
   * @param beginning What begins there.
   */
  split(text: Uint8Array, start: number, end: number, beginning: Beginning): SplitText {
    let bytes = text.subarray(start, end);
    this.#text.decode(bytes, 0, bytes.length, this.#alphabet.classes);
    this.#pieces.clear();
    if (this.#text.length > 0) this.#pieces.push(0, this.#text.length);
    for (const [i, step] of this.#steps.entries()) {
      const isAsked = step.addsSpace === "always" ? i > 0 || beginning !== "none" : beginning === "text";
      if (step.addsSpace !== undefined && isAsked) bytes = this.#addSpaces(bytes);
      if (step.matcher !== undefined) this.#splitPieces(step.matcher, step.pattern!);
      if (step.spellsBytes) this.#spellBytes(bytes);
    }
    return this.#collect(bytes);
  }

  #splitPieces(matcher: Matcher, { behavior, invert }: PatternStep): void {
    const { classes } = this.#text;
    const pieces = this.#pieces, parts = this.#otherPieces;
    parts.clear();
    for (let i = 0; i < pieces.count; i++) {
      const end = pieces.to[i];
      matcher.begin(classes, end);
      parts.beginPiece();
      let gap = pieces.from[i];
      for (let at = gap; at < end;) {
        const matchEnd = matcher.matchAt(at);
        if (matchEnd < 0) {
          at++;
          continue;
        }
        if (gap < at) parts.pushSpan(gap, at, invert, behavior);
        parts.pushSpan(at, matchEnd, !invert, behavior);
        at = gap = matchEnd;
      }
      if (gap < end) parts.pushSpan(gap, end, invert, behavior);
    }
    this.#otherPieces = pieces;
    this.#pieces = parts;
  }

  /** Puts a space before each piece that starts with none; returns the bytes then. */
  #addSpaces(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const text = this.#text, grown = this.#otherText, pieces = this.#pieces;
    const space = this.#alphabet.classOf(SPACE);
    grown.reserve(text.length + pieces.count);
    const spaced = new Uint8Array(bytes.length + pieces.count);
    let chars = 0, at = 0;
    for (let i = 0; i < pieces.count; i++) {
      const from = pieces.from[i], to = pieces.to[i];
      pieces.from[i] = chars;
      if (text.classes[from] !== space) {
        grown.classes[chars] = space;
        grown.offsets[chars++] = at;
        spaced[at++] = SPACE;
      }
      const moved = at - text.offsets[from];
      for (let char = from; char < to; char++) {
        grown.classes[chars] = text.classes[char];
        grown.offsets[chars++] = text.offsets[char] + moved;
      }
      spaced.set(bytes.subarray(text.offsets[from], text.offsets[to]), at);
      at += text.offsets[to] - text.offsets[from];
      pieces.to[i] = chars;
    }
    grown.offsets[chars] = at;
    grown.length = chars;
    this.#otherText = text;
    this.#text = grown;
    return spaced.subarray(0, at);
  }

  /** From here on, each byte is a character: the one that files spell it as. */
  #spellBytes(bytes: Uint8Array): void {
    const text = this.#text, spelled = this.#otherText, pieces = this.#pieces;
    const { length } = bytes;
    spelled.reserve(length);
    for (let i = 0; i < length; i++) {
      spelled.classes[i] = this.#classOfByte[bytes[i]];
      spelled.offsets[i] = i;
    }
    spelled.offsets[length] = length;
    spelled.length = length;
    for (let i = 0; i < pieces.count; i++) {
      pieces.from[i] = text.offsets[pieces.from[i]];
      pieces.to[i] = text.offsets[pieces.to[i]];
    }
    this.#otherText = text;
    this.#text = spelled;
  }

  #collect(bytes: Uint8Array): SplitText {
    const { offsets } = this.#text;
    const { from, to, count } = this.#pieces;
    if (this.#starts.length < count) this.#starts = new Uint32Array(Math.max(count, this.#starts.length * 2));
    const starts = this.#starts;
    let length = 0;
    for (let i = 0; i < count; i++) {
      starts[i] = length;
      length += offsets[to[i]] - offsets[from[i]];
    }
    if (length === bytes.length) return { bytes, starts: starts.subarray(0, count) };
    // Some of it was removed.
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(Math.max(length, this.#bytes.length * 2));
    for (let i = 0; i < count; i++) this.#bytes.set(bytes.subarray(offsets[from[i]], offsets[to[i]]), starts[i]);
    return { bytes: this.#bytes.subarray(0, length), starts: starts.subarray(0, count) };
  }
}

/**
 * The pairs of classes between which a text may be cut: no match and no look-ahead of any step has both, and some step
 * always splits there.
 *
 * A step splits there if one of the two characters is always part of a match, and matches are words of their own. Steps
 * before it, which see both characters in one piece, split the rest of that piece alike; steps after it never see both.
 */
function safePairs(steps: readonly CompiledStep[], alphabet: Alphabet): Uint8Array {
  const safe = new Uint8Array(256 * 256);
  const joined = new Uint8Array(256 * 256);
  for (const [i, { pattern, addsSpace, spellsBytes }] of steps.entries()) {
    // A space would come before what follows the cut.
    if (addsSpace !== undefined && i > 0) break;
    if (pattern !== undefined) {
      const facts = adjacencyOf(pattern.tree, alphabet);
      const { behavior } = pattern;
      const isTotal = facts.alwaysMatched.subarray(0, alphabet.size).every((isIn) => isIn === 1);
      const splits = behavior === "Isolated" || behavior === "Removed" || (isTotal && behavior !== "Contiguous");
      for (let pair = 0; pair < joined.length; pair++) joined[pair] |= facts.joined[pair];
      for (let a = 0; splits && a < alphabet.size; a++) {
        for (let b = 0; b < alphabet.size; b++) {
          const isSplit = facts.alwaysMatched[a] === 1 || facts.alwaysMatched[b] === 1;
          if (isSplit && joined[a * 256 + b] === 0) safe[a * 256 + b] = 1;
        }
      }
    }
    if (spellsBytes) break;
  }
  return safe;
}
