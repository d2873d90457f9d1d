// Sources of text.

/** A text: a string, its bytes, a stream of them, or a file. Nothing checks whether the bytes are text. */
export type TextSource =
  | string
  | Uint8Array
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | { readonly path: string };

const PIECE_BYTES = 1 << 20;

/** The bytes of a text, in pieces cut anywhere; each is valid until the next is requested. */
export async function* textPieces(source: TextSource): AsyncGenerator<Uint8Array> {
  if (typeof source === "string") {
    yield new TextEncoder().encode(source);
  } else if (source instanceof Uint8Array) {
    yield source;
  } else if ("path" in source) {
    using file = await Deno.open(source.path, { read: true });
    const piece = new Uint8Array(PIECE_BYTES);
    for (let count = await file.read(piece); count !== null; count = await file.read(piece)) {
      yield piece.subarray(0, count);
    }
  } else {
    yield* source;
  }
}
