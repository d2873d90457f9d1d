import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { documentsOf, splitDocuments } from "../../lib/dataset/split_documents.ts";
import { UserError } from "../../lib/errors.ts";
import { PathExistsError } from "../../lib/io/rename_to_new.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("documentsOf() finds what String.split() finds, wherever the text was cut", async () => {
  const atom = fc.constantFrom("<|end|>", "<|end", "|>", "<", " ", "\n", "a", "é");
  await fc.assert(
    fc.asyncProperty(fc.array(atom, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), async (atoms, size) => {
      const bytes = encode(atoms.join(""));
      async function* pieces() {
        for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
      }
      const found = await Array.fromAsync(documentsOf(pieces(), "<|end|>"), decode);
      assertEquals(found, atoms.join("").split("<|end|>").filter((text) => text.trim() !== ""));
    }),
    { seed: 3, numRuns: 300 },
  );
});

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
