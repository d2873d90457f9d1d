import { assertEquals } from "@std/assert";
import { matchAnswer } from "../../../tasks/evaluate/match_answer.ts";

/** Compares an answer that comes byte by byte; tells how many were read. */
async function compare(said: string, expected: string, maxTokens = 100) {
  let read = 0;
  const ids = async function* () {
    for (const byte of new TextEncoder().encode(said).subarray(0, maxTokens)) {
      read++;
      yield byte;
    }
  };
  const match = await matchAnswer(ids(), { expected, bytesOf: (id) => Uint8Array.of(id), maxTokens });
  return { match, read };
}

Deno.test("an answer is the same if it says the same and ends, but for white space around it", async () => {
  for (
    const [said, expected] of [["Yes.", "Yes."], [" \nYes. \n", "Yes."], ["Yes.", "\tYes.\n"], [
      "naïve 你好",
      "naïve 你好",
    ]]
  ) {
    assertEquals((await compare(said, expected)).match, "same");
  }
  for (const said of ["", " ", "Yes", "Yes. No", "yes.", "Y es.", "Yes..", "Ye s."]) {
    assertEquals((await compare(said, "Yes.")).match, "other", said);
  }
  // Half a character at the end.
  const half = async function* () {
    yield* new TextEncoder().encode("好").subarray(0, 2);
  };
  const options = { expected: "好", bytesOf: (id: number) => Uint8Array.of(id), maxTokens: 9 };
  assertEquals(await matchAnswer(half(), options), "other");
});

Deno.test("an answer is read no further than it is the same", async () => {
  assertEquals(await compare("Yes, of course it is.", "Yes. It is."), { match: "other", read: 4 });
  assertEquals(await compare("Yes. It is, of course.", "Yes."), { match: "other", read: 6 });
  assertEquals(await compare("Yes. It is.", "Yes. It is.", 5), { match: "unfinished", read: 5 });
  // Whether it would have ended there, nobody knows.
  assertEquals(await compare("Yes. It is.", "Yes.", 4), { match: "unfinished", read: 4 });
});
