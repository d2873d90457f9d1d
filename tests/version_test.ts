import { assertEquals } from "@std/assert";
import { VERSION } from "../lib/version.ts";

Deno.test("the version that is written into files is the one that is published", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
  assertEquals(VERSION, version);
});
