import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { pretokenEnd } from "../../lib/tokenizer/pretokenize.ts";
import { hostileBytes } from "./arbitraries.ts";
import { pretokenizeOracle, toLatin } from "./oracle.ts";

function pretokens(bytes: Uint8Array): string[] {
  const found: string[] = [];
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = pretokenEnd(bytes, at, bytes.length);
    found.push(toLatin(bytes.subarray(at, end)));
  }
  return found;
}

Deno.test("pretokenEnd() splits hostile bytes as the regular expression does", () => {
  fc.assert(
    fc.property(hostileBytes, (bytes) => assertEquals(pretokens(bytes), pretokenizeOracle(toLatin(bytes)))),
    { seed: 1, numRuns: 2000 },
  );
});
