import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { readNpy } from "../../lib/dataset/npy_file.ts";
import { provenancePath } from "../../lib/dataset/provenance.ts";
import { convertTokens, type TokenFormat } from "../../lib/dataset/token_files/convert_tokens.ts";
import { openTokenFile, type OpenTokenFileOptions } from "../../lib/dataset/token_files/open_token_file.ts";
import { PathExistsError } from "../../lib/io/rename_to_new.ts";
import { trainBpe } from "../../lib/tokenizer/mod.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

interface TokenFile extends OpenTokenFileOptions {
  readonly name: string;
  readonly base64: string;
  readonly ids: number[] | null;
  /** How often the ids come, one after the other; once if it is not said. */
  readonly times?: number;
  readonly fails: string | null;
}

const STORED: TokenFile[] = JSON.parse(
  Deno.readTextFileSync(new URL("../fixtures/token_files/token_files.json", import.meta.url)),
);

const FILES = STORED.map(({ ids, times = 1, ...file }) => ({
  ...file,
  ids: ids && Array.from({ length: ids.length * times }, (_, i) => ids[i % ids.length]),
}));

async function idsOf(path: string, options: OpenTokenFileOptions = {}): Promise<number[]> {
  using tokens = await openTokenFile(path, options);
  const ids: number[] = [];
  for await (const piece of tokens.pieces()) for (const id of piece) ids.push(id);
  assertEquals(ids.length, tokens.length);
  return ids;
}

/** As assertEquals, but fast for long lists. */
function assertSame(got: readonly number[], expected: readonly number[] | null, name: string): void {
  const wrong = expected?.findIndex((id, i) => id !== got[i]);
  assertEquals([got.length, wrong], [expected?.length, -1], name);
}

Deno.test("openTokenFile() reads what NumPy, nanoGPT and llm.c write, or says what is wrong", () =>
  inTemporaryDirectory(async (dir) => {
    for (const { name, base64, ids, fails, fromFormat, array } of FILES) {
      await Deno.writeFile(`${dir}/${name}`, Uint8Array.fromBase64(base64));
      const read = () => idsOf(`${dir}/${name}`, { fromFormat, array });
      if (fails === null) assertSame(await read(), ids, name);
      else await assertRejects(read, UserError, fails, name);
    }
    await assertRejects(() => idsOf(`${dir}/a.npy`, { array: "x" }), UserError, "got no .npz file");
    await assertRejects(() => idsOf(`${dir}/none.npy`), Deno.errors.NotFound);
  }));

Deno.test("openTokenFile() refuses a file with a header that is cut off, wherever that is", () =>
  inTemporaryDirectory(async (dir) => {
    for (const wanted of ["stored.npz", "deflated.npz", "gpt2.bin", "a.npy"]) {
      const bytes = Uint8Array.fromBase64(FILES.find(({ name }) => name === wanted)!.base64);
      const path = `${dir}/${wanted}`;
      for (let length = 0; length < bytes.length; length++) {
        await Deno.writeFile(path, bytes.subarray(0, length));
        // Fewer than four bytes of llm.c's header are a file of nanoGPT's.
        if (wanted === "gpt2.bin" && length < 4) continue;
        await assertRejects(() => idsOf(path), UserError, "Cannot ", `${wanted}: ${length}`);
      }
    }
  }));

Deno.test("openTokenFile() takes any bytes, or refuses them by a UserError; a changed array is never read", () =>
  inTemporaryDirectory(async (dir) => {
    const names = ["stored.npz", "deflated.npz", "several.npz", "llama3.bin"];
    const originals = names.map((wanted) => FILES.find(({ name, fails }) => name === wanted && fails === null)!);
    const change = fc.record({
      place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      byte: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(names.length - 1),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        async (i, changes) => {
          const { base64, ids, array } = originals[i];
          const bytes = Uint8Array.fromBase64(base64);
          for (const { place, byte } of changes) bytes[Math.floor(place * bytes.length)] = byte;
          await Deno.writeFile(`${dir}/${names[i]}`, bytes);
          try {
            const got = await idsOf(`${dir}/${names[i]}`, { array });
            // A checksum covers an array's bytes; llm.c's files have none. Sizes and types are covered by it, too.
            if (names[i].endsWith(".npz")) assertEquals(got, ids);
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
            assertEquals(/\p{Cc}/u.test(error.message), false, error.message);
          }
        },
      ),
      { numRuns: 500 },
    );
  }));

