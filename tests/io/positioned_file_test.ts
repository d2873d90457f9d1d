import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { PositionedFile } from "../../lib/io/positioned_file.ts";
import { Random } from "../harness/random.ts";

const CONTENT = Uint8Array.from(new Random(1).integers(1 << 17, 256));

async function withFile(body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, CONTENT);
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("reads at any places are what the file has there, and end with it", () =>
  withFile(async (path) => {
    using file = await PositionedFile.open(path);
    assertEquals(file.size, CONTENT.length);
    const place = fc.record({ offset: fc.nat(CONTENT.length + 10), length: fc.nat(300) });
    fc.assert(
      fc.property(fc.array(place), (places) => {
        for (const { offset, length } of places) {
          const expected = CONTENT.subarray(offset, offset + length);
          const bytes = new Uint8Array(length);
          assertEquals(file.readUpTo(offset, bytes), expected.length);
          assertEquals(bytes.subarray(0, expected.length), expected);
        }
      }),
      { seed: 1, numRuns: 100 },
    );
  }));

Deno.test("a read beyond a file's end names the file, and where it ends", () =>
  withFile(async (path) => {
    using file = await PositionedFile.open(path);
    await Deno.truncate(path, 1000);
    const ends = `Cannot read ${path}: it ended at byte 1000, must go on to 1010`;
    assertThrows(() => file.readAt(990, new Uint8Array(20)), UserError, ends);
    file.readAt(980, new Uint8Array(20));
  }));

Deno.test("a file can be closed twice, and says so when it is read afterwards", () =>
  withFile(async (path) => {
    const file = await PositionedFile.open(path);
    file.close();
    file.close();
    assertThrows(() => file.readAt(0, new Uint8Array(1)), Error, `Cannot read ${path}: got a file that was closed`);
  }));

Deno.test("what is no file is refused by name", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await assertRejects(
      () => PositionedFile.open(dir),
      UserError,
      `Cannot read ${dir}: got a directory, must be a file`,
    );
  } finally {
    await Deno.remove(dir);
  }
});
