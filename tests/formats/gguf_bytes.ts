// Builds GGUF files byte by byte, right or wrong, not by the code under test.

/** Bytes of several arrays, one after the other. */
export function bytesOf(...parts: readonly ArrayBufferView[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of parts) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return bytes;
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

export function u64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

export function string(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return bytesOf(u64(bytes.length), bytes);
}

/** A tensor's description; `shape` is row-major, and reversed here. */
export function tensor(name: string, shape: readonly number[], type: number, offset: number): Uint8Array {
  return bytesOf(string(name), u32(shape.length), ...shape.toReversed().map(u64), u32(type), u64(offset));
}

interface Parts {
  readonly version?: number;
  readonly numTensors?: number;
  readonly numValues?: number;
  /** Each is key, type and value. */
  readonly metadata?: readonly (readonly Uint8Array[])[];
  readonly tensors?: readonly Uint8Array[];
  readonly data?: Uint8Array;
  readonly alignment?: number;
}

/** A file of these parts. */
export function ggufOf(
  { version = 3, metadata = [], tensors = [], data, alignment = 32, ...counts }: Parts,
): Uint8Array {
  const { numTensors = tensors.length, numValues = metadata.length } = counts;
  const header = bytesOf(
    new TextEncoder().encode("GGUF"),
    u32(version),
    u64(numTensors),
    u64(numValues),
    ...metadata.flat(),
    ...tensors,
  );
  if (data === undefined) return header;
  return bytesOf(header, new Uint8Array(Math.ceil(header.length / alignment) * alignment - header.length), data);
}
