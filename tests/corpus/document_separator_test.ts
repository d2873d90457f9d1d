// A separator between documents becomes one id, and no merge crosses it, wherever a text is cut.
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeFiles } from "../../lib/corpus/encode/encode_files.ts";
import { encodeParts, wholeInputs } from "../../lib/corpus/encode/encode_parts.ts";
import { encodeShards } from "../../lib/corpus/encode/encode_shards.ts";
import { trainBpe } from "../../lib/corpus/train_bpe.ts";
import { readNpy } from "../../lib/dataset/npy_file.ts";
import { openTokens } from "../../lib/dataset/sharded_tokens.ts";
import { shardName } from "../../lib/dataset/shard_files.ts";
import { UserError } from "../../lib/errors.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";
import { SPECIALS } from "../tokenizer/arbitraries.ts";
import { latinOf, toLatin, trainOracle } from "../tokenizer/oracle.ts";

const tokenizer = await trainBpe("the cat sat on the mat --- don't -- they'll \n\n\n é ---\n".repeat(20), {
  vocabSize: 285,
  specialTokens: SPECIALS,
});

/** Of dashes, line ends, parts of special tokens, one that is a special token itself. */
const SEPARATORS = ["-----", "\n-----\n", "\n\n\n", "\r\n\r\n", " ", "-", "at", "é", "<|end|>", "d|><|", "a b a b"];

const separators = fc.constantFrom(...SEPARATORS);
const textsWith = fc.array(
  fc.oneof(
    separators,
    fc.constantFrom("-", "--", "\n", "\r\n", " ", "the cat", " sat", "a", " b", "é", "\u00a0", "7", "<|end", "|>"),
    fc.constantFrom(...SPECIALS),
  ),
  { maxLength: 60 },
).map((atoms) => atoms.join(""));

/** The ids of a text: it is taken apart by a regular expression, and each part is encoded alone. */
function expectedIds(text: string, separator: string, id: number, specials: "special" | "text"): number[] {
  const ids = new Map(specials === "text" ? [] : tokenizer.specialTokens);
  ids.set(separator, id);
  const found = [...ids.keys()].sort((a, b) => b.length - a.length).map((text) => RegExp.escape(text)).join("|");
  return text.split(new RegExp(`(${found})`)).flatMap((part, i) =>
    i % 2 === 1 ? [ids.get(part)!] : [...tokenizer.encode(part, { specials: "text" })]
  );
}

Deno.test("a document separator is one id, whatever the segments, threads, shards and pieces", () =>
  inTemporaryDirectory((dir) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(textsWith.filter((text) => text !== ""), { minLength: 1, maxLength: 3 }),
        separators,
        fc.constantFrom("special", "text"),
        fc.integer({ min: 1, max: 60 }),
        async (texts, separator, specials, size) => {
          const documentSeparator = { text: separator, id: tokenizer.specialTokens.get("<|endoftext|>")! };
          const options = { specials, documentSeparator } as const;
          const each = texts.map((text) => expectedIds(text, separator, documentSeparator.id, specials));
          const expected = each.flat();
          const inputs = await Promise.all(texts.map(async (text, i) => {
            const path = `${dir}/${i}.txt`;
            await Deno.writeTextFile(path, text);
            return { path, bytes: (await Deno.stat(path)).size, isGzip: false, isJsonLines: false };
          }));
          assertEquals(texts.map((text) => [...tokenizer.encode(text, options)]), each);
          const streamed = await Array.fromAsync(encodeParts(tokenizer, wholeInputs(inputs), options));
          assertEquals(streamed.flatMap((ids) => [...ids]), expected);
          const ranges = inputs.map(({ path, bytes }) => ({ path, start: 0, end: bytes, endsText: true }));
          await encodeFiles(tokenizer, ranges, `${dir}/out.npy`, { ...options, segmentBytes: size, workers: 1 });
          assertEquals([...await readNpy(`${dir}/out.npy`)], expected);
          const { numShards } = await encodeShards(tokenizer, inputs, `${dir}/s`, {
            ...options,
            size: { shardBytes: size },
            replace: true,
          });
          const shards = Array.from({ length: numShards }, (_, i) => readNpy(shardName(`${dir}/s`, i, numShards)));
          assertEquals((await Promise.all(shards)).flatMap((ids) => [...ids]), expected);
        },
      ),
      { seed: 8, numRuns: 60 },
    )
  ));

