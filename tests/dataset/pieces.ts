/** Bytes cut into pieces of `size` bytes, all in the same memory, as readers of files hand them out. */
export async function* reusedPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    piece.set(part);
    yield piece.subarray(0, part.length);
  }
}

/** Bytes cut into pieces that stay as they are. */
export async function* keptPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for await (const piece of reusedPieces(bytes, size)) yield piece.slice();
}
