import { assertEquals } from "@std/assert";
import { MergeHistory } from "../../../lib/tokenizer/train/merge_history.ts";
import { TokenBytes } from "../../../lib/tokenizer/encode/token_bytes.ts";

Deno.test("MergeHistory.historyOf() lists the merges of a token that grew byte by byte, however long it is", () => {
  // Token 256 is two bytes, each one after it one more.
  const numMerges = 100_000;
  const merges = Uint32Array.from({ length: numMerges * 3 }, (_, i) => {
    const merge = Math.floor(i / 3);
    return [merge === 0 ? 97 : 255 + merge, 97, 256 + merge][i % 3];
  });
  const history = new MergeHistory({ pattern: "gpt2", tokens: new TokenBytes(), merges, specials: [] });
  const steps = history.historyOf(255 + numMerges);
  assertEquals(steps.length, numMerges);
  assertEquals(steps[0], { merge: 0, left: 97, right: 97, id: 256 });
  assertEquals(steps.findIndex(({ merge, id }, i) => merge !== i || id !== 256 + i), -1);
});
