import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { loadTokenizer } from "../../lib/formats/tokenizer_dir.ts";
import type { LoadOptions } from "../../lib/tokenizer/load_options.ts";

const { base, cases } = JSON.parse(
  Deno.readTextFileSync(new URL("../fixtures/tokenizer/tokenizer_json_cases.json", import.meta.url)),
);
const { vocab, merges } = base.model;
const { base: pieces } = JSON.parse(
  Deno.readTextFileSync(new URL("../fixtures/tokenizer/sentence_piece_cases.json", import.meta.url)),
);
pieces.model.merges.length = 50;
const valueOf = (name: string) =>
  (cases as { name: string; set: [string, unknown][] }[]).find((c) => c.name === name)!.set[0][1];
const rankLines = Array.from({ length: 256 }, (_, byte) => `${Uint8Array.of(byte).toBase64()} ${byte}\n`);

/** Files of each kind, by the names they are loaded by. */
const FILES: Record<string, string> = {
  "tokenizer.json": JSON.stringify(base),
  "split.json": JSON.stringify({
    ...base,
    pre_tokenizer: valueOf("Isolated"),
    post_processor: valueOf("processors in a Sequence"),
    normalizer: valueOf("a normalizer without steps"),
  }),
  "steps.json": JSON.stringify({
    ...base,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Digits", individual_digits: true },
        { type: "Punctuation", behavior: "Contiguous" },
        {
          type: "Split",
          pattern: { Regex: "\\p{L}{1,3}(?=[a-z&&[^b]])|(?i:'ll)|\\s+(?!\\S)|[^\\p{N}]" },
          behavior: "Removed",
          invert: true,
        },
        { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
      ],
    },
    normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Prepend", prepend: "_" }] },
    added_tokens: [{ ...base.added_tokens[0], lstrip: true, single_word: true, normalized: true }],
  }),
  "pieces.json": JSON.stringify(pieces),
  "vocab.json": JSON.stringify(vocab),
  "merges.txt": `#version: 0.2\n${merges.map((merge: string[]) => merge.join(" ")).join("\n")}\n`,
  "added_tokens.json": `{"<|chat|>": 5000}`,
  "x.tiktoken": `${rankLines.join("")}YWI= 256\nYWJj 257\n`,
};

/** A change to a text's bytes: some taken out at a place, others put there. */
const byteChange = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  taken: fc.integer({ min: 0, max: 8 }),
  put: fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.constantFrom("null", '"', "[", "{}", "-1", "1e99", "\n", "\ufeff")),
});

function changeBytes(text: string, changes: readonly (typeof byteChange extends fc.Arbitrary<infer T> ? T : never)[]) {
  let bytes = [...new TextEncoder().encode(text)];
  for (const { at, taken, put } of changes) {
    const from = Math.floor(at * bytes.length);
    const added = typeof put === "string" ? new TextEncoder().encode(put) : put;
    bytes = [...bytes.slice(0, from), ...added, ...bytes.slice(from + taken)];
  }
  return Uint8Array.from(bytes);
}

/** Another value somewhere in a file of JSON: each step takes one of the keys. */
function changeValue(text: string, steps: readonly number[], value: unknown): Uint8Array {
  const root = { file: JSON.parse(text) };
  let parent: Record<string, unknown> = root, key = "file";
  for (const step of steps) {
    const child = parent[key];
    if (typeof child !== "object" || child === null || Object.keys(child).length === 0) break;
    parent = child as Record<string, unknown>;
    key = Object.keys(parent)[Math.floor(step * Object.keys(parent).length)];
  }
  if (value === undefined) delete parent[key];
  else parent[key] = value;
  return new TextEncoder().encode(JSON.stringify(root.file) ?? "");
}

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const otherValue = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    undefined,
    null,
    "",
    "a",
    "\ud800",
    "a b",
    0,
    5,
    -1,
    0.5,
    1e300,
    2 ** 31,
    [],
    {},
    true,
    "x".repeat(1e5),
  ),
);
const name = fc.constantFrom(...Object.keys(FILES));
const damaged = fc.oneof(
  fc.record({ name, changes: fc.array(byteChange, { minLength: 1, maxLength: 3 }) }).map(({ name, changes }) => ({
    name,
    bytes: changeBytes(FILES[name], changes),
  })),
  fc.record({
    name: fc.constantFrom(
      "tokenizer.json",
      "split.json",
      "steps.json",
      "pieces.json",
      "vocab.json",
      "added_tokens.json",
    ),
    steps: fc.array(fraction, { maxLength: 5 }),
    value: otherValue,
  }).map(({ name, steps, value }) => ({ name, bytes: changeValue(FILES[name], steps, value) })),
);

/** What files leave out that are not whole by themselves. */
const optionsFor = (name: string): LoadOptions =>
  ["vocab.json", "merges.txt", "added_tokens.json", "x.tiktoken"].includes(name) ? { pattern: "gpt2" } : {};

/** How many files to damage: more on request, to search for longer. */
const NUM_RUNS = Number(Deno.env.get("BYTELM_DAMAGED_FILES") ?? 400);

Deno.test("loadTokenizer() answers a damaged file with one short line, or loads what works", async () => {
  const dir = await Deno.makeTempDir();
  let numLoaded = 0;
  try {
    for (const [name, text] of Object.entries(FILES)) await Deno.writeTextFile(`${dir}/${name}`, text);
    for (const name of Object.keys(FILES)) {
      if (name !== "added_tokens.json") await loadTokenizer(`${dir}/${name}`, optionsFor(name));
    }
    await fc.assert(
      fc.asyncProperty(damaged, async ({ name, bytes }) => {
        const path = `${dir}/${name}`;
        await Deno.writeFile(path, bytes);
        try {
          const loaded = await loadTokenizer(
            name === "added_tokens.json" ? `${dir}/vocab.json` : path,
            optionsFor(name),
          );
          const text = "the cat\n\nabc <|endoftext|> x\u00e9 ab";
          const decoded = loaded.decode(loaded.encode(text, { addSpecial: true }));
          const { normalizer, missingBytes, around, sentencePieces, pattern } = loaded.vocabulary;
          // What changes a text, or leaves out a part of it, does not give it back.
          const isPlain = (normalizer ?? missingBytes ?? around ?? sentencePieces) === undefined;
          if (isPlain && typeof pattern === "string") assertEquals(decoded, text);
          numLoaded++;
        } catch (error) {
          assert(error instanceof UserError, error instanceof Error ? error.stack : String(error));
          assert(!error.message.includes("\n") && error.message.length < 600, error.message);
        } finally {
          await Deno.writeTextFile(path, FILES[name]);
        }
      }),
      { seed: 41, numRuns: NUM_RUNS },
    );
    assert(numLoaded > 0 && numLoaded < NUM_RUNS, `${numLoaded} of ${NUM_RUNS} could be loaded`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
