import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { TokenBytes } from "../../lib/tokenizer/encode/token_bytes.ts";
import { Tokenizer } from "../../lib/tokenizer/tokenizer.ts";
import { trainBpe } from "../../lib/corpus/train_bpe.ts";
import { mergeLines, parseVocabAndMerges } from "../../lib/tokenizer/vocabulary/vocab_and_merges.ts";
import { cutBytes, hostileBytes, hostileText, SPECIALS } from "./arbitraries.ts";
import { encodeOracle, latinOf, toLatin } from "./oracle.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;
const read = (name: string) => Deno.readTextFileSync(`${FIXTURES}${name}`);

const gpt2 = new Tokenizer(
  parseVocabAndMerges(read("cs336/gpt2_vocab.json"), mergeLines(read("cs336/gpt2_merges.txt")), "gpt2_vocab.json", {
    pattern: "gpt2",
  }),
);
// Trained on text like that of the tests, so that merges apply.
const training = fc.sample(hostileText, { seed: 4, numRuns: 400 }).join("") + read("cs336/tinystories_sample.txt");
const small = await trainBpe(training, { vocabSize: 700, specialTokens: SPECIALS });
const { tokens, merges: triples } = small.vocabulary;
const merges = Array.from(
  { length: triples.length / 3 },
  (_, i) => [0, 1].map((side) => toLatin(tokens.get(triples[i * 3 + side]))) as [string, string],
);

const tokensOf = (tokenizer: Tokenizer, ids: Uint32Array) =>
  Array.from(ids, (id) => toLatin(tokenizer.vocabulary.tokens.get(id)));

async function throughStream(pieces: Uint8Array[], specials?: "text"): Promise<number[]> {
  const ids: number[] = [];
  for await (const part of ReadableStream.from(pieces).pipeThrough(small.encodeStream({ specials }))) ids.push(...part);
  return ids;
}

Deno.test("Tokenizer.encode() gives tiktoken's ids for GPT-2, and decode() gives the text back", () => {
  const vectors: { text: string; ids: number[] }[] = JSON.parse(read("tokenizer/gpt2_vectors.json"));
  assertEquals(gpt2.vocabSize, 50257);
  assertEquals([...gpt2.specialTokens], [["<|endoftext|>", 50256]]);
  for (const { text, ids } of vectors) {
    assertEquals([...gpt2.encode(text)], ids, JSON.stringify(text));
    assertEquals(gpt2.decode(ids), text);
  }
});

Deno.test("Tokenizer.encode() equals the slow oracle on hostile bytes, and decodeBytes() gives them back", () => {
  fc.assert(
    fc.property(hostileBytes, (bytes) => {
      const ids = small.encode(bytes);
      assertEquals(tokensOf(small, ids), encodeOracle(toLatin(bytes), merges, SPECIALS));
      assertEquals(small.decodeBytes(ids), bytes);
      assertEquals(small.decode(ids), new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
    }),
    { seed: 5, numRuns: 500 },
  );
});

Deno.test("Tokenizer.encode() takes specials as text on request", () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const ids = small.encode(text, { specials: "text" });
      assertEquals(tokensOf(small, ids), encodeOracle(latinOf(text), merges, []));
    }),
    { seed: 6, numRuns: 300 },
  );
});

Deno.test("Tokenizer.encode() merges pre-tokens of any length alike", () => {
  const part = fc.constantFrom("a", "b", "ab", "the", "你", "é", "st", "aaaaaaaaaaaaaaaa");
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 900, size: "max" }), (parts) => {
      const text = parts.join("");
      assertEquals(tokensOf(small, small.encode(text)), encodeOracle(latinOf(text), merges, []));
    }),
    { seed: 7, numRuns: 100 },
  );
});

Deno.test("Tokenizer.encode() is exact where the end of a very long pre-token decides how its start is merged", () => {
  // Letters in a fixed order, each merging with the next; the later in the order, the earlier the merge. So a chain of
  // them falls into pairs from its end on, and no window over its start can tell how.
  const letters = Array.from({ length: 500 }, (_, i) => latinOf(String.fromCodePoint(0x4e00 + i)));
  const rules = new Map<string, [string, string]>();
  const rule = (left: string, right: string) => rules.set(`${left} ${right}`, [left, right]);
  for (const [a, b, c] of letters) {
    rule(a, b);
    rule(a + b, c);
  }
  for (let i = letters.length - 2; i >= 0; i--) rule(letters[i], letters[i + 1]);
  const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  const idOf = new Map(bytes.map((byte, id) => [byte, id]));
  for (const [left, right] of rules.values()) idOf.set(left + right, idOf.size);
  const tokens = new TokenBytes();
  for (const [token, id] of idOf) tokens.set(id, Uint8Array.from(token, (c) => c.charCodeAt(0)));
  const merges = Uint32Array.from(
    [...rules.values()].flatMap(([left, right]) => [left, right, left + right].map((token) => idOf.get(token)!)),
  );
  const chained = new Tokenizer({ pattern: "gpt2", tokens, merges, specials: [] });
  for (const length of [40, 341, 342, 400, 499, 500]) {
    for (const text of [letters.slice(0, length).join(""), letters.slice(-length).join("") + letters.join("")]) {
      const ids = chained.encode(Uint8Array.from(text, (c) => c.charCodeAt(0)));
      assertEquals(tokensOf(chained, ids), encodeOracle(text, [...rules.values()], []));
    }
  }
});

Deno.test("Tokenizer.encodeStream() gives the same ids however the bytes are cut", async () => {
  await fc.assert(
    fc.asyncProperty(cutBytes, async ({ bytes, pieces }) => {
      assertEquals(await throughStream(pieces), [...small.encode(bytes)]);
      assertEquals(await throughStream(pieces, "text"), [...small.encode(bytes, { specials: "text" })]);
    }),
    { seed: 8, numRuns: 500 },
  );
});

Deno.test("Tokenizer.decodeStream() never splits a character", async () => {
  await fc.assert(
    fc.asyncProperty(hostileText, async (text) => {
      const wellFormed = text.toWellFormed();
      const parts: string[] = [];
      const oneByOne = [...small.encode(text)].map((id) => [id]);
      for await (const part of ReadableStream.from(oneByOne).pipeThrough(small.decodeStream())) parts.push(part);
      assertEquals(parts.join(""), wellFormed);
      for (const part of parts) assertEquals(part.isWellFormed(), true);
    }),
    { seed: 9, numRuns: 300 },
  );
});

Deno.test("Tokenizer.decode() replaces what is not UTF-8, and refuses ids it does not have", () => {
  assertEquals(small.decode(small.encode(Uint8Array.of(0x61, 0xff, 0xe4, 0xbd))), "a\ufffd\ufffd");
  assertEquals(small.decode(small.encode("\ufeffBOM")), "\ufeffBOM");
  for (const id of [700, -1, 1.5, NaN]) assertThrows(() => small.decode([id]), UserError, `token id ${id}`);
});
