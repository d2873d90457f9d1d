import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../../../lib/errors.ts";
import { PATTERN_NAMES } from "../../../lib/tokenizer/pretokenize/patterns.ts";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.ts";
import { formatTokenizerJson, parseTokenizerJson } from "../../../lib/tokenizer/vocabulary/tokenizer_json.ts";
import { TOKENIZER_JSON_KEYS } from "../../../lib/tokenizer/vocabulary/tokenizer_json_keys.ts";

type Json = Record<string, unknown>;

interface Case {
  readonly name: string;
  readonly set: readonly (readonly [path: string, value: unknown])[];
  readonly texts: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

const { base, cases }: { base: Json; cases: Case[] } = JSON.parse(
  Deno.readTextFileSync(new URL("../../fixtures/tokenizer/tokenizer_json_cases.json", import.meta.url)),
);

/** A copy of a file with one value set, or a key taken away where the value is `undefined`. */
function changed(file: Json, path: string, value: unknown): Json {
  const copy = structuredClone(file);
  const parents = path.split(".");
  const key = parents.pop()!;
  let target = copy;
  for (const parent of parents) target = target[parent] as Json;
  if (value === undefined) delete target[key];
  else target[key] = value;
  return copy;
}

/** The vocabulary of a file, and what was said when it was read. */
function read(file: Json) {
  const notes: string[] = [];
  const vocabulary = parseTokenizerJson(JSON.stringify(file), "f", { onNote: (note) => notes.push(note) });
  return { vocabulary, notes };
}

for (const { name, set, texts } of cases) {
  Deno.test(`parseTokenizerJson() gives Hugging Face's ids: ${name}`, () => {
    const { vocabulary } = read(set.reduce((file, [path, value]) => changed(file, path, value), base));
    // As it was read, and once more as it was written from that.
    const again = parseTokenizerJson(formatTokenizerJson(vocabulary), "again");
    for (const tokenizer of [new Tokenizer(vocabulary), new Tokenizer(again)]) {
      for (const { text, ids } of texts) assertEquals([...tokenizer.encode(text)], ids, text.slice(0, 60));
    }
  });
}

const END = (base.added_tokens as Json[])[0];
const TEMPLATE = cases.find(({ name }) => name === "a token before each text")!.set[0][1];
const SEQUENCE = cases.find(({ name }) => name === "processors in a Sequence")!.set[0][1];

Deno.test("parseTokenizerJson() says what Hugging Face's encode() does besides, and nothing else", () => {
  const said = (path: string, value: unknown) => read(changed(base, path, value)).notes;
  assertEquals(read(base).notes, []);
  for (const { name, set } of cases) {
    const { notes } = read(set.reduce((file, [path, value]) => changed(file, path, value), base));
    const expected = { "a token before each text": 1, "processors in a Sequence": 1, truncation: 1, padding: 1 }[name];
    assertEquals(notes.length, expected ?? 0, name);
  }
  assertStringIncludes(
    said("post_processor", TEMPLATE)[0],
    `f: the post_processor is left out: it puts "<|endoftext|>"`,
  );
  assertStringIncludes(said("post_processor", SEQUENCE)[0], `"<|endoftext|>"`);
  const roberta = { type: "RobertaProcessing", sep: ["</s>", 2], cls: ["<s>", 0], trim_offsets: true };
  assertStringIncludes(said("post_processor", roberta)[0], `"<s> </s>"`);
  assertStringIncludes(said("truncation", { max_length: 5 })[0], "truncation is left out");
  // Hugging Face's tokenizers gives an added token the next id, whatever the file says.
  const vocabSize = Object.keys((base.model as Json).vocab as Json).length;
  assertStringIncludes(said("added_tokens", [END, { id: 5000, content: "xx" }])[0], `give it ${vocabSize}`);
});

/** A Sequence that holds a Sequence that holds a Sequence … */
function deep(listName: string): Json {
  let sequence: Json = { type: "Sequence", [listName]: [] };
  for (let i = 0; i < 4; i++) sequence = { type: "Sequence", [listName]: [sequence] };
  return sequence;
}

/** By key: a value that would change ids, and a part of the message that refuses it. */
const REFUSED: Record<string, readonly (readonly [value: unknown, message: string])[]> = {
  version: [["2.0", `"version" "2.0"`]],
  normalizer: [
    [{ type: "Nmt" }, `"normalizer.type" "Nmt"`],
    [{ type: "Sequence", normalizers: [{ type: "Strip" }] }, `"normalizer.normalizers[0].type" "Strip"`],
    [{ type: "NFC", form: "C" }, `"normalizer.form"`],
    [{ type: "Replace", pattern: { String: "ab" }, content: "" }, `"normalizer.pattern.String" "ab"`],
    [{ type: "Replace", pattern: { Regex: "a" }, content: "" }, `"normalizer.pattern.Regex"`],
    [{ type: "Prepend", prepend: 7 }, `"normalizer.prepend" 7`],
    ["NFC", `"normalizer" "NFC"`],
    [deep("normalizers"), "must be a Sequence in at most 3 others"],
  ],
  decoder: [
    [deep("decoders"), "must be a Sequence in at most 3 others"],
    [{ type: "Sequence", decoders: [{ type: "ByteLevel" }, { type: "Fuse" }] }, `"decoder.decoders[1].type" "Fuse"`],
    [{ type: "Metaspace" }, `"decoder.type" "Metaspace"`],
    [7, `"decoder" 7`],
  ],
  post_processor: [
    [{ type: "RobertaProcessing", cls: [{}, 1], sep: ["</s>", 2] }, `"post_processor.cls" [{},1]`],
    [deep("processors"), "must be a Sequence in at most 3 others"],
    [{ type: "Other" }, `"post_processor.type" "Other"`],
    [[], `"post_processor" []`],
  ],
  truncation: [[3, `"truncation" 3`]],
  added_tokens: [
    [{}, `"added_tokens" {}`],
    [[{ ...END, lstrip: "yes" }], `"added_tokens[0].lstrip" "yes"`],
    [[{ ...END, pattern: "x" }], `"added_tokens[0].pattern"`],
    [[{ ...END, content: "" }], "an empty text"],
    [[{ ...END, content: "\ud800" }], "half a surrogate pair"],
    [[{ ...END, id: "5" }], `"added_tokens[0].id" "5"`],
    [[{ ...END, id: 7 }], `special token "<|endoftext|>" with ids 7 and`],
    [[END, { id: 900, content: "x y" }, { id: 901, content: "x y" }], `"x y" with ids 901 and 900`],
    [[END, { id: 900, content: "x y" }, { id: 900, content: "y z" }], "id 900 twice"],
    // The spelling of two spaces, which merges make.
    [[END, { id: ((base.model as Json).vocab as Json)["ĠĠ"], content: "ĠĠ" }], "spelling of other bytes"],
  ],
  "model.type": [["Unigram", `"model.type" "Unigram", must be BPE`]],
  "model.dropout": [[0.1, `"model.dropout" 0.1`]],
  "model.continuing_subword_prefix": [["##", `"model.continuing_subword_prefix" "##"`]],
  "model.end_of_word_suffix": [["</w>", `"model.end_of_word_suffix" "</w>"`]],
  "model.ignore_merges": [["yes", `"model.ignore_merges" "yes"`]],
  "model.vocab": [[null, `"model.vocab" null`], [[], `"model.vocab" []`]],
  "model.merges": [
    [undefined, `no "model.merges"`],
    [[null], "merge 0 null"],
    [["a b c"], `merge 0 "a b c"`],
    [["ab"], `merge 0 "ab"`],
    [[["a", ""]], `merge 0 ["a",""]`],
    [[["a", 5]], `merge 0 ["a",5]`],
    [[["q", "q"]], `merge "q q" without a token "qq"`],
  ],
  "model.max_input_chars": [[5, `"model.max_input_chars"`]],
  "model.unk_token": [[7, `"model.unk_token" 7`]],
  "model.vocab.a": [[-1, `id -1 for token "a"`], [1.5, "id 1.5"], [
    0,
    "twice",
  ]],
  "model.vocab.x y": [[900, `token "x y"`]],
  pre_tokenizer: [
    [null, `"pre_tokenizer" null`],
    [deep("pretokenizers"), "must be a Sequence in at most 3 others"],
    [{ type: "Whitespace" }, `"pre_tokenizer.type" "Whitespace", must be ByteLevel`],
    [{ type: "Digits", individual_digits: 1 }, `"pre_tokenizer.individual_digits" 1`],
    [{ type: "Punctuation", behavior: "Glued" }, `"pre_tokenizer.behavior" "Glued"`],
    [{ type: "Sequence", pretokenizers: [] }, "must be ByteLevel"],
    [{ type: "Digits", individual_digits: true }, "must be ByteLevel"],
    [{ type: "ByteLevel", trim_offsets: true }, `no "pre_tokenizer.add_prefix_space"`],
    [{ type: "ByteLevel", add_prefix_space: false, other: 1 }, `"pre_tokenizer.other"`],
  ],
  other: [[1, `"other"`]],
};

Deno.test("parseTokenizerJson() refuses by name what it cannot do", () => {
  for (const [path, values] of Object.entries(REFUSED)) {
    for (const [value, message] of values) {
      const text = JSON.stringify(changed(base, path, value));
      const error = assertThrows(() => parseTokenizerJson(text, "dir/f.json"), UserError);
      assertStringIncludes(error.message, message);
      assert(error.message.length < 400 && !error.message.includes("\n"), error.message);
    }
  }
  assertThrows(
    () => parseTokenizerJson(JSON.stringify(base).slice(0, -100), "f"),
    UserError,
    "got text that is not JSON",
  );
  assertThrows(() => parseTokenizerJson("[]", "f"), UserError, "must be a JSON object");
});

Deno.test("parseTokenizerJson() refuses a Split that it does not know, in a short line", () => {
  const refused = (change: Json, message: string) => {
    const { set } = cases.find(({ name }) => name === "Isolated")!;
    const split = { ...(set[0][1] as { pretokenizers: Json[] }).pretokenizers[0], ...change };
    const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
    const file = changed(base, "pre_tokenizer", { type: "Sequence", pretokenizers: [split, byteLevel] });
    const error = assertThrows(() => read(file), UserError);
    assertStringIncludes(error.message, message);
    assert(error.message.length < 400, `${error.message.length} characters`);
  };
  refused({ behavior: "Merged" }, `"Merged", must be one of Isolated, Removed, MergedWithPrevious, MergedWithNext`);
  refused({ pattern: { Regex: "x".repeat(100_000) } }, "100000 characters");
  refused({ pattern: { Regex: "(?<=a)b" } }, "got (?<=, a look-behind");
  refused({ pattern: { String: "" } }, "pattern");
  refused({ invert: "no" }, "invert");
  refused({ flags: "i" }, "flags");
});

Deno.test("every key of a tokenizer.json has its place in the table", () => {
  const written = JSON.parse(formatTokenizerJson(read(base).vocabulary));
  const inTable = (fields: Json, keys: object) => assertEquals(Object.keys(fields).sort(), Object.keys(keys).sort());
  inTable(written, TOKENIZER_JSON_KEYS.root);
  inTable(written.model, TOKENIZER_JSON_KEYS.model);
  inTable(written.added_tokens[0], TOKENIZER_JSON_KEYS.added_token);
  inTable(written.pre_tokenizer, TOKENIZER_JSON_KEYS.ByteLevel);
});

Deno.test("parseTokenizerJson() gives back the pattern that formatTokenizerJson() wrote", () => {
  for (const pattern of PATTERN_NAMES) {
    const json = formatTokenizerJson({ ...read(base).vocabulary, pattern });
    assertEquals(parseTokenizerJson(json, "x").pattern, pattern);
    assertEquals(parseTokenizerJson(json, "x", { pattern }).pattern, pattern);
    const other = PATTERN_NAMES.find((name) => name !== pattern);
    assertThrows(() => parseTokenizerJson(json, "x", { pattern: other }), UserError, `must be ${pattern}`);
  }
});
