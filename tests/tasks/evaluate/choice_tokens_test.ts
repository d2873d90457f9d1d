import { assertEquals } from "@std/assert";
import { encodeChoice } from "../../../tasks/evaluate/choice_tokens.ts";

/** Each character is a token, but for one text that is a token as a whole. */
function splittingInto(joined: string) {
  const encode = (text: string | Uint8Array) =>
    Uint32Array.from(
      String(text).split(new RegExp(`(${joined})`)).flatMap((part) =>
        part === joined ? [1000] : [...part].map((character) => character.codePointAt(0)!)
      ),
    );
  return { encode };
}

const ids = (text: string) => [...text].map((character) => character.codePointAt(0)!);

Deno.test("a choice is encoded after its prompt and a space, and no token is of both", () => {
  assertEquals(encodeChoice(splittingInto("xyz"), "ab", "cd"), { ids: ids("ab cd"), promptLength: 2 });
  // A token of the choice alone, space and all.
  assertEquals(encodeChoice(splittingInto(" cd"), "ab", "cd"), { ids: [...ids("ab"), 1000], promptLength: 2 });
  for (const joined of ["b c", "ab c", "b ", "ab cd", "b cd"]) {
    assertEquals(encodeChoice(splittingInto(joined), "ab", "cd"), { ids: ids("ab cd"), promptLength: 2 }, joined);
  }
});
