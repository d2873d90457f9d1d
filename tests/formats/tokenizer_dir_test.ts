import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import type { LoadOptions } from "../../lib/tokenizer/load_options.ts";
import { formatTiktoken } from "../../lib/tokenizer/vocabulary/tiktoken_file.ts";
import { loadTokenizer, saveTokenizer } from "../../lib/formats/tokenizer_dir.ts";
import { formatTokenizerJson } from "../../lib/tokenizer/vocabulary/tokenizer_json.ts";
import type { Tokenizer } from "../../lib/tokenizer/tokenizer.ts";
import { parseVocabAndMerges } from "../../lib/tokenizer/vocabulary/vocab_and_merges.ts";
import { trainBpe } from "../../lib/corpus/train_bpe.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TEXT = "the cat the hat __proto__ 1010 10 constructor \u00a0naïve 你好 <|im start|> ".repeat(9);
const SPECIALS = ["<|im start|>", "<|pad|>"];
const tokenizer = await trainBpe(TEXT, { vocabSize: 290, specialTokens: SPECIALS });
/** Splits what it says differently from GPT-2's pattern. */
const CL100K_TEXT = "I'LL 12345 x\n\n ";
const cl100k = await trainBpe(CL100K_TEXT.repeat(9), { vocabSize: 266, specialTokens: SPECIALS, pattern: "cl100k" });

const fixture = (name: string) => Deno.readTextFileSync(new URL(`../fixtures/${name}`, import.meta.url));

/** What is loaded, and what was said. */
async function load(path: string, options: LoadOptions = {}) {
  const notes: string[] = [];
  return { loaded: await loadTokenizer(path, { ...options, onNote: (note) => notes.push(note) }), notes };
}

function assertSame(loaded: Tokenizer, expected: Tokenizer, text: string): void {
  assertEquals([...loaded.specialTokens], [...expected.specialTokens]);
  assertEquals(loaded.vocabSize, expected.vocabSize);
  assertEquals(loaded.vocabulary.pattern, expected.vocabulary.pattern);
  assertEquals(loaded.vocabulary.merges, expected.vocabulary.merges);
  for (let id = 0; id < expected.vocabSize; id++) assertEquals(loaded.decodeBytes([id]), expected.decodeBytes([id]));
  assertEquals(loaded.encode(text), expected.encode(text));
}

