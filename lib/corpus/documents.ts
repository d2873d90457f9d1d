// The documents of a text: what stands between separators.
import { UserError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";

/** The longest document that is read: it is held whole. */
export const MAX_DOCUMENT_BYTES: number = 128 << 20;

/** How documents are read. */
export interface DocumentOptions {
  /** What the text is called, for messages. */
  readonly name?: string;
  /** Bytes that a document may have. Default: {@linkcode MAX_DOCUMENT_BYTES}. */
  readonly maxBytes?: number;
}

/**
 * The documents of a text: what stands between separators, without those that hold only white space. Each is the caller's
 * own.
 *
 * @param pieces The text, cut anywhere; pieces may be reused by their maker.
 * @throws {UserError} If the separator is empty, or a document too long.
 */
export async function* documentsOf(
  pieces: AsyncIterable<Uint8Array>,
  separator: string,
  { name = "the text", maxBytes = MAX_DOCUMENT_BYTES }: DocumentOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const mark = new TextEncoder().encode(separator);
  if (mark.length === 0) {
    throw new UserError(
      "Cannot divide text into documents: got an empty separator, must have characters. Choose another",
    );
  }
  const pending = new PendingBytes();
  let number = 1;
  for await (const piece of pieces) {
    // A separator may lie across the seam, not before it.
    let searched = Math.max(0, pending.length - mark.length + 1);
    pending.append(piece);
    let from = 0;
    for (;; number++) {
      const at = indexOfBytes(pending.bytes, mark, Math.max(from, searched));
      // The beginning of a separator may be at the end.
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

/** Bytes added at the end and taken away at the beginning. Room doubles, so that each is moved a few times only. */
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

/** Where `mark` is in `bytes` from position `from` on; -1 if nowhere. */
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
