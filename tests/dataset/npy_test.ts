import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { NpyReader, NpyWriter, readNpy, writeNpy } from "../../lib/dataset/npy_file.ts";
import { NPY_HEADER_BYTES, npyHeader, tokenDtype } from "../../lib/dataset/npy_format.ts";
import { parseNpyHeader } from "../../lib/dataset/npy_header.ts";
import { UserError } from "../../lib/errors.ts";

async function withPath(body: (path: string, dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(`${dir}/ids.npy`, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A header as NumPy writes it, at least `minBytes` long. */
function numpyHeader(dict: string, version = 1, minBytes = 0): Uint8Array<ArrayBuffer> {
  const prefix = version === 1 ? 10 : 12;
  const length = Math.ceil(Math.max(minBytes, prefix + dict.length + 1) / 64) * 64 - prefix;
  const bytes = new Uint8Array(prefix + length);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, length, true);
  else view.setUint32(8, length, true);
  bytes.set(new TextEncoder().encode(dict.padEnd(length - 1) + "\n"), prefix);
  return bytes;
}

Deno.test("tokenDtype() is uint16 as long as every id fits", () => {
  assertEquals([1, 65536, 65537].map(tokenDtype), ["uint16", "uint16", "uint32"]);
});

Deno.test("parseNpyHeader() reads headers of every version and size, however they are spelled", () => {
  const spellings = [
    "{'descr': '<u4', 'fortran_order': False, 'shape': (12,), }",
    '{"shape":(12,),"fortran_order":False,"descr":"<u4"}',
    " { 'shape' : ( 12 , ) , 'descr' : '<u4' , 'fortran_order' : True } ",
    "{'descr': '<u4', 'fortran_order': False, 'shape': (12L,)}",
  ];
  for (const dict of spellings) {
    for (const [version, minBytes] of [[1, 0], [1, 8192], [1, 65_500], [2, 0], [2, 1 << 20], [3, 0], [3, 1 << 19]]) {
      const header = numpyHeader(dict, version, minBytes);
      const { dtype, shape, length, offset } = parseNpyHeader(header, "f");
      assertEquals({ dtype, shape, length, offset }, {
        dtype: "uint32",
        shape: [12],
        length: 12,
        offset: header.length,
      });
    }
  }
  for (const size of [0, 7, 2 ** 40]) {
    const { dtype, length, offset } = parseNpyHeader(npyHeader("uint16", size), "f");
    assertEquals({ dtype, length, offset }, { dtype: "uint16", length: size, offset: NPY_HEADER_BYTES });
  }
});

Deno.test("parseNpyHeader() refuses what it does not know, by name", () => {
  const header = (changes: Record<string, string>) =>
    Object.entries({ "'descr'": "'<u2'", "'fortran_order'": "False", "'shape'": "(12,)", ...changes })
      .map(([key, value]) => `${key}: ${value}`).join(", ");
  const refused = (changes: Record<string, string>, message: string) =>
    assertThrows(() => parseNpyHeader(numpyHeader(`{${header(changes)}}`), "f.npy"), UserError, message);
  refused(
    { "'descr'": "'<f4'" },
    "Cannot read f.npy: got dtype <f4 (floating-point numbers), must be uint16 or another",
  );
  refused({ "'descr'": "'=u2'" }, "dtype =u2, which leaves the order of bytes open");
  refused({ "'descr'": "'|i8'" }, "dtype |i8, which leaves");
  refused({ "'descr'": "'<u3'" }, "got dtype <u3, must");
  refused({ "'descr'": "None" }, "got dtype null");
  refused({ "'descr'": "[('id', '<u2')]" }, 'a structured dtype, [["id","<u2"]]');
  refused({ "'shape'": "(3, 4, 5)" }, "got shape (3, 4, 5)");
  refused({ "'shape'": "()" }, "got shape ()");
  refused({ "'shape'": "(-1,)" }, "got shape (-1)");
  refused({ "'shape'": "12" }, "got shape 12");
  refused({ "'shape'": "(9007199254740991, 9007199254740991)" }, "must be at most 2^53 numbers");
  refused({ "'fortran_order'": "0" }, "got fortran_order 0");
  refused({ "'fortran_order'": "True", "'shape'": "(3, 4)" }, "shape (3, 4) in Fortran order");
  refused({ "'order'": "'C'" }, 'got "order" in its header, must be none but descr, fortran_order, shape');
  for (
    const text of ["{}", "()", "{", "{1: 2}", "{'descr': '<u2', 'descr': '<u2'}", "x", "[".repeat(10_000), "{'a': 'b"]
  ) {
    assertThrows(() => parseNpyHeader(numpyHeader(text), "f.npy"), UserError, "Cannot read f.npy: got ");
  }
  for (const length of [0, 5, 9, 11, 127]) {
    assertThrows(() => parseNpyHeader(npyHeader("uint16", 1).subarray(0, length), "f"), UserError, "Cannot read f");
  }
  assertThrows(() => parseNpyHeader(new TextEncoder().encode("plain text, not ids"), "f"), UserError, "another format");
  const { buffer } = numpyHeader(`{${header({})}}`, 2);
  new DataView(buffer).setUint32(8, 1 << 20, true);
  assertThrows(
    () => parseNpyHeader(new Uint8Array(buffer), "f"),
    UserError,
    "a header of 1048588 bytes, must be at most",
  );
  new Uint8Array(buffer)[6] = 4;
  assertThrows(() => parseNpyHeader(new Uint8Array(buffer), "f"), UserError, "version 4.0 of the .npy format");
});

Deno.test("files of NumPy's own are read as the ids they hold, or refused by name", () =>
  withPath(async (path) => {
    const url = new URL("../fixtures/npy/numpy_files.json", import.meta.url);
    const files = JSON.parse(
      await Deno.readTextFile(url),
    ) as ({ name: string; base64: string } & ({ ids: number[]; fails: null } | { ids: null; fails: string }))[];
    for (const { name, base64, ids, fails } of files) {
      await Deno.writeFile(path, Uint8Array.fromBase64(base64));
      if (fails !== null) {
        await assertRejects(() => readNpy(path), UserError, fails);
        continue;
      }
      using reader = await NpyReader.open(path);
      assertEquals([...await reader.read()], ids, name);
      for (let start = 0; start < ids.length; start++) {
        assertEquals(
          [...await reader.read(start, start + 2 > ids.length ? start + 1 : start + 2)],
          ids.slice(start, start + 2),
        );
      }
    }
    assertEquals(files.length > 60, true);
  }));

Deno.test("a window of a file of int64 reads no more than the window, and says where a number is no id", () =>
  withPath(async (path) => {
    // A file with a hole: 32 GB of zeros but for a few numbers.
    const length = 4 * 10 ** 9;
    const header = numpyHeader(`{'descr': '<i8', 'fortran_order': False, 'shape': (${length},), }`);
    await Deno.writeFile(path, header);
    await Deno.truncate(path, header.length + 8 * length);
    using file = await Deno.open(path, { write: true });
    await file.seek(header.length + 8 * (length - 3), Deno.SeekMode.Start);
    await file.write(new Uint8Array(BigInt64Array.of(7n, 2n ** 32n - 1n, -5n).buffer));
    using reader = await NpyReader.open(path);
    assertEquals(await reader.read(length - 4, length - 1), Uint32Array.of(0, 7, 2 ** 32 - 1));
    const says = `got id -5 at position ${length - 1}, must be from 0 to 4294967295`;
    await assertRejects(() => reader.read(length - 2), UserError, says);
  }));

Deno.test("NpyWriter and readNpy() give back what was written, in any pieces", () =>
  withPath(async (path, dir) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat(65535), { maxLength: 50 }), { maxLength: 5 }),
        fc.constantFrom("uint16", "uint32"),
        async (pieces, dtype) => {
          const writer = await NpyWriter.create(path, dtype);
          // Both kinds of array are taken, whatever the file's dtype.
          for (const [i, piece] of pieces.entries()) {
            await writer.write((i % 2 ? Uint16Array : Uint32Array).from(piece));
          }
          assertEquals(writer.length, pieces.flat().length);
          await writer.close();
          const ids = await readNpy(path);
          assertEquals(ids, (dtype === "uint16" ? Uint16Array : Uint32Array).from(pieces.flat()));
        },
      ),
      { seed: 1, numRuns: 50 },
    );
    assertEquals(Array.from(Deno.readDirSync(dir), (entry) => entry.name), ["ids.npy"]);
  }));

