import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LongStretchError, MAX_STRETCH_BYTES } from "../../lib/tokenizer/pretokenize/long_stretch.ts";
import { Tokenizer } from "../../lib/tokenizer/tokenizer.ts";
import { TokenBytes } from "../../lib/tokenizer/encode/token_bytes.ts";
import { trainBpe } from "../../lib/corpus/train_bpe.ts";
import { hostileText, SPECIALS } from "./arbitraries.ts";

const TEXT = "the cat sat on the mat, naïve 你好 🙂 <|endoftext|> ";
const tokenizer = await trainBpe(TEXT.repeat(20), { vocabSize: 285, specialTokens: SPECIALS });

Deno.test("countTokens() and encodeInto() are encode()'s length and ids, whatever the text", () => {
  fc.assert(fc.property(hostileText, fc.nat(40), fc.constantFrom("special", "text"), (text, limit, specials) => {
    const ids = tokenizer.encode(text, { specials });
    for (const source of [text, new TextEncoder().encode(text)]) {
      assertEquals(tokenizer.countTokens(source, Infinity, { specials }), ids.length);
      assertEquals(tokenizer.countTokens(source, limit, { specials }), Math.min(ids.length, limit + 1));
      const target = new Uint16Array(ids.length + 3).fill(9999);
      assertEquals(tokenizer.encodeInto(source, target, { specials }), ids.length);
      assertEquals([...target], [...ids, 9999, 9999, 9999]);
    }
  }));
});

Deno.test("countTokens() of a text of many pieces breaks no character, and no pair of surrogates", () => {
  // Periods that no piece's length is a multiple of, and half a pair at the end.
  for (const part of ["🙂", "a🙂", "你🙂好", TEXT, "\ud83d🙂"]) {
    for (const shift of ["", "x", "xy"]) {
      const text = shift + `${part} `.repeat(9000) + "\ud83d";
      const { length } = tokenizer.encode(text);
      assertEquals(tokenizer.countTokens(text), length);
      assertEquals(tokenizer.countTokens(new TextEncoder().encode(text)), length);
      assertEquals([length - 1, length, 0].map((limit) => tokenizer.countTokens(text, limit)), [length, length, 1]);
    }
  }
  assertEquals(tokenizer.countTokens(""), 0);
  assertEquals(tokenizer.countTokens("", 0), 0);
});

Deno.test("countTokens() looks at no more of a text than its limit needs", () => {
  // What follows would be refused if it were looked at.
  const text = TEXT.repeat(10_000) + " ".repeat(MAX_STRETCH_BYTES + 1);
  assertThrows(() => tokenizer.countTokens(text), LongStretchError);
  assertEquals(tokenizer.countTokens(text, 1000), 1001);
  for (const limit of [-1, NaN]) assertThrows(() => tokenizer.countTokens(text, limit), RangeError, `limit ${limit}`);
});

Deno.test("encodeInto() refuses a target that is too small, or whose numbers are", () => {
  const { length } = tokenizer.encode(TEXT);
  assertEquals(tokenizer.encodeInto(TEXT, new Uint32Array(length)), length);
  const small = new Uint32Array(length - 1);
  assertThrows(() => tokenizer.encodeInto(TEXT, small), RangeError, `room for ${length - 1} ids`);
  // A text that was given up leaves nothing behind.
  assertEquals(tokenizer.decode(tokenizer.encode(TEXT)), TEXT);

  const tokens = new TokenBytes();
  for (let byte = 0; byte < 256; byte++) tokens.set(byte, Uint8Array.of(byte));
  const specials = [{ text: "<|far|>", id: 65536 }];
  tokens.set(65536, new TextEncoder().encode("<|far|>"));
  const large = new Tokenizer({ pattern: "gpt2", tokens, merges: new Uint32Array(), specials });
  assertThrows(() => large.encodeInto("a", new Uint16Array(9)), RangeError, "vocabulary of 65537 tokens");
  const target = new Uint32Array(2);
  assertEquals([large.encodeInto("a<|far|>", target), ...target], [2, 97, 65536]);
});
