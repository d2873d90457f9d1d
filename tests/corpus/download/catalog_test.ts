import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { CATALOG } from "../../../lib/corpus/download/catalog.ts";

Deno.test("the catalog's hashes and sizes are of the form that they must have", async () => {
  for (const { files } of Object.values(CATALOG)) {
    for (const { sha256, bytes } of files) {
      assert(/^[0-9a-f]{64}$/.test(sha256));
      assert(Number.isSafeInteger(bytes) && bytes > 0);
    }
  }
  const plays = await Deno.readFile(new URL("../../../data/shakespeare.txt", import.meta.url));
  assertEquals([CATALOG.shakespeare.files[0].bytes, CATALOG.shakespeare.files[0].sha256], [
    plays.length,
    createHash("sha256").update(plays).digest("hex"),
  ]);
});
