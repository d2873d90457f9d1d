import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { portableSha256 } from "../../lib/io/portable_sha256.ts";
import { Random } from "../harness/random.ts";

const expected = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

Deno.test("portableSha256() is SHA-256, at every length about a block's and in the midst of other bytes", () => {
  const random = new Random(1);
  const bytes = Uint8Array.from({ length: 1 << 16 }, () => random.integer(0, 256));
  const lengths = [...Array(200).keys(), 1000, 4096, 65_000];
  for (const length of lengths) {
    for (const start of [0, 1, 3]) {
      const part = bytes.subarray(start, start + length);
      assertEquals(portableSha256(part).toHex(), expected(part), `${length} bytes`);
    }
  }
});

Deno.test("portableSha256() adds up words beyond 32 bits as the standard does", () => {
  for (const byte of [0, 0x7f, 0x80, 0xff]) {
    const bytes = new Uint8Array(1000).fill(byte);
    assertEquals(portableSha256(bytes).toHex(), expected(bytes), `all ${byte}`);
  }
});
