import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { HashSet } from "../../lib/corpus/document_hash.ts";
import { splitDocuments } from "../../lib/corpus/split_documents.ts";
import { UserError } from "../../lib/errors.ts";
import { PathExistsError } from "../../lib/io/rename_to_new.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("splitDocuments() puts each document into one file, in order, the same ones for the same seed", async () => {
  const dir = await Deno.makeTempDir();
  const documents = Array.from({ length: 2000 }, (_, i) => `document ${i}`);
  async function* all() {
    for (const text of documents) yield encode(text);
  }
  const split = async (seed: number, validFraction = 0.1) => {
    const paths = { train: `${dir}/train.txt`, valid: `${dir}/valid.txt` };
    const parts = await splitDocuments(all(), paths, { seed, validFraction, separator: "<|e|>\n" });
    const read = async (path: string) => (await Deno.readTextFile(path)).split("<|e|>\n").slice(0, -1);
    return { parts, train: await read(paths.train), valid: await read(paths.valid) };
  };
  try {
    const { parts, train, valid } = await split(1);
    assertEquals([parts.train.documents, parts.valid.documents], [train.length, valid.length]);
    const kept = new Set(valid);
    assertEquals(train, documents.filter((text) => !kept.has(text)));
    assertEquals(valid, documents.filter((text) => kept.has(text)));
    // Binomial with 2000 × 0.1: five standard deviations of sqrt(180).
    assert(Math.abs(valid.length - 200) < 5 * Math.sqrt(180), `${valid.length} documents`);
    assertEquals((await split(1)).valid, valid);
    assert((await split(2)).valid.join() !== valid.join());
    await assertRejects(() => split(1, 1e-9), UserError, "got 0 for validation");
    const before = await Deno.readTextFile(`${dir}/train.txt`);
    const signal = AbortSignal.abort(new UserError("stopped"));
    const paths = { train: `${dir}/train.txt`, valid: `${dir}/valid.txt` };
    const options = { seed: 2, validFraction: 0.5, separator: "\n" };
    await assertRejects(() => splitDocuments(all(), paths, { ...options, signal }), UserError, "stopped");
    await assertRejects(() => splitDocuments(all(), paths, { ...options, replace: false }), PathExistsError);
    assertEquals(await Deno.readTextFile(`${dir}/train.txt`), before);
    assertEquals(Array.from(Deno.readDirSync(dir), ({ name }) => name).sort(), ["train.txt", "valid.txt"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("splitDocuments() counts validation documents that are training documents too", async () => {
  const dir = await Deno.makeTempDir();
  const paths = { train: `${dir}/train.txt`, valid: `${dir}/valid.txt` };
  // Every third document is one of a few that come again and again.
  const documents = Array.from({ length: 3000 }, (_, i) => i % 3 === 0 ? `copy ${i % 7}` : `document ${i}`);
  async function* all() {
    for (const text of documents) yield encode(text);
  }
  try {
    const { sharedDocuments } = await splitDocuments(all(), paths, { seed: 1, validFraction: 0.1, separator: "\n" });
    const [train, valid] = await Promise.all([paths.train, paths.valid].map((path) => Deno.readTextFile(path)));
    const known = new Set(train.split("\n").slice(0, -1));
    assertEquals(sharedDocuments, valid.split("\n").slice(0, -1).filter((text) => known.has(text)).length);
    assert(sharedDocuments > 50, `${sharedDocuments}`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("splitDocuments() drops documents that came before, on request, and moves no other", async () => {
  const dir = await Deno.makeTempDir();
  const paths = { train: `${dir}/train.txt`, valid: `${dir}/valid.txt` };
  const documents = fc.array(
    fc.tuple(fc.nat(9), fc.constantFrom("", " ", "\n", "\r\n\t"), fc.constantFrom("", "\n")).map(([i, before, after]) =>
      `${before}text ${i}${after}`
    ),
    { maxLength: 60 },
  );
  const split = async (texts: readonly string[], seed: number, dropDuplicates: boolean) => {
    async function* all() {
      for (const text of texts) yield encode(text);
    }
    const result = await splitDocuments(all(), paths, { seed, validFraction: 0.4, separator: "|", dropDuplicates });
    const [train, valid] = await Promise.all([paths.train, paths.valid].map((path) => Deno.readTextFile(path)));
    return { ...result, train: train.split("|").slice(0, -1), valid: valid.split("|").slice(0, -1) };
  };
  try {
    await fc.assert(
      fc.asyncProperty(documents, fc.nat(99), async (tail, seed) => {
        // Enough of both parts, whatever is drawn; each has its position, to tell it from its copies.
        const texts = [...Array.from({ length: 30 }, (_, i) => `only ${i}`), ...tail];
        const all = await split(texts, seed, false);
        const inTrain = new Set(all.train.map((text) => text.trim()));
        assertEquals(all.sharedDocuments, all.valid.filter((text) => inTrain.has(text.trim())).length);
        assertEquals(all.droppedDocuments, 0);
        // Which part each position goes to shows in texts that are all different.
        const numbered = await split(texts.map((_, i) => String(i)), seed, false);
        const first = texts.map((text, i) => texts.findIndex((other) => other.trim() === text.trim()) === i);
        const expected = (part: readonly string[]) => part.map(Number).filter((i) => first[i]).map((i) => texts[i]);
        const once = await split(texts, seed, true);
        assertEquals([once.train, once.valid], [expected(numbered.train), expected(numbered.valid)]);
        assertEquals(once.droppedDocuments, first.filter((isFirst) => !isFirst).length);
        assertEquals(once.sharedDocuments, 0);
      }),
      { seed: 6, numRuns: 40 },
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("HashSet holds what a Set holds, through growth and where places are taken", () => {
  const hashes = fc.array(
    fc.oneof(fc.nat(20).map((i) => i * 2 ** 20 + 1023), fc.nat(3000), fc.maxSafeInteger().map(Math.abs)),
    { maxLength: 4000, size: "max" },
  );
  fc.assert(
    fc.property(hashes, (hashes) => {
      const set = new HashSet(), known = new Set<number>();
      for (const hash of hashes) {
        assertEquals(set.add(hash), !known.has(hash));
        known.add(hash);
      }
      for (const hash of known) assertEquals(set.add(hash), false);
    }),
    { seed: 7, numRuns: 30 },
  );
});