Deno.test("loadTokenizer() reads what saveTokenizer() wrote, from either kind of file", () =>
  inTemporaryDirectory(async (dir) => {
    const path = `${dir}/deep/tok`;
    await saveTokenizer(tokenizer, path);
    for (const name of ["", "/", "/tokenizer.json"]) {
      const { loaded, notes } = await load(path + name);
      assertSame(loaded, tokenizer, TEXT);
      assertEquals(notes, []);
    }
    await Deno.remove(`${path}/tokenizer.json`);
    for (const name of ["", "/vocab.json", "/merges.txt"]) {
      const { loaded, notes } = await load(path + name, { pattern: "gpt2" });
      assertSame(loaded, tokenizer, TEXT);
      assertEquals(notes.length, 1);
      assertStringIncludes(
        notes[0],
        `vocab.json does not say which tokens are special; assumed: "<|im start|>`,
      );
    }
    await Deno.writeTextFile(`${path}/config.json`, "{}");
    await saveTokenizer(tokenizer, path);
    const files = Array.from(Deno.readDirSync(path), (entry) => entry.name).sort();
    assertEquals(files, ["config.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "vocab.json"]);
    assertSame((await load(path)).loaded, tokenizer, TEXT);
    await Deno.remove(`${path}/tokenizer.json`);
    await Deno.remove(`${path}/merges.txt`);
    await assertRejects(() => loadTokenizer(path), UserError, "merges.txt: got no such file");
    await assertRejects(() => loadTokenizer(`${dir}/none`), UserError, "got none of tokenizer.json");
  }));

Deno.test("loadTokenizer() needs a pattern for files that do not say it, and gives the same ids with it", () =>
  inTemporaryDirectory(async (dir) => {
    await saveTokenizer(cl100k, dir);
    await Deno.remove(`${dir}/tokenizer.json`);
    // Its own tokenizer_config.json says it.
    assertSame((await load(dir)).loaded, cl100k, CL100K_TEXT);
    await Deno.remove(`${dir}/tokenizer_config.json`);
    await Deno.writeTextFile(`${dir}/ranks.tiktoken`, formatTiktoken(cl100k.vocabulary));
    await Deno.writeTextFile(`${dir}/tokenizer.model`, formatTiktoken(cl100k.vocabulary));
    const specialTokens = cl100k.vocabulary.specials;
    for (const path of [dir, `${dir}/ranks.tiktoken`, `${dir}/tokenizer.model`]) {
      await assertRejects(() => loadTokenizer(path), UserError, "got no pattern");
      assertSame((await load(path, { pattern: "cl100k", specialTokens })).loaded, cl100k, CL100K_TEXT);
    }
    const { loaded, notes } = await load(`${dir}/ranks.tiktoken`, { pattern: "cl100k" });
    assertEquals([...loaded.specialTokens], []);
    assertEquals(loaded.encode(CL100K_TEXT), cl100k.encode(CL100K_TEXT));
    assertEquals(notes, [`${dir}/ranks.tiktoken does not say which tokens are special: none is`]);
    for (const name of ["vocab.json", "merges.txt"]) await Deno.remove(`${dir}/${name}`);
    assertSame((await load(dir, { pattern: "cl100k", specialTokens })).loaded, cl100k, CL100K_TEXT);
  }));

Deno.test("loadTokenizer() refuses what contradicts a file that says it itself", () =>
  inTemporaryDirectory(async (dir) => {
    await saveTokenizer(cl100k, dir);
    await assertRejects(() => loadTokenizer(dir, { pattern: "gpt2" }), UserError, "must be cl100k");
    assertEquals((await loadTokenizer(dir, { pattern: "cl100k" })).vocabulary.pattern, "cl100k");
    const [special] = cl100k.vocabulary.specials;
    await loadTokenizer(dir, { specialTokens: [special] });
    for (const other of [{ ...special, id: 5 }, { text: "other", id: special.id }]) {
      await assertRejects(() => loadTokenizer(dir, { specialTokens: [other] }), UserError, "special token");
    }
    await Deno.writeTextFile(`${dir}/cl100k_base.tiktoken`, formatTiktoken(cl100k.vocabulary));
    await assertRejects(() => loadTokenizer(`${dir}/cl100k_base.tiktoken`), UserError, "must be 100256");
  }));

Deno.test("loadTokenizer() knows GPT-2's files, by their old names too, and reads added_tokens.json", () =>
  inTemporaryDirectory(async (dir) => {
    const merges = `#version: 0.2\n${fixture("cs336/gpt2_merges.txt")}`;
    const vocab = fixture("cs336/gpt2_vocab.json");
    const vectors: { text: string; ids: number[] }[] = JSON.parse(fixture("tokenizer/gpt2_vectors.json"));
    for (const [vocabName, mergesName] of [["encoder.json", "vocab.bpe"], ["vocab.json", "merges.txt"]]) {
      await Deno.writeTextFile(`${dir}/${vocabName}`, vocab);
      await Deno.writeTextFile(`${dir}/${mergesName}`, merges);
      for (const path of [dir, `${dir}/${vocabName}`, `${dir}/${mergesName}`]) {
        const { loaded, notes } = await load(path);
        assertEquals(notes, []);
        assertEquals([...loaded.specialTokens], [["<|endoftext|>", 50256]]);
        for (const { text, ids } of vectors) assertEquals([...loaded.encode(text)], ids);
      }
    }
    await Deno.writeTextFile(`${dir}/added_tokens.json`, `{"<|chat|>": 50257}`);
    const { loaded } = await load(dir);
    assertEquals([...loaded.encode("<|chat|><|endoftext|>")], [50257, 50256]);
  }));

Deno.test("loadTokenizer() reads files with a byte order mark, and lines that end as in Windows", () =>
  inTemporaryDirectory(async (dir) => {
    await saveTokenizer(tokenizer, dir);
    await Deno.writeTextFile(`${dir}/x.tiktoken`, formatTiktoken(tokenizer.vocabulary));
    for (const name of ["tokenizer.json", "vocab.json", "merges.txt", "x.tiktoken"]) {
      const text = await Deno.readTextFile(`${dir}/${name}`);
      await Deno.writeTextFile(`${dir}/${name}`, `\ufeff${text.replaceAll("\n", "\r\n")}\r\n`);
    }
    const options = { pattern: "gpt2", specialTokens: tokenizer.vocabulary.specials } as const;
    assertSame((await load(dir)).loaded, tokenizer, TEXT);
    assertSame((await load(`${dir}/x.tiktoken`, options)).loaded, tokenizer, TEXT);
    assertSame((await load(`${dir}/vocab.json`, options)).loaded, tokenizer, TEXT);
  }));

Deno.test("loadTokenizer() refuses other kinds of files by name", () =>
  inTemporaryDirectory(async (dir) => {
    const utf16 = (text: string) => new Uint8Array(Uint16Array.from(`\ufeff${text}`, (c) => c.charCodeAt(0)).buffer);
    const files: Record<string, readonly [content: Uint8Array | string, message: string]> = {
      "tokenizer.model": [Uint8Array.of(0x0a, 0x0e, 0x0a, 0x05, 0x3c, 0xff, 0x80), "a SentencePiece model"],
      "model.gguf": [Uint8Array.of(0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, 0xff), "a GGUF file"],
      "utf16.json": [utf16(formatTokenizerJson(tokenizer.vocabulary)), "UTF-16 text"],
      "notes.txt": ["just text", "text of another kind"],
      "list.bpe": ["#version: 0.2\nt h\n", "a list of merges alone"],
      "tekken.json": [`{"config": {}, "vocab": []}`, `"config"`],
      "empty.json": ["", "text of another kind"],
    };
    for (const [name, [content, message]] of Object.entries(files)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(`${dir}/${name}`, bytes);
      await assertRejects(() => loadTokenizer(`${dir}/${name}`), UserError, message);
    }
    await assertRejects(() => loadTokenizer(dir), UserError, "a SentencePiece model");
  }));

Deno.test("saveTokenizer() leaves out what could not say that merges are ignored for whole tokens", () =>
  inTemporaryDirectory(async (dir) => {
    const ranks = `${
      formatTiktoken((await trainBpe("", { vocabSize: 256, specialTokens: [] })).vocabulary)
    }emVicmE= 256\n`;
    await Deno.writeTextFile(`${dir}/x.tiktoken`, ranks);
    const { loaded } = await load(`${dir}/x.tiktoken`, { pattern: "gpt2" });
    assertEquals([...loaded.encode("zebra")], [256]);
    await saveTokenizer(loaded, `${dir}/saved`);
    const files = Array.from(Deno.readDirSync(`${dir}/saved`), ({ name }) => name).sort();
    assertEquals(files, ["tokenizer.json", "tokenizer_config.json"]);
    const again = (await load(`${dir}/saved`)).loaded;
    assertEquals(again.encode("zebra zebras zebra"), loaded.encode("zebra zebras zebra"));
  }));

Deno.test("saveTokenizer() refuses a special token that is spelled like another token", async () => {
  const clash = await trainBpe("aaaa", { vocabSize: 258, specialTokens: ["\u0120\u0120"] });
  assertEquals(clash.decode([0]), "\u0120\u0120");
  const spaces = await trainBpe("    ", { vocabSize: 258, specialTokens: ["\u0120\u0120"] });
  assertThrows(() => formatTokenizerJson(spaces.vocabulary), UserError, "Choose another special token");
});

Deno.test("a merge that comes again counts once, at its last place", () =>
  inTemporaryDirectory(async (dir) => {
    await saveTokenizer(tokenizer, dir);
    await Deno.remove(`${dir}/tokenizer.json`);
    const merges = await Deno.readTextFile(`${dir}/merges.txt`);
    const [, first] = merges.split("\n");
    await Deno.writeTextFile(`${dir}/merges.txt`, merges + `${first}\n`.repeat(100_000));
    const { loaded } = await load(dir, { pattern: "gpt2" });
    const { merges: last } = loaded.vocabulary;
    assertEquals(last.length, tokenizer.vocabulary.merges.length);
    // The last place counts, as with Hugging Face: see the recorded cases.
    assertEquals([...last.subarray(-3)], [...tokenizer.vocabulary.merges.subarray(0, 3)]);
    assert(loaded.encode(TEXT).length > 0);
  }));

Deno.test("more merges than the kernel can rank are refused before they are read", () => {
  const { vocab } = JSON.parse(fixture("tokenizer/tokenizer_json_cases.json")).base.model;
  const many = new Array<string>(2 ** 24 - 1);
  const parse = () => parseVocabAndMerges(JSON.stringify(vocab), many, "x", { pattern: "gpt2" });
  assertThrows(parse, UserError, "got 16777215 merges, must be at most 16777214");
});
