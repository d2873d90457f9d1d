// How what unpacks a stream has to treat the source that it reads from.
import { assert, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";

/** What unpacks a stream of bytes. */
export type Unpack = (source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** The bytes of these parts, as a source gives them that cuts them into pieces of one size. */
export async function* inPieces(parts: readonly Uint8Array[], size: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(Buffer.concat(parts));
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** That an error of the source, in the middle of what it gives, arrives as it is. */
export async function assertPassesOnErrors(unpack: Unpack, packed: Uint8Array): Promise<void> {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield packed.subarray(0, 20);
    throw new TypeError("the source broke");
  }
  await assertRejects(() => Array.fromAsync(unpack(broken())), TypeError, "the source broke");
}

/** That a source is closed, and soon, when nobody reads on. */
export async function assertClosesSource(unpack: Unpack, packed: Uint8Array): Promise<void> {
  let given = 0;
  const closed = Promise.withResolvers<void>();
  async function* endless() {
    try {
      for (;; given++) yield packed;
    } finally {
      closed.resolve();
    }
  }
  for await (const piece of unpack(endless())) if (piece.length > 0) break;
  await closed.promise;
  assert(given < 200, `${given} pieces`);
}
