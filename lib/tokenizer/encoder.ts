// From text to ids: pre-tokens are looked up in a cache of finished encodings, and merged only when new.
import { ByteTable } from "./byte_table.ts";
import { Merger } from "./merger.ts";
import { pretokenEnd } from "./pretokenize.ts";
import type { SpecialTokens } from "./special_tokens.ts";
import { TextSplitter } from "./text_splitter.ts";
import type { Vocabulary } from "./vocabulary.ts";

// When the cache's words exceed this much, it starts anew: memory stays bounded, whatever the text.
const MAX_CACHED_BYTES = 1 << 24;
// Longer pre-tokens are rare, and rarely come again.
const MAX_CACHED_WORD = 64;

/** Finished encodings of pre-tokens, shared by all encodings with one vocabulary. */
export class EncodingCache {
  readonly #merger: Merger;
  readonly #words = new ByteTable();
  /** Word `i` has the ids `#ids[#ends[i - 1]..#ends[i])`. */
  #ids = new Uint32Array(1 << 13);
  #ends = new Uint32Array(1 << 12);

  constructor(vocabulary: Vocabulary) {
    this.#merger = new Merger(vocabulary);
  }

  /** Appends the ids of the pre-token `bytes[start..end)`. */
  encode(bytes: Uint8Array, start: number, end: number, sink: IdSink): void {
    if (end - start > MAX_CACHED_WORD) {
      const room = sink.reserve(end - start);
      sink.length = this.#merger.merge(bytes, start, end, room, sink.length);
      return;
    }
    const numKnown = this.#words.size;
    const word = this.#words.intern(bytes, start, end);
    if (word === numKnown) this.#add(word, bytes, start, end);
    const from = word === 0 ? 0 : this.#ends[word - 1], to = this.#ends[word];
    const room = sink.reserve(to - from);
    for (let i = from; i < to; i++) room[sink.length++] = this.#ids[i];
    if (this.#words.byteLength > MAX_CACHED_BYTES) this.#words.clear();
  }

  #add(word: number, bytes: Uint8Array, start: number, end: number): void {
    const from = word === 0 ? 0 : this.#ends[word - 1];
    if (word === this.#ends.length) this.#ends = doubled(this.#ends);
    while (from + end - start > this.#ids.length) this.#ids = doubled(this.#ids);
    this.#ends[word] = this.#merger.merge(bytes, start, end, this.#ids, from);
  }
}

/** Ids, appended. */
export class IdSink {
  #ids = new Uint32Array(1024);
  length = 0;

  /** Makes room for `count` more ids after `length` and returns the array to write them to. */
  reserve(count: number): Uint32Array {
    while (this.length + count > this.#ids.length) this.#ids = doubled(this.#ids);
    return this.#ids;
  }

  /** Takes out all ids, in an array of the caller's own. */
  take(): Uint32Array<ArrayBuffer> {
    const ids = this.#ids.slice(0, this.length);
    this.length = 0;
    return ids;
  }
}

/** Encodes one text given in pieces. The ids do not depend on where it was cut. */
export class TextEncoding {
  readonly #splitter: TextSplitter;
  readonly #sink = new IdSink();

  constructor(cache: EncodingCache, specials: SpecialTokens) {
    const sink = this.#sink;
    this.#splitter = new TextSplitter(specials, (bytes, start, end) => {
      while (start < end) {
        const next = pretokenEnd(bytes, start, end);
        cache.encode(bytes, start, next, sink);
        start = next;
      }
    }, (id) => sink.reserve(1)[sink.length++] = id);
  }

  /** More of the text; returns the ids that are certain by now. */
  push(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
    this.#splitter.push(bytes);
    return this.#sink.take();
  }

  /** The text ends here, or after `last`; returns the rest of its ids. */
  flush(last?: Uint8Array): Uint32Array<ArrayBuffer> {
    this.#splitter.flush(last);
    return this.#sink.take();
  }
}

function doubled(old: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(old.length * 2);
  larger.set(old);
  return larger;
}
