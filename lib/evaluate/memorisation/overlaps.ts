import { NONE, ROOT, SuffixAutomaton } from "./suffix_automaton.ts";

/** The longest part of a text that occurs in a corpus. */
export interface Overlap {
  /** Length in bytes. */
  readonly bytes: number;
  /** Where it begins in the text. */
  readonly start: number;
  /** The document of the corpus in which it occurs, counted from 0. */
  readonly document: number;
  /** The byte of the document that it begins at, counted from 0. */
  readonly offset: number;
}

/**
 * Finds the longest common substring of each text with a corpus that is streamed. It takes O(corpus + texts) time, and
 * memory only for the texts.
 *
 * The corpus goes through the texts' suffix automaton. At each byte, the state tells the longest string ending there
 * that
 * occurs in a text. Each state keeps the longest of its strings that was met.
 */
export class OverlapFinder {
  readonly #texts: readonly Uint8Array[];
  readonly #automaton: SuffixAutomaton;
  /** Of each state: the length of its longest string met, and where that ended. */
  readonly #met: Int32Array;
  readonly #document: Float64Array;
  readonly #end: Float64Array;
  #state = ROOT;
  #matched = 0;
  #currentDocument = 0;
  #position = 0;

  /** Prepares to look for these texts, given as bytes. */
  constructor(texts: readonly Uint8Array[]) {
    this.#texts = texts;
    this.#automaton = new SuffixAutomaton(texts);
    const { size } = this.#automaton;
    this.#met = new Int32Array(size);
    this.#document = new Float64Array(size);
    this.#end = new Float64Array(size);
  }

  /** Takes the next bytes of a document, cut anywhere. */
  push(bytes: Uint8Array): void {
    const automaton = this.#automaton;
    const { link, length } = automaton;
    const met = this.#met;
    let state = this.#state;
    let matched = this.#matched;
    for (let i = 0; i < bytes.length; i++) {
      let next = automaton.next(state, bytes[i]);
      while (next === NONE && state !== ROOT) {
        state = link[state];
        matched = length[state];
        next = automaton.next(state, bytes[i]);
      }
      if (next === NONE) continue;
      state = next;
      matched++;
      if (matched > met[state]) {
        met[state] = matched;
        this.#document[state] = this.#currentDocument;
        this.#end[state] = this.#position + i + 1;
      }
    }
    this.#state = state;
    this.#matched = matched;
    this.#position += bytes.length;
  }

  /** Ends a document: no match reaches from it into the next one. */
  endDocument(): void {
    this.#state = ROOT;
    this.#matched = 0;
    this.#currentDocument++;
    this.#position = 0;
  }

  /** The longest overlap of each text with the corpus so far; among equally long ones, the first in the text. */
  overlaps(): Overlap[] {
    this.#passOnToSuffixes();
    return this.#texts.map((text) => this.#overlapOf(text));
  }

  /** Where a string was met, so were all of its suffixes. */
  #passOnToSuffixes(): void {
    const { size, link, length } = this.#automaton;
    const byLength = Uint32Array.from({ length: size }, (_, state) => state).sort((a, b) => length[b] - length[a]);
    for (const state of byLength) {
      const suffix = link[state];
      if (this.#met[state] === 0 || suffix === NONE || this.#met[suffix] >= length[suffix]) continue;
      this.#met[suffix] = length[suffix];
      this.#document[suffix] = this.#document[state];
      this.#end[suffix] = this.#end[state];
    }
  }

  #overlapOf(text: Uint8Array): Overlap {
    let longest: Overlap = { bytes: 0, start: 0, document: 0, offset: 0 };
    let state = ROOT;
    for (let i = 0; i < text.length; i++) {
      state = this.#automaton.next(state, text[i]);
      // The longest suffix of text[0..i] that was met is a string of the first state on the way to the root with one.
      let holder = state;
      while (holder !== ROOT && this.#met[holder] === 0) holder = this.#automaton.link[holder];
      const bytes = Math.min(this.#met[holder], i + 1);
      if (bytes <= longest.bytes) continue;
      const offset = this.#end[holder] - bytes;
      longest = { bytes, start: i + 1 - bytes, document: this.#document[holder], offset };
    }
    return longest;
  }
}
