// Divides zstd data into its frames, without decompressing it.
import { UserError } from "../errors.ts";

/**
 * Why frames are divided here: the decompressor stops after the first one without a word, and takes one that is cut off
 * for a whole one.
 *
 * Source: RFC 8878, sections 3.1.1 and 3.1.2.
 */
const MAGIC = 0xfd2fb528;
/** The lower four bits of a skippable frame's magic are free. */
const SKIPPABLE_MAGIC = 0x184d2a50;

/** The most that the decompressor keeps of what came before, by its default: `zstd --ultra` goes beyond. */
export const MAX_WINDOW_BYTES = 1 << 27;

const MAX_BLOCK_BYTES = 1 << 17;

/** Frames are passed on in pieces of about this size. */
const PIECE_BYTES = 1 << 16;

/** A stream of bytes that is read in numbers of bytes. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #piece = new Uint8Array(0) as Uint8Array;
  #at = 0;
  /** Bytes read. */
  position = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next `count` bytes, or fewer at the end. */
  async take(count: number): Promise<Uint8Array> {
    if (this.#piece.length - this.#at < count) {
      const rest = this.#piece.subarray(this.#at);
      const parts = [rest];
      let length = rest.length;
      while (length < count) {
        const { done, value } = await this.#source.next();
        if (done) break;
        parts.push(value);
        length += value.length;
      }
      this.#piece = joined(parts, length);
      this.#at = 0;
    }
    const bytes = this.#piece.subarray(this.#at, this.#at + count);
    this.#at += bytes.length;
    this.position += bytes.length;
    return bytes;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

/** The frames of zstd data. Each must be read to its end before the next is asked for. */
export class ZstdFrames {
  readonly #reader: ByteReader;
  readonly #name: string;

  /**
   * @param source Pieces whose memory is not reused.
   * @param name The data's name, for messages.
   */
  constructor(source: AsyncIterable<Uint8Array>, name: string) {
    this.#reader = new ByteReader(source);
    this.#name = name;
  }

  /**
   * Whether another frame follows; skippable ones are passed over.
   * @throws {UserError} If what follows is no frame.
   */
  async hasNext(): Promise<boolean> {
    for (;;) {
      const start = this.#reader.position;
      const head = await this.#reader.take(4);
      if (head.length === 0 && start > 0) return false;
      const magic = head.length === 4 ? numberOf(head) : 0;
      if (magic === MAGIC) return true;
      if (magic >>> 4 !== SKIPPABLE_MAGIC >>> 4) {
        throw this.#damaged(start === 0 ? "no frame at its start" : `something else than a frame at byte ${start}`);
      }
      let left = numberOf(await this.#need(4));
      while (left > 0) left -= (await this.#need(Math.min(left, PIECE_BYTES))).length;
    }
  }

  /**
   * The bytes of the frame that {@linkcode hasNext} found, from its magic to its checksum.
   * @throws {UserError} If it is cut off, reserved bits are set, it needs a dictionary, or a window that is too large.
   */
  async *frame(): AsyncGenerator<Uint8Array> {
    const { bytes, hasChecksum } = await this.#header();
    let parts = [magicBytes(), ...bytes];
    let length = 0;
    for (let isLast = false; !isLast;) {
      const block = await this.#need(3);
      const word = block[0] | block[1] << 8 | block[2] << 16;
      const type = word >>> 1 & 3, size = word >>> 3;
      isLast = (word & 1) === 1;
      if (type === 3 || size > MAX_BLOCK_BYTES) {
        throw this.#damaged(`a block before byte ${this.#reader.position} that no frame has`);
      }
      // A block of one byte that is repeated has that byte.
      const body = await this.#need(type === 1 ? 1 : size);
      parts.push(block, body);
      length += block.length + body.length;
      if (isLast && hasChecksum) parts.push(await this.#need(4));
      if (length < PIECE_BYTES && !isLast) continue;
      yield joined(parts, parts.reduce((sum, part) => sum + part.length, 0));
      parts = [];
      length = 0;
    }
  }

  /** Closes the source. */
  async close(): Promise<void> {
    await this.#reader.close();
  }

  async #header(): Promise<{ bytes: Uint8Array[]; hasChecksum: boolean }> {
    const descriptor = await this.#need(1);
    const [bits] = descriptor;
    const isSingle = (bits & 0x20) !== 0;
    if ((bits & 8) !== 0) throw this.#damaged("a frame with a reserved bit");
    const windowByte = isSingle ? new Uint8Array(0) : await this.#need(1);
    const dictionary = await this.#need([0, 1, 2, 4][bits & 3]);
    const contentSize = await this.#need([isSingle ? 1 : 0, 2, 4, 8][bits >>> 6]);
    if (dictionary.some((byte) => byte !== 0)) {
      throw new UserError(
        `Cannot unpack ${this.#name}: got zstd data that needs a dictionary, must need none. Unpack it first, with zstd -d -D`,
      );
    }
    const window = isSingle ? sizeOf(contentSize) : windowOf(windowByte[0]);
    if (window > MAX_WINDOW_BYTES) {
      throw new UserError(
        `Cannot unpack ${this.#name}: got zstd data with a window of ${window} bytes, must be at most ${MAX_WINDOW_BYTES}. Unpack it first, with zstd -d --long=31`,
      );
    }
    return { bytes: [descriptor, windowByte, dictionary, contentSize], hasChecksum: (bits & 4) !== 0 };
  }

  async #need(count: number): Promise<Uint8Array> {
    const bytes = await this.#reader.take(count);
    if (bytes.length === count) return bytes;
    throw this.#damaged(`its end at byte ${this.#reader.position}, within a frame`);
  }

  #damaged(got: string): UserError {
    return new UserError(
      `Cannot unpack ${this.#name}: got damaged zstd data (${got}), must be a complete .zst file. Fetch it again`,
    );
  }
}

function magicBytes(): Uint8Array {
  return new Uint8Array(Uint32Array.of(MAGIC).buffer);
}

function windowOf(byte: number): number {
  const base = 2 ** (10 + (byte >>> 3));
  return base + base / 8 * (byte & 7);
}

/** The content's size; one of two bytes counts from 256. */
function sizeOf(bytes: Uint8Array): number {
  const size = bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
  return bytes.length === 2 ? size + 256 : size;
}

function numberOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true);
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
