// The documents of a text: what is between separators.
import { UserError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";

/** The longest document that is read: each is held in memory as a whole. */
export const MAX_DOCUMENT_BYTES: number = 128 << 20;

/** Options for reading documents. */
export interface DocumentOptions {
  /** The text's name, for messages. */
  readonly name?: string;
  /** The most bytes in a document. Default: {@linkcode MAX_DOCUMENT_BYTES}. */
  readonly maxBytes?: number;
}

/**
 * The documents of a text: what is between separators, without those that are only white space. Each is a copy.
 *
 * @param pieces The text, cut anywhere. The source may reuse the memory of a piece.
 * @throws {UserError} If the separator is empty, or a document is too long.
 */
export async function* documentsOf(
  pieces: AsyncIterable<Uint8Array>,
  separator: string,
  { name = "the text", maxBytes = MAX_DOCUMENT_BYTES }: DocumentOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const mark = new TextEncoder().encode(separator);
  if (mark.length === 0) {
    throw new UserError(
      "Cannot divide text into documents: the separator is empty. Choose another",
    );
  }
  const pending = new PendingBytes();
  let number = 1;
  for await (const piece of pieces) {
    // A separator may lie across the seam, but not before it.
    let searched = Math.max(0, pending.length - mark.length + 1);
    pending.append(piece);
    let from = 0;
    for (;; number++) {
      const at = indexOfBytes(pending.bytes, mark, Math.max(from, searched));
      // The end may be the beginning of a separator.
      requireLength((at < 0 ? pending.length - mark.length + 1 : at) - from);
      if (at < 0) break;
      if (!isBlank(pending.bytes, from, at)) yield pending.bytes.slice(from, at);
      from = searched = at + mark.length;
    }
    pending.drop(from);
  }
  requireLength(pending.length);
  if (!isBlank(pending.bytes, 0, pending.length)) yield pending.bytes.slice();

  function requireLength(length: number): void {
    if (length <= maxBytes) return;
    throw new UserError(
      `Cannot read ${name}: got more than ${maxBytes} bytes in document ${number}, must be at most that many. ` +
        `Name the separator that stands between its documents, instead of ${excerpt(separator)}`,
    );
  }
}

/**
 * Bytes are added at the end and removed at the beginning. Room doubles, so that each byte is moved only a few times.
 */
class PendingBytes {
  #bytes = new Uint8Array(1 << 16);
  length = 0;

  /** Valid until more is added or dropped. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  append(piece: Uint8Array): void {
    const length = this.length + piece.length;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      grown.set(this.bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.length);
    this.length = length;
  }

  /** Drops the first `count` bytes. */
  drop(count: number): void {
    if (count === 0) return;
    this.#bytes.copyWithin(0, count, this.length);
    this.length -= count;
  }
}

/** The first position of `mark` in `bytes` at or after `from`; -1 if there is none. */
export function indexOfBytes(bytes: Uint8Array, mark: Uint8Array, from = 0): number {
  for (let at = bytes.indexOf(mark[0], from); at >= 0; at = bytes.indexOf(mark[0], at + 1)) {
    let i = 1;
    while (i < mark.length && bytes[at + i] === mark[i]) i++;
    if (i === mark.length) return at;
  }
  return -1;
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (!isWhiteSpace(bytes[i])) return false;
  return true;
}

/** Whether a byte is white space of ASCII. */
export function isWhiteSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 9 && byte <= 13);
}
