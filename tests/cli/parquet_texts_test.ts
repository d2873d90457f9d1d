import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { parquetTexts } from "../../tasks/cli/parquet/parquet_texts.ts";
import { checkPages } from "../../tasks/cli/parquet/pages.ts";
import { ThriftError, ThriftWalk } from "../../tasks/cli/parquet/thrift.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

interface ParquetFile {
  readonly name: string;
  readonly base64: string;
  readonly texts: string[] | null;
  readonly fails: string | null;
}

const FILES: ParquetFile[] = JSON.parse(
  Deno.readTextFileSync(new URL("../fixtures/parquet/parquet_files.json", import.meta.url)),
);

/** The texts of a column of a file. */
async function textsOf(path: string, partBytes?: number): Promise<string[]> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return await Array.fromAsync(parquetTexts(path, { field: "text", partBytes }), (bytes) => decoder.decode(bytes));
}

Deno.test("parquetTexts() reads what pyarrow wrote, byte for byte, or says what is wrong", () =>
  inTemporaryDirectory(async (dir) => {
    const path = `${dir}/a.parquet`;
    for (const { name, base64, texts, fails } of FILES) {
      await Deno.writeFile(path, Uint8Array.fromBase64(base64));
      if (fails === null) {
        for (const partBytes of [undefined, 700, 1]) assertEquals(await textsOf(path, partBytes), texts, name);
      } else await assertRejects(() => textsOf(path), UserError, fails, name);
    }
  }));

Deno.test("parquetTexts() refuses a file that is cut off, wherever that is", () =>
  inTemporaryDirectory(async (dir) => {
    const path = `${dir}/a.parquet`;
    const { base64 } = FILES.find(({ name }) => name === "required")!;
    const bytes = Uint8Array.fromBase64(base64);
    for (let length = 0; length < bytes.length; length++) {
      await Deno.writeFile(path, bytes.subarray(0, length));
      await assertRejects(
        () => textsOf(path),
        UserError,
        `Cannot read ${path}: got a damaged or unusual Parquet file (`,
      );
    }
  }));

Deno.test("parquetTexts() takes any bytes, or refuses them by a UserError in one line", () =>
  inTemporaryDirectory(async (dir) => {
    const path = `${dir}/a.parquet`;
    const names = ["none", "zstd", "lz4", "PLAIN, pages 2.0", "many row groups and pages, index True"];
    const originals = names.map((name) => Uint8Array.fromBase64(FILES.find((file) => file.name === name)!.base64));
    const change = fc.record({
      place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      byte: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(names.length - 1),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        async (i, changes) => {
          const mutated = originals[i].slice();
          for (const { place, byte } of changes) mutated[Math.floor(place * mutated.length)] = byte;
          await Deno.writeFile(path, mutated);
          try {
            await textsOf(path);
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
            assertEquals(/\p{Cc}/u.test(error.message), false, error.message);
            assertEquals(error.message.length < 500, true, error.message);
          }
        },
      ),
      { numRuns: 400 },
    );
  }));

Deno.test("ThriftWalk refuses a list that is longer than its file, whatever it claims", () => {
  // A field that is a list of 2^28 numbers.
  const list = Uint8Array.of(0x19, 0xf5, 0x80, 0x80, 0x80, 0x80, 0x01, 0);
  assertThrows(() => ThriftWalk.over(list), ThriftError, "a list of 268435456 values");
  const deep = new Uint8Array(1000).fill(0x1c);
  assertThrows(() => ThriftWalk.over(deep), ThriftError, "more than 16 records in each other");
  const wide = new Uint8Array(6 + (1 << 23));
  // A list of so many empty records.
  wide.set([0x19, 0xfc, 0x80, 0x80, 0x80, 0x04]);
  assertThrows(() => ThriftWalk.over(wide), ThriftError, "a record of more than 4194304 values");
  assertThrows(() => ThriftWalk.over(Uint8Array.of(0x15)), ThriftError, "ends too early");
  assertThrows(() => ThriftWalk.over(new Uint8Array(20).fill(0xff)), ThriftError);
  assertEquals([...ThriftWalk.over(Uint8Array.of(0x15, 0x04, 0x1c, 0x15, 0x03, 0, 0)).numbers], [["1", 2], [
    "2.1",
    -2,
  ]]);
});

Deno.test("checkPages() refuses pages that claim more than there is", () => {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [value % 128 + 128, ...varint(Math.floor(value / 128))];
  /** The header of a page: type, sizes, number of values. */
  const page = (type: number, unpacked: number, packed: number, values: number) => {
    const field = type === 0 ? 0x2c : 0x4c;
    const of = [0x15, ...varint(2 * values), 0];
    return [0x15, 2 * type, 0x15, ...varint(2 * unpacked), 0x15, ...varint(2 * packed), field, ...of, 0];
  };
  checkPages(Uint8Array.of(...page(2, 8, 2, 2), 0, 0, ...page(0, 9, 1, 3), 0));
  const cases: [number[], string][] = [
    [page(0, 2 ** 29, 1, 3), "pages of 536870912 bytes"],
    [page(0, 9, 100, 3), "a page of 100 bytes where 0 are left"],
    [page(0, 9, 0, 2 ** 30), "a page of 1073741824 values"],
    [page(2, 8, 0, 3), "a page of 3 values"],
    [[0x15, 0, 0], "a page without a size"],
  ];
  for (const [bytes, says] of cases) assertThrows(() => checkPages(Uint8Array.from(bytes)), ThriftError, says);
});