Deno.test("NpyReader.read() reads ranges and refuses those outside", () =>
  withPath(async (path) => {
    await writeNpy(path, Uint32Array.from({ length: 100 }, (_, i) => i * 100_003));
    using reader = await NpyReader.open(path);
    assertEquals([reader.length, reader.dtype], [100, "uint32"]);
    assertEquals(await reader.read(97), Uint32Array.of(97 * 100_003, 98 * 100_003, 99 * 100_003));
    assertEquals(await reader.read(1, 2), Uint32Array.of(100_003));
    assertEquals((await reader.read(50, 50)).length, 0);
    for (const [start, end] of [[-1, 2], [3, 2], [0, 101], [NaN, 2]]) {
      await assertRejects(() => reader.read(start, end), RangeError);
    }
  }));

Deno.test("NpyReader.open() refuses a file that is shorter or longer than it says", () =>
  withPath(async (path) => {
    await writeNpy(path, Uint16Array.of(1, 2, 3));
    for (const size of [133, 128]) {
      await Deno.truncate(path, size);
      await assertRejects(() => readNpy(path), UserError, `got ${size} bytes, must be 134 (the file is truncated)`);
    }
    await Deno.truncate(path, 136);
    await assertRejects(() => readNpy(path), UserError, "longer than its header says");
    await Deno.truncate(path, 100);
    await assertRejects(() => readNpy(path), UserError, "ends inside its header");
  }));

Deno.test("NpyWriter refuses an id that the file's dtype cannot hold, and says where it is", () =>
  withPath(async (path) => {
    const writer = await NpyWriter.create(path, "uint16");
    await writer.write(Uint32Array.of(1, 65535));
    for (const id of [65536, 2 ** 31, 2 ** 32 - 1]) {
      await assertRejects(
        () => writer.write(Uint32Array.of(3, id)),
        RangeError,
        `got ${id} at position 3, must be at most`,
      );
    }
    await writer.close();
    assertEquals(await readNpy(path), Uint16Array.of(1, 65535));
  }));

Deno.test("NpyWriter.abort() leaves what was there before", () =>
  withPath(async (path, dir) => {
    await writeNpy(path, Uint16Array.of(7));
    const writer = await NpyWriter.create(path, "uint16");
    await writer.write(Uint16Array.of(1, 2));
    await writer.abort();
    assertEquals(await readNpy(path), Uint16Array.of(7));
    assertEquals(Array.from(Deno.readDirSync(dir), (entry) => entry.name), ["ids.npy"]);
  }));
