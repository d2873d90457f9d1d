// Walks over the records of a Parquet file without allocating anything, before a library reads them: their lists may claim
// any length.

/**
 * Thrift's compact protocol, as far as Parquet uses it.
 *
 * Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
const STOP = 0, TRUE = 1, FALSE = 2, BYTE = 3, I16 = 4, I32 = 5, I64 = 6, DOUBLE = 7, BINARY = 8, LIST = 9, STRUCT = 12;

/** The most values of one record. A footer has about 30 for each column of each row group. */
const MAX_VALUES = 1 << 22;

/** The most records in each other. */
const MAX_DEPTH = 16;

/** What is wrong with a record. */
export class ThriftError extends Error {
  override readonly name = "ThriftError";
}

/** The numbers of a record by their place in it: `2`, or `5.1` for the first field of the fifth. */
export type ThriftNumbers = ReadonlyMap<string, number>;

/** Walks over one record, and keeps the whole numbers of the upper two levels. */
export class ThriftWalk {
  readonly #view: DataView;
  readonly #numbers = new Map<string, number>();
  #at: number;
  #numValues = 0;

  private constructor(bytes: Uint8Array, start: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
  }

  /**
   * Walks over the record at `start`.
   * @returns Where it ends, and its numbers.
   * @throws {ThriftError} If it does not end within `bytes`, or claims more than it can have.
   */
  static over(bytes: Uint8Array, start = 0): { readonly end: number; readonly numbers: ThriftNumbers } {
    const walk = new ThriftWalk(bytes, start);
    walk.#struct("", 0);
    return { end: walk.#at, numbers: walk.#numbers };
  }

  #struct(path: string, depth: number): void {
    if (depth > MAX_DEPTH) throw new ThriftError(`more than ${MAX_DEPTH} records in each other`);
    for (let id = 0;;) {
      const byte = this.#byte();
      const type = byte & 15;
      if (type === STOP) return;
      id = byte >> 4 === 0 ? this.#zigzag() : id + (byte >> 4);
      this.#value(type, path === "" ? String(id) : `${path}.${id}`, depth);
    }
  }

  #value(type: number, path: string, depth: number): void {
    if (++this.#numValues > MAX_VALUES) throw new ThriftError(`a record of more than ${MAX_VALUES} values`);
    switch (type) {
      case TRUE:
      case FALSE:
        return;
      case BYTE:
        return this.#skip(1);
      case I16:
      case I32:
      case I64: {
        const number = this.#zigzag();
        if (depth <= 1) this.#numbers.set(path, number);
        return;
      }
      case DOUBLE:
        return this.#skip(8);
      case BINARY:
        return this.#skip(this.#varint());
      case LIST:
        return this.#list(path, depth);
      case STRUCT:
        return this.#struct(path, depth + 1);
      default:
        throw new ThriftError(`a value of type ${type}`);
    }
  }

  #list(path: string, depth: number): void {
    const byte = this.#byte();
    const type = byte & 15;
    const size = byte >> 4 === 15 ? this.#varint() : byte >> 4;
    // Every element takes a byte or more.
    if (size > this.#view.byteLength - this.#at) throw new ThriftError(`a list of ${size} values`);
    for (let i = 0; i < size; i++) this.#value(type === TRUE || type === FALSE ? BYTE : type, `${path}[]`, depth + 1);
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Above 2⁵³ not exact, where it is no size of anything. */
  #varint(): number {
    let value = 0;
    for (let scale = 1, i = 0; i < 10; scale *= 128, i++) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new ThriftError("a number of more than 10 bytes");
  }

  #byte(): number {
    if (this.#at >= this.#view.byteLength) throw new ThriftError("a record that ends too early");
    return this.#view.getUint8(this.#at++);
  }

  #skip(count: number): void {
    if (count > this.#view.byteLength - this.#at) throw new ThriftError("a record that ends too early");
    this.#at += count;
  }
}
