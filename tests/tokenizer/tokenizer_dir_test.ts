import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { PATTERN_NAMES } from "../../lib/tokenizer/patterns.ts";
import { loadTokenizer, saveTokenizer } from "../../lib/tokenizer/tokenizer_dir.ts";
import { formatTokenizerJson, parseTokenizerJson } from "../../lib/tokenizer/tokenizer_json.ts";
import type { Tokenizer } from "../../lib/tokenizer/tokenizer.ts";
import { trainBpe } from "../../lib/tokenizer/train_bpe.ts";

const TEXT = "the cat the hat __proto__ 1010 10 constructor \u00a0naïve 你好 <|im start|> ".repeat(9);
const tokenizer = await trainBpe(TEXT, { vocabSize: 290, specialTokens: ["<|im start|>", "<|pad|>"] });

interface TokenizerJson {
  normalizer: unknown;
  pre_tokenizer: { type: string; add_prefix_space?: boolean };
  added_tokens: { lstrip: boolean }[];
  model: { type: string; dropout: number; vocab: Record<string, number>; merges: [string, string][] };
}

async function inTemporaryDirectory(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function assertSame(loaded: Tokenizer): void {
  assertEquals([...loaded.specialTokens], [...tokenizer.specialTokens]);
  assertEquals(loaded.vocabSize, tokenizer.vocabSize);
  assertEquals(loaded.vocabulary.merges, tokenizer.vocabulary.merges);
  for (let id = 0; id < tokenizer.vocabSize; id++) assertEquals(loaded.decodeBytes([id]), tokenizer.decodeBytes([id]));
  assertEquals(loaded.encode(TEXT), tokenizer.encode(TEXT));
}

Deno.test("loadTokenizer() reads what saveTokenizer() wrote, from either kind of file", () =>
  inTemporaryDirectory(async (dir) => {
    const path = `${dir}/deep/tok`;
    await saveTokenizer(tokenizer, path);
    assertSame(await loadTokenizer(path));
    await Deno.remove(`${path}/tokenizer.json`);
    assertSame(await loadTokenizer(path));
    await Deno.writeTextFile(`${path}/config.json`, "{}");
    await saveTokenizer(tokenizer, path);
    const files = Array.from(Deno.readDirSync(path), (entry) => entry.name).sort();
    assertEquals(files, ["config.json", "merges.txt", "tokenizer.json", "vocab.json"]);
    assertSame(await loadTokenizer(path));
    await Deno.remove(`${path}/tokenizer.json`);
    await Deno.remove(`${path}/merges.txt`);
    await assertRejects(() => loadTokenizer(path), UserError, "got neither");
    await assertRejects(() => loadTokenizer(`${dir}/none`), UserError, "got neither");
  }));

Deno.test("parseTokenizerJson() reads merges written as pairs and as lines", () => {
  const json = JSON.parse(formatTokenizerJson(tokenizer.vocabulary));
  json.model.merges = json.model.merges.map((pair: string[]) => pair.join(" "));
  assertEquals(parseTokenizerJson(JSON.stringify(json), "x").merges, tokenizer.vocabulary.merges);
});

Deno.test("parseTokenizerJson() gives back the pattern that formatTokenizerJson() wrote", () => {
  for (const pattern of PATTERN_NAMES) {
    const json = formatTokenizerJson({ ...tokenizer.vocabulary, pattern });
    assertEquals(parseTokenizerJson(json, "x").pattern, pattern);
  }
});

Deno.test("saveTokenizer() refuses a special token that is spelled like another token", async () => {
  const clash = await trainBpe("aaaa", { vocabSize: 258, specialTokens: ["\u0120\u0120"] });
  assertEquals(clash.decode([0]), "\u0120\u0120");
  const spaces = await trainBpe("    ", { vocabSize: 258, specialTokens: ["\u0120\u0120"] });
  assertThrows(() => formatTokenizerJson(spaces.vocabulary), UserError, "Choose another special token");
});

Deno.test("parseTokenizerJson() refuses what it cannot do, and says why", () => {
  const good = formatTokenizerJson(tokenizer.vocabulary);
  const refused = (change: (json: TokenizerJson) => void, message: string) => {
    const json: TokenizerJson = JSON.parse(good);
    change(json);
    assertThrows(() => parseTokenizerJson(JSON.stringify(json), "dir/tokenizer.json"), UserError, message);
  };
  assertThrows(() => parseTokenizerJson(good.slice(0, -100), "f"), UserError, "Cannot read f: got no JSON");
  assertThrows(() => parseTokenizerJson("[]", "f"), UserError, "must be an object");
  refused((json) => json.model.type = "Unigram", "got model Unigram, must be BPE");
  refused((json) => json.model.dropout = 0.1, "model.dropout 0.1");
  refused((json) => json.normalizer = { type: "NFC" }, "got a normalizer");
  refused((json) => json.pre_tokenizer = { type: "Whitespace" }, "must be ByteLevel");
  refused((json) => json.pre_tokenizer.add_prefix_space = true, "must be ByteLevel");
  refused((json) => json.added_tokens[0].lstrip = true, "without lstrip");
  refused((json) => json.model.vocab["th"] = -1, "got id -1 for token th");
  refused((json) => json.model.vocab["zz"] = 5, "twice");
  refused((json) => delete json.model.vocab["a"], "no token for byte 97 (a)");
  refused((json) => json.model.vocab["x y"] = 900, "spelled in GPT-2's byte alphabet");
  refused((json) => json.model.merges.push(["q", "q"]), "got merge q q without a token qq");
});
