import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { formatTiktoken, parseTiktoken, tiktokenOptionsFor } from "../../lib/tokenizer/tiktoken_file.ts";
import { loadTokenizer, parseVocabAndMerges } from "../../lib/tokenizer/tokenizer_dir.ts";
import { trainBpe } from "../../lib/tokenizer/train_bpe.ts";
import { SPECIALS } from "./arbitraries.ts";

const fixture = (name: string) => Deno.readTextFile(new URL(`../fixtures/${name}`, import.meta.url));

Deno.test("GPT-2's merges follow from its ranks alone", async () => {
  const gpt2 = parseVocabAndMerges(await fixture("cs336/gpt2_vocab.json"), await fixture("cs336/gpt2_merges.txt"), "x");
  const ranks = formatTiktoken(gpt2);
  assertEquals(ranks.split("\n").length, 50257, "a line per token but the special one, and the last newline");
  assertEquals(ranks.slice(0, 14), "IQ== 0\nIg== 1\n");
  const read = parseTiktoken(ranks, "x", tiktokenOptionsFor("dir/r50k_base.tiktoken"));
  assertEquals(read.merges, gpt2.merges);
  assertEquals(read.specials, gpt2.specials);
  for (let id = 0; id < gpt2.tokens.size; id++) assertEquals(read.tokens.get(id), gpt2.tokens.get(id));
});

Deno.test("loadTokenizer() reads a rank file, which gives the same ids", async () => {
  const text = "the cat sat on the mat, aaaa aaaaaa abababab naïve 你好 ".repeat(9);
  const tokenizer = await trainBpe(text, { vocabSize: 285, specialTokens: [] });
  const path = await Deno.makeTempFile({ suffix: ".tiktoken" });
  try {
    await Deno.writeTextFile(path, formatTiktoken(tokenizer.vocabulary));
    const loaded = await loadTokenizer(path);
    assertEquals(loaded.vocabulary.merges, tokenizer.vocabulary.merges);
    assertEquals(loaded.encode(text), tokenizer.encode(text));
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("rank files: what cannot be read or written is refused", async () => {
  const { vocabulary } = await trainBpe("the the the", { vocabSize: 258 + SPECIALS.length, specialTokens: SPECIALS });
  const good = formatTiktoken(vocabulary);
  const options = { pattern: "gpt2", specials: [] } as const;
  const refused = (text: string, message: string) =>
    assertThrows(() => parseTiktoken(text, "x.tiktoken", options), UserError, message);
  refused(`${good}IQ==\n`, "must be a token in base64 and its rank");
  refused(`${good}eHl6 900\n`, "token 900, which no merge of two others makes");
  refused(`${good}eHk= 256\n`, "rank 256 twice");
  refused(good.split("\n").slice(1).join("\n"), "tokens for 255 bytes");
  const swapped = vocabulary.merges.slice();
  swapped.set(vocabulary.merges.subarray(3, 6), 0);
  swapped.set(vocabulary.merges.subarray(0, 3), 3);
  assertThrows(() => formatTiktoken({ ...vocabulary, merges: swapped }), UserError, "in the order of ids");
});
