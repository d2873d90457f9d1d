import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { NpyReader, NpyWriter, readNpy, writeNpy } from "../../lib/dataset/npy_file.ts";
import { NPY_HEADER_BYTES, npyHeader, parseNpyHeader, tokenDtype } from "../../lib/dataset/npy_format.ts";
import { UserError } from "../../lib/errors.ts";

async function withPath(body: (path: string, dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(`${dir}/ids.npy`, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A header as NumPy writes it. */
function numpyHeader(dict: string, version = 1): Uint8Array {
  const prefix = version === 1 ? 10 : 12;
  const length = Math.ceil((prefix + dict.length + 1) / 64) * 64 - prefix;
  const bytes = new Uint8Array(prefix + length);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), version, 0, length & 0xff, length >> 8]);
  bytes.set(new TextEncoder().encode(dict.padEnd(length - 1) + "\n"), prefix);
  return bytes;
}

Deno.test("tokenDtype() is uint16 as long as every id fits", () => {
  assertEquals([1, 65536, 65537].map(tokenDtype), ["uint16", "uint16", "uint32"]);
});

Deno.test("parseNpyHeader() reads NumPy's headers and those of npyHeader()", () => {
  const dict = "{'descr': '<u4', 'fortran_order': False, 'shape': (12,), }";
  for (const version of [1, 2, 3]) {
    const header = numpyHeader(dict, version);
    assertEquals(parseNpyHeader(header, "f"), { dtype: "uint32", length: 12, offset: header.length });
  }
  for (const length of [0, 7, 2 ** 40]) {
    assertEquals(parseNpyHeader(npyHeader("uint16", length), "f"), {
      dtype: "uint16",
      length,
      offset: NPY_HEADER_BYTES,
    });
  }
});

Deno.test("parseNpyHeader() refuses other formats, dtypes and shapes", () => {
  const refused = (dict: string, message: string) =>
    assertThrows(() => parseNpyHeader(numpyHeader(dict), "f.npy"), UserError, message);
  refused("{'descr': '<f4', 'fortran_order': False, 'shape': (12,), }", "Cannot read f.npy: got dtype <f4");
  refused("{'descr': '>u2', 'fortran_order': False, 'shape': (12,), }", "got dtype >u2");
  refused("{'descr': '<i8', 'fortran_order': False, 'shape': (12,), }", "got dtype <i8");
  refused("{'descr': '<u2', 'fortran_order': False, 'shape': (3, 4), }", "got shape (3, 4)");
  refused("{'descr': '<u2', 'fortran_order': False, 'shape': (), }", "got shape ()");
  refused("{}", "got dtype unknown");
  for (const length of [0, 5, 9, 11]) {
    assertThrows(() => parseNpyHeader(npyHeader("uint16", 1).subarray(0, length), "f"), UserError, "Cannot read f");
  }
  assertThrows(() => parseNpyHeader(new TextEncoder().encode("plain text, not ids"), "f"), UserError, "another format");
});

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

Deno.test("NpyWriter.abort() leaves what was there before", () =>
  withPath(async (path, dir) => {
    await writeNpy(path, Uint16Array.of(7));
    const writer = await NpyWriter.create(path, "uint16");
    await writer.write(Uint16Array.of(1, 2));
    await writer.abort();
    assertEquals(await readNpy(path), Uint16Array.of(7));
    assertEquals(Array.from(Deno.readDirSync(dir), (entry) => entry.name), ["ids.npy"]);
  }));
