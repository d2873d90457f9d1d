import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { documentsOf } from "../../lib/corpus/documents.ts";
import { UserError } from "../../lib/errors.ts";
import { reusedPieces } from "../dataset/pieces.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("documentsOf() finds what String.split() finds, wherever the text was cut", async () => {
  const atom = fc.constantFrom("<|end|>", "<|end", "|>", "<", " ", "\n", "a", "é");
  await fc.assert(
    fc.asyncProperty(fc.array(atom, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), async (atoms, size) => {
      const text = atoms.join("");
      const found = await Array.fromAsync(documentsOf(reusedPieces(encode(text), size), "<|end|>"));
      assertEquals(found.map(decode), text.split("<|end|>").filter((text) => text.trim() !== ""));
    }),
    { seed: 3, numRuns: 300 },
  );
});

Deno.test("documentsOf() refuses exactly the documents that are too long, wherever the text was cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 30 }),
      async (lengths, size) => {
        const text = encode(lengths.map((length) => "x".repeat(length)).join("<|>"));
        const all = () => Array.fromAsync(documentsOf(reusedPieces(text, size), "<|>", { name: "t", maxBytes: 9 }));
        const tooLong = lengths.findIndex((length) => length > 9);
        if (tooLong < 0) await all();
        else await assertRejects(all, UserError, `Cannot read t: got more than 9 bytes in document ${tooLong + 1}`);
      },
    ),
    { seed: 4, numRuns: 300 },
  );
  await assertRejects(
    () => Array.fromAsync(documentsOf(reusedPieces(encode("a"), 1), "")),
    UserError,
    "the separator is empty",
  );
});

/** Bytes that typed arrays copied during `run`. */
async function bytesCopied(run: () => Promise<unknown>): Promise<number> {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype);
  const { set, slice, copyWithin } = prototype;
  let copied = 0;
  prototype.set = function (this: Uint8Array, source: ArrayLike<number>, at?: number) {
    copied += source.length;
    return set.call(this, source, at);
  };
  prototype.slice = function (this: Uint8Array, ...args: [number?, number?]) {
    const part = slice.apply(this, args);
    copied += part.length;
    return part;
  };
  prototype.copyWithin = function (this: Uint8Array, target: number, start: number, end?: number) {
    copied += (end ?? this.length) - start;
    return copyWithin.call(this, target, start, end);
  };
  try {
    await run();
  } finally {
    Object.assign(prototype, { set, slice, copyWithin });
  }
  return copied;
}

async function* views(text: Uint8Array, size: number) {
  for (let at = 0; at < text.length; at += size) yield text.subarray(at, at + size);
}

Deno.test("documentsOf() copies each byte a few times, however long the document and small the pieces", async () => {
  for (const length of [1 << 18, 1 << 20]) {
    const text = encode("x".repeat(length));
    const copied = await bytesCopied(() => Array.fromAsync(documentsOf(views(text, 1000), "<|end|>")));
    assert(copied >= length && copied <= 5 * length, `${copied} of ${length}`);
  }
});
