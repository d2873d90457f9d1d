// Writes bytes and whole numbers up to 2^53 one after the other, and reads them back.

/** Appends bytes and numbers. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  length = 0;

  /** Everything written so far, valid until more is written. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  writeBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Writes a number from 0 to 2^53 - 1 as LEB128: seven bits a byte, the lowest first. */
  writeNumber(value: number): void {
    this.#reserve(8);
    while (value >= 0x80) {
      this.#bytes[this.length++] = value % 0x80 + 0x80;
      value = Math.floor(value / 0x80);
    }
    this.#bytes[this.length++] = value;
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.length + count, this.#bytes.length * 2));
    grown.set(this.bytes);
    this.#bytes = grown;
  }
}

/** Thrown by {@linkcode ByteReader} for bytes that no {@linkcode ByteWriter} wrote. */
export class DamagedBytesError extends RangeError {
  override readonly name = "DamagedBytesError";
}

/** Reads what {@linkcode ByteWriter} wrote. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /**
   * A view of the next bytes.
   *
   * @throws {DamagedBytesError} If there are fewer.
   */
  readBytes(count: number): Uint8Array {
    const start = this.#at;
    if (count > this.left) throw new DamagedBytesError("Cannot read bytes: got the end, must be more");
    this.#at += count;
    return this.#bytes.subarray(start, this.#at);
  }

  /** @throws {DamagedBytesError} If there is no number, or it is above 2^53 - 1. */
  readNumber(): number {
    let value = 0;
    for (let scale = 1;; scale *= 0x80) {
      if (this.left === 0) throw new DamagedBytesError("Cannot read a number: got the end, must be more");
      const byte = this.#bytes[this.#at++];
      value += (byte & 0x7f) * scale;
      // Eight bytes hold 56 bits.
      if (value > Number.MAX_SAFE_INTEGER || scale >= 2 ** 56) {
        throw new DamagedBytesError("Cannot read a number: got more than 2^53 - 1, must be at most that");
      }
      if (byte < 0x80) return value;
    }
  }
}
