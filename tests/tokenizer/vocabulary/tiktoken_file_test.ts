import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../../../lib/errors.ts";
import { knownRanks } from "../../../lib/tokenizer/known_files.ts";
import { formatTiktoken, parseTiktoken } from "../../../lib/tokenizer/vocabulary/tiktoken_file.ts";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.ts";
import { formatTokenizerJson, parseTokenizerJson } from "../../../lib/tokenizer/vocabulary/tokenizer_json.ts";
import { trainBpe } from "../../../lib/corpus/train_bpe.ts";
import { mergeLines, parseVocabAndMerges } from "../../../lib/tokenizer/vocabulary/vocab_and_merges.ts";
import type { Vocabulary } from "../../../lib/tokenizer/vocabulary/vocabulary.ts";
import { SPECIALS } from "../arbitraries.ts";

const fixture = (name: string) => Deno.readTextFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

const GPT2 = { pattern: "gpt2", specials: [] } as const;
const bytesAsRanks = Array.from({ length: 256 }, (_, byte) => `${Uint8Array.of(byte).toBase64()} ${byte}\n`).join("");
/** A rank file: the 256 bytes, then tokens in base64. */
const rankFile = (tokens: readonly string[]) =>
  bytesAsRanks + tokens.map((token, i) => `${token} ${256 + i}\n`).join("");

Deno.test("GPT-2's merges follow from its ranks alone", () => {
  const merges = mergeLines(fixture("cs336/gpt2_merges.txt"));
  const gpt2 = parseVocabAndMerges(fixture("cs336/gpt2_vocab.json"), merges, "x", { pattern: "gpt2" });
  const ranks = formatTiktoken(gpt2);
  assertEquals(ranks.split("\n").length, 50257, "a line per token but the special one, and the last newline");
  assertEquals(ranks.slice(0, 14), "IQ== 0\nIg== 1\n");
  const read = parseTiktoken(ranks, "x", knownRanks("dir/r50k_base.tiktoken", ranks)!);
  assertEquals(read.merges, gpt2.merges);
  assertEquals(read.specials, gpt2.specials);
  assertEquals(read.ignoreMerges, false, "every token is made by a merge");
  for (let id = 0; id < gpt2.tokens.size; id++) assertEquals(read.tokens.get(id), gpt2.tokens.get(id));
});

Deno.test("parseTiktoken() gives tiktoken's ids for tokens that no merge makes, or that come before their parts", () => {
  const cases: { tokens: string[]; texts: { text: string; ids: number[] }[] }[] = JSON.parse(
    fixture("tokenizer/rank_cases.json"),
  );
  let numUnmade = 0;
  for (const { tokens, texts } of cases) {
    const ranks = rankFile(tokens);
    const vocabulary = parseTiktoken(ranks, "x", GPT2);
    if (vocabulary.ignoreMerges) numUnmade++;
    // As it was read, and as both kinds of files bring it back.
    const asJson = parseTokenizerJson(formatTokenizerJson(vocabulary), "x");
    assertEquals(formatTiktoken(asJson), ranks);
    for (const tokenizer of [new Tokenizer(vocabulary), new Tokenizer(asJson)]) {
      for (const { text, ids } of texts) assertEquals([...tokenizer.encode(text)], ids, `${text}: ${tokens}`);
    }
  }
  assert(numUnmade > 5 && numUnmade < cases.length, `${numUnmade} of ${cases.length} cases have such tokens`);
});

Deno.test("parseTiktoken() takes time that grows with the file: one token of any length", () => {
  for (const numBytes of [60_000, 200_000, 2_000_000]) {
    const long = new Uint8Array(numBytes).fill(0x61);
    const tokenizer = new Tokenizer(parseTiktoken(rankFile(["YWE=", long.toBase64()]), "x", GPT2));
    assertEquals([...tokenizer.encode(long)], [257]);
    assertEquals(tokenizer.encode(long.subarray(1)).length, numBytes / 2, "pairs, and a byte alone");
  }
});

Deno.test("rank files: what cannot be read or written is refused in one short line", async () => {
  const { vocabulary } = await trainBpe("the the the", { vocabSize: 258 + SPECIALS.length, specialTokens: SPECIALS });
  const good = formatTiktoken(vocabulary);
  const refused = (text: string, message: string) => {
    const error = assertThrows(() => parseTiktoken(text, "x.tiktoken", GPT2), UserError);
    assertStringIncludes(error.message, message);
    assert(error.message.length < 300 && !error.message.includes("\n"), error.message);
  };
  refused(`${good}IQ==\n`, "must be a token in base64 and its rank");
  for (const base64 of ["A", "IQ", "IQ=", "IR==", "=", "I=Q=", "IQ===="]) refused(`${good}${base64} 900\n`, base64);
  refused(`${good}${"A".repeat(100_000)}! 900\n`, "must be a token in base64 and its rank");
  refused(`${good}eHl6 9999999\n`, "id 9999999");
  refused(`${good}eHk= 256\n`, "id 256 twice");
  refused(`${good}eHk= 900\neHk= 901\n`, `token "eHk=" with ranks 900 and 901`);
  refused(good.split("\n").slice(1).join("\n"), "tokens for 255 bytes");
  refused(`${good}${new Uint8Array(2 ** 24 + 1).toBase64()} 900\n`, "16777217 bytes");
  const swapped = vocabulary.merges.slice();
  swapped.set(vocabulary.merges.subarray(3, 6), 0);
  swapped.set(vocabulary.merges.subarray(0, 3), 3);
  assertThrows(() => formatTiktoken({ ...vocabulary, merges: swapped }), UserError, "in the order of ids");
});

Deno.test("formatTiktoken() refuses a vocabulary that its ranks would not mean", () => {
  // "abc" is made of a and bc here; ranks would make ab first, and then abc of ab and c.
  const { base } = JSON.parse(fixture("tokenizer/tokenizer_json_cases.json"));
  const bytes = Object.entries(base.model.vocab).filter(([token]) => token.length === 1);
  const read = (merges: string[], tokens: object, ignoreMerges: boolean) => {
    const vocab = { ...Object.fromEntries(bytes), ...tokens };
    const model = { ...base.model, vocab, merges, ignore_merges: ignoreMerges };
    return parseTokenizerJson(JSON.stringify({ ...base, added_tokens: [], model }), "x");
  };
  const refused = (vocabulary: Vocabulary, message: string) =>
    assertThrows(() => formatTiktoken(vocabulary), UserError, message);
  refused(read(["b c", "a bc"], { ab: 900, bc: 901, abc: 902 }, false), "got token 900");
  refused(read(["b c", "a b", "a bc"], { ab: 900, bc: 901, abc: 902 }, false), "id 900 after 901");
  refused(read(["a b"], { ab: 900, xyz: 901 }, false), "token 901, which no merge makes");
  assertStringIncludes(formatTiktoken(read(["a b"], { ab: 900, xyz: 901 }, true)), "eHl6 901\n");
  // As converters write it: each way to make the token, of which one alone ever comes about.
  const both = read(["a b", "b c", "ab c", "a bc"], { ab: 900, bc: 901, abc: 902 }, false);
  assertStringIncludes(formatTiktoken(both), "YWJj 902\n");
});