Deno.test("several threads find a separator at every seam of their segments", () =>
  inTemporaryDirectory(async (dir) => {
    const text = `the cat sat${"\n-----\n"}`.repeat(400);
    await Deno.writeTextFile(`${dir}/a.txt`, text);
    const ranges = [{ path: `${dir}/a.txt`, start: 0, end: text.length, endsText: true }];
    const documentSeparator = { text: "\n-----\n", id: 0 };
    for (const segmentBytes of [5, 18, 97]) {
      await encodeFiles(tokenizer, ranges, `${dir}/out.npy`, { documentSeparator, segmentBytes, workers: 3 });
      const ids = [...await readNpy(`${dir}/out.npy`)];
      assertEquals(ids, expectedIds(text, "\n-----\n", 0, "special"));
      assertEquals(ids.filter((id) => id === 0).length, 400);
    }
  }));

Deno.test("trainBpe() merges nothing across a document separator, which is no token", () =>
  inTemporaryDirectory((dir) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(textsWith, { minLength: 1, maxLength: 3 }),
        separators,
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 2 }),
        async (texts, separator, segmentBytes, workers) => {
          const expected = trainOracle(texts.map(latinOf), 20, [...new Set([...SPECIALS, separator])]);
          const paths = texts.map((_, i) => `${dir}/t${i}`);
          for (const [i, path] of paths.entries()) await Deno.writeTextFile(path, texts[i]);
          for (const sources of [paths.map((path) => ({ path })), texts]) {
            const { vocabulary: { tokens, merges, specials } } = await trainBpe(sources, {
              vocabSize: 256 + SPECIALS.length + expected.length,
              specialTokens: SPECIALS,
              documentSeparator: separator,
              segmentBytes,
              workers: sources === texts ? 1 : workers,
            });
            const learned = Array.from({ length: merges.length / 3 }, (_, i) =>
              [0, 1].map((side) => toLatin(tokens.get(merges[i * 3 + side]))));
            assertEquals(learned, expected);
            assertEquals(
              specials.map(({ text }) =>
                text
              ),
              SPECIALS,
            );
          }
        },
      ),
      { seed: 9, numRuns: 40 },
    )
  ));

Deno.test("what was written down of ids has the separator; shards with another are not gone on with", () =>
  inTemporaryDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/a.txt`, "the cat\n---\nsat\n---\n".repeat(200));
    const { size: bytes } = await Deno.stat(`${dir}/a.txt`);
    const inputs = [{ path: `${dir}/a.txt`, bytes, isGzip: false, isJsonLines: false }];
    const encode = (name: string, text?: string, id = 0) =>
      encodeShards(tokenizer, inputs, `${dir}/${name}`, {
        size: { numShards: 2 },
        ...(text !== undefined && { documentSeparator: { text, id } }),
      });
    await encode("plain");
    await encode("dashes", "\n---\n");
    for (const [name, text, id] of [["plain", "-"], ["dashes"], ["dashes", "-"], ["dashes", "\n---\n", 1]] as const) {
      await assertRejects(() => encode(name, text, id), UserError, "got another documentSeparator");
    }
    for (const [name, separator] of [["plain", undefined], ["dashes", { text: "\n---\n", id: 0 }]] as const) {
      for (const path of [shardName(`${dir}/${name}`, 1, 2), `${dir}/${name}.index.json`]) {
        using tokens = await openTokens(path);
        assertEquals(tokens.provenance!.documentSeparator, separator);
      }
    }
    const index = JSON.parse(await Deno.readTextFile(`${dir}/plain.index.json`));
    assertEquals("documentSeparator" in index.arguments, false);
    // Of the same index, a shard of another run is made anew.
    for (const file of [shardName(`${dir}/plain`, 0, 2), `${shardName(`${dir}/plain`, 0, 2)}.provenance.json`]) {
      await Deno.copyFile(file, file.replace("/plain", "/dashes"));
    }
    await encode("dashes", "\n---\n");
    const ids = await Promise.all([0, 1].map((i) => readNpy(shardName(`${dir}/dashes`, i, 2))));
    const text = await Deno.readTextFile(`${dir}/a.txt`);
    assertEquals(ids.flatMap((ids) => [...ids]), expectedIds(text, "\n---\n", 0, "special"));
  }));

Deno.test("a document separator is refused that is no text, or whose id is no token's", async () => {
  const wrong = { documentSeparator: { text: "-", id: 1000 } };
  assertThrows(() => tokenizer.encode("a", wrong), RangeError, "got id 1000");
  await assertRejects(() => Array.fromAsync(encodeParts(tokenizer, [], wrong)), RangeError, "got id 1000");
  assertThrows(() => tokenizer.encode("a", { documentSeparator: { text: "", id: 0 } }), UserError, "an empty text");
  await assertRejects(() => trainBpe("a", { vocabSize: 257, documentSeparator: "" }), UserError, "an empty text");
});