Deno.test("convertTokens() goes from every format to every other and back, with the same ids", () =>
  inTemporaryDirectory(async (dir) => {
    const targets: [TokenFormat, string, OpenTokenFileOptions][] = [
      ["npy", "t.npy", {}],
      ["nanogpt", "t.bin", { fromFormat: "nanogpt" }],
      ["llmc", "l.bin", {}],
      ["uint32", "w.bin", { fromFormat: "uint32" }],
    ];
    for (const { name, base64, ids, fails, fromFormat, array } of FILES) {
      if (fails !== null || ids === null) continue;
      await Deno.writeFile(`${dir}/${name}`, Uint8Array.fromBase64(base64));
      const isWide = ids.some((id) => id > 0xffff);
      for (const [format, out, options] of targets) {
        using tokens = await openTokenFile(`${dir}/${name}`, { fromFormat, array });
        const write = () => convertTokens(tokens, `${dir}/out-${out}`, format);
        if (format === "nanogpt" && isWide) {
          await assertRejects(write, UserError, "must be at most 65535 for format");
          continue;
        }
        const { tokens: count, dtype } = await write();
        assertEquals(
          [count, dtype],
          [ids.length, isWide || format === "uint32" ? "uint32" : "uint16"],
          `${name} ${format}`,
        );
        assertSame(await idsOf(`${dir}/out-${out}`, options), ids, `${name} ${format}`);
        using back = await openTokenFile(`${dir}/out-${out}`, options);
        await convertTokens(back, `${dir}/back.npy`, "npy");
        assertSame([...await readNpy(`${dir}/back.npy`)], ids, name);
      }
    }
    // What is written is what the others write, byte for byte.
    const original = (wanted: string) => FILES.find(({ name, fails }) => name === wanted && fails === null)!.base64;
    for (const [from, format, same] of [["a.npy", "llmc", "gpt2.bin"], ["a.npy", "nanogpt", "train.bin"]] as const) {
      using tokens = await openTokenFile(`${dir}/${from}`);
      await convertTokens(tokens, `${dir}/same.bin`, format);
      assertEquals((await Deno.readFile(`${dir}/same.bin`)).toBase64(), original(same));
    }
    using wide = await openTokenFile(`${dir}/deflated.npz`);
    await convertTokens(wide, `${dir}/same.bin`, "llmc");
    assertEquals((await Deno.readFile(`${dir}/same.bin`)).toBase64(), original("llama3.bin"));
  }));

Deno.test("convertTokens() checks ids against a tokenizer, and keeps where they come from", () =>
  inTemporaryDirectory(async (dir) => {
    const tokenizer = await trainBpe("some text and some more text", { vocabSize: 260 });
    const bytes = (ids: number[]) => new Uint8Array(Uint16Array.from(ids).buffer);
    await Deno.writeFile(`${dir}/right.bin`, bytes([1, 259, 0, 7]));
    await Deno.writeFile(`${dir}/wrong.bin`, bytes([1, 259, 260]));
    {
      using wrong = await openTokenFile(`${dir}/wrong.bin`);
      const write = () => convertTokens(wrong, `${dir}/wrong.npy`, "npy", { tokenizer });
      await assertRejects(write, UserError, "got id 260 at position 2, must be one of the tokenizer's 260 tokens");
    }
    using right = await openTokenFile(`${dir}/right.bin`);
    await convertTokens(right, `${dir}/a.npy`, "npy", { tokenizer, tokenizerName: "tok" });
    using npy = await openTokenFile(`${dir}/a.npy`);
    assertEquals([npy.provenance?.tokenizer.vocabSize, npy.provenance?.tokenizer.name], [260, "tok"]);
    await convertTokens(npy, `${dir}/b.bin`, "llmc");
    using llmc = await openTokenFile(`${dir}/b.bin`);
    assertEquals(llmc.provenance, npy.provenance);
    const other = await trainBpe("other text altogether", { vocabSize: 260 });
    const mixed = () => convertTokens(llmc, `${dir}/c.npy`, "npy", { tokenizer: other });
    await assertRejects(mixed, UserError, "must be of the same tokenizer");
    // Without a record, none is left beside the new file.
    await convertTokens(right, `${dir}/a.npy`, "npy");
    await assertRejects(() => Deno.stat(provenancePath(`${dir}/a.npy`)), Deno.errors.NotFound);
    const again = () => convertTokens(right, `${dir}/a.npy`, "npy", { replace: false });
    await assertRejects(again, PathExistsError);
    assertEquals(Array.from(Deno.readDirSync(dir), ({ name }) => name).sort(), [
      "a.npy",
      "b.bin",
      "b.bin.provenance.json",
      "right.bin",
      "wrong.bin",
    ]);
  }));
