// Tokenizers that split, normalize or find tokens in any way that a tokenizer.json can say, against Hugging Face's ids.
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { encodeFiles } from "../../../lib/corpus/encode/encode_files.ts";
import { readNpy } from "../../../lib/dataset/npy_file.ts";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.ts";
import { formatTokenizerJson, parseTokenizerJson } from "../../../lib/tokenizer/vocabulary/tokenizer_json.ts";
import { inTemporaryDirectory } from "../../harness/temporary_directory.ts";
import { hostileText, longText } from "../arbitraries.ts";

type Json = Record<string, unknown>;

interface Case {
  readonly name: string;
  readonly set: readonly (readonly [path: string, value: unknown])[];
  /** Of the ids of each text, 8 digits of their SHA-256. */
  readonly digests: string;
  /** The same of the texts that decoding gives, if they are there. */
  readonly decoded?: string;
}

interface Fixture {
  readonly base: Json;
  readonly texts: readonly string[];
  readonly cases: readonly Case[];
}

const read = (name: string) =>
  JSON.parse(Deno.readTextFileSync(new URL(`../../fixtures/tokenizer/${name}`, import.meta.url)));
/** Tokens made of bytes, and tokens made of characters. */
const fixtures: readonly Fixture[] = [read("split_cases.json"), read("sentence_piece_cases.json")];
const [{ texts: more }] = fixtures;
const cases = fixtures.flatMap(({ base, cases }) => cases.map((one) => ({ ...one, base })));
const hostile: Uint8Array[] = read("hostile_texts.json").map(({ b64 }: { b64: string }) => Uint8Array.fromBase64(b64));
/** The texts, in the order of the digests. */
const TEXTS: readonly string[] = [
  ...hostile.flatMap((bytes) => {
    try {
      return [new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)];
    } catch {
      return [];
    }
  }),
  ...more,
];

function fileOf({ base, set }: Case & { readonly base: Json }): string {
  const file: Json = structuredClone(base);
  for (const [path, value] of set) {
    const parents = path.split(".");
    const key = parents.pop()!;
    let target = file;
    for (const parent of parents) target = target[parent] as Json;
    target[key] = value;
  }
  return JSON.stringify(file);
}

function digestOf(ids: Uint32Array | Uint8Array): string {
  const bytes = new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
  return createHash("sha256").update(bytes).digest("hex").slice(0, 8);
}

const tokenizers = new Map<string, Tokenizer>(cases.map((one) => [
  one.name,
  new Tokenizer(parseTokenizerJson(fileOf(one), one.name)),
]));

for (const { name, digests, decoded } of cases) {
  Deno.test(`parseTokenizerJson() gives Hugging Face's ids of hostile texts: ${name}`, () => {
    const expected = digests.split(" ");
    assertEquals(expected.length, TEXTS.length);
    const tokenizer = tokenizers.get(name)!;
    // As it was read, and once more as it was written from that.
    const written = formatTokenizerJson(tokenizer.vocabulary);
    const again = parseTokenizerJson(written, "again");
    assertEquals(formatTokenizerJson(again), written);
    for (const one of [tokenizer, new Tokenizer(again)]) {
      for (const [i, text] of TEXTS.entries()) {
        const shown = `text ${i}: ${JSON.stringify(text.slice(0, 80))}`;
        const ids = one.encode(text);
        assertEquals(digestOf(ids), expected[i], shown);
        if (decoded === undefined) continue;
        assertEquals(digestOf(new TextEncoder().encode(one.decode(ids))), decoded.split(" ")[i], shown);
        assertEquals([...one.encode(text, { addSpecial: true })], [1, ...ids, 2]);
      }
    }
  });
}

const cutText = fc.record({
  text: fc.oneof(
    fc.array(fc.oneof(hostileText, longText, fc.constantFrom(...more)), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join("")),
    fc.constantFrom(...TEXTS),
  ),
  sizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
});

for (const [name, tokenizer] of tokenizers) {
  Deno.test(`the ids do not depend on how a text was cut: ${name}`, () => {
    fc.assert(
      fc.property(cutText, fc.boolean(), ({ text, sizes }, asText) => {
        const options = { specials: asText ? "text" : "special" } as const;
        const bytes = new TextEncoder().encode(text);
        const whole = [...tokenizer.encode(bytes, options)];
        const encoding = tokenizer.newEncoding(options);
        const pieces: number[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length];
          pieces.push(...encoding.push(bytes.subarray(at, at + size)));
          at += size;
        }
        pieces.push(...encoding.flush());
        assertEquals(pieces, whole);
        assertEquals(tokenizer.countTokens(bytes, Infinity, options), whole.length);
        const target = new Uint32Array(whole.length);
        assertEquals(tokenizer.encodeInto(bytes, target, options), whole.length);
        assertEquals([...target], whole);
      }),
      { seed: 3, numRuns: 150 },
    );
  });
}

Deno.test("files cut into segments for several threads have the ids of the text as a whole", () =>
  inTemporaryDirectory(async (dir) => {
    const text = [...TEXTS, ...TEXTS.toReversed()].join(" ");
    const bytes = new TextEncoder().encode(text);
    await Deno.writeFile(`${dir}/text`, bytes);
    for (const [name, tokenizer] of tokenizers) {
      const range = { path: `${dir}/text`, start: 0, end: bytes.length, endsText: true };
      await encodeFiles(tokenizer, [range], `${dir}/ids.npy`, { segmentBytes: 300, workers: 1, replace: true });
      assertEquals([...await readNpy(`${dir}/ids.npy`)], [...tokenizer.encode(bytes)], name);
    }
  }));
