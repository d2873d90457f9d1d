import { unusable } from "../safetensors_header.ts";

/** Reads `length` bytes of a file from `offset` on; all of them are within the file. */
export type ReadRange = (offset: number, length: number) => Uint8Array<ArrayBuffer>;

/** What is read ahead, so that small values do not each take a read. */
const WINDOW_BYTES = 1 << 16;

/** The longest header that is read. A vocabulary of 256,000 tokens with its merges takes about 20 MB. */
export const MAX_HEADER_BYTES = 100_000_000;

/**
 * Reads a header from its start to its end. Whatever its bytes claim, no more is read or allocated than the file holds,
 * nor more than {@linkcode MAX_HEADER_BYTES}.
 */
export class HeaderReader {
  /** The file's name, for messages. */
  readonly label: string;
  readonly #readRange: ReadRange;
  readonly #fileBytes: number;
  readonly #end: number;
  #at = 0;
  #window = new Uint8Array(0);
  #view = new DataView(this.#window.buffer);
  #windowStart = 0;

  constructor(readRange: ReadRange, fileBytes: number, label: string) {
    this.#readRange = readRange;
    this.#fileBytes = fileBytes;
    this.#end = Math.min(fileBytes, MAX_HEADER_BYTES);
    this.label = label;
  }

  /** The position of the next byte. */
  get position(): number {
    return this.#at;
  }

  uint32(): number {
    const start = this.#take(4);
    return this.#view.getUint32(start, true);
  }

  /** A length, count or offset of 64 bits. Above 2⁵³, where it cannot fit any file, it is not exact. */
  size(): number {
    const start = this.#take(8);
    return Number(this.#view.getBigUint64(start, true));
  }

  /**
   * A count of things that take `leastBytes` each.
   * @param what Names them in the message, `"metadata values"`.
   * @throws {UserError} If the rest of the file, or of the longest header, is too short for them.
   */
  count(what: string, leastBytes: number): number {
    const count = this.size();
    if (count * leastBytes <= this.#end - this.#at) return count;
    throw this.#tooLong(`${count} ${what} from byte ${this.#at} on`);
  }

  /** @throws {UserError} If it is not within the file, or not UTF-8. */
  string(what: string): string {
    const length = this.count(`bytes of ${what}`, 1);
    const bytes = this.bytes(length);
    try {
      // Without ignoreBOM, the decoder would drop a leading U+FEFF, which is a token of some vocabularies.
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw this.unusable(`bytes that are not UTF-8 in ${what} before byte ${this.#at}`, "text in UTF-8");
    }
  }

  /** The next bytes, at the start of their buffer if `owned`; else valid only until the next read. */
  bytes(length: number, owned = false): Uint8Array<ArrayBuffer> {
    if (length > WINDOW_BYTES) {
      this.#require(length);
      const bytes = this.#readRange(this.#at, length);
      this.#at += length;
      return bytes;
    }
    const start = this.#take(length);
    return owned ? this.#window.slice(start, start + length) : this.#window.subarray(start, start + length);
  }

  /** The error for a file that cannot be used. */
  unusable(got: string, must: string): Error {
    return unusable(this.label, got, must);
  }

  /** Steps over `length` bytes, and returns where they start in the window. */
  #take(length: number): number {
    const start = this.#at - this.#windowStart;
    if (start + length <= this.#window.byteLength) {
      this.#at += length;
      return start;
    }
    this.#require(length);
    this.#window = this.#readRange(this.#at, Math.min(WINDOW_BYTES, this.#end - this.#at));
    this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.byteLength);
    this.#windowStart = this.#at;
    this.#at += length;
    return 0;
  }

  #require(length: number): void {
    if (length > this.#end - this.#at) throw this.#tooLong(`a header that goes on after byte ${this.#at}`);
  }

  #tooLong(got: string): Error {
    if (this.#end < this.#fileBytes) return this.unusable(got, `a header of at most ${MAX_HEADER_BYTES} bytes`);
    return this.unusable(`${this.#fileBytes} bytes with ${got}`, "a whole GGUF file, not a truncated one");
  }
}
