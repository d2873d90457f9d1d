// Which characters have a property, against Hugging Face's tokenizers, on every code point.
import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { patternOfStep, type SplitStep } from "../../../lib/tokenizer/pretokenize/split_steps.ts";
import { type CharSet, INVALID, negate } from "../../../lib/tokenizer/regex/char_set.ts";
import { decimalDigits, propertySet, whiteSpace, wordCharacters } from "../../../lib/tokenizer/regex/properties.ts";

const digests: Record<string, [count: number, digest: string]> = JSON.parse(
  Deno.readTextFileSync(new URL("../../fixtures/tokenizer/property_digests.json", import.meta.url)),
);

function setOfStep(step: SplitStep): CharSet {
  const tree = patternOfStep(step, "a test")!.tree;
  assert(tree.kind === "set");
  return tree.set;
}

const OTHERS: Readonly<Record<string, () => CharSet>> = {
  w: wordCharacters,
  s: whiteSpace,
  d: decimalDigits,
  Punctuation: () => setOfStep({ type: "Punctuation", behavior: "Isolated" }),
  Digits: () => setOfStep({ type: "Digits", individual_digits: true }),
};

Deno.test("properties have the characters that Hugging Face's tokenizers give them", () => {
  for (const [name, expected] of Object.entries(digests)) {
    const set = (Object.hasOwn(OTHERS, name) ? OTHERS[name]() : propertySet(name)) ?? [];
    const chars: number[] = [];
    for (let i = 0; i < set.length; i += 2) for (let char = set[i]; char <= set[i + 1]; char++) chars.push(char);
    const digest = createHash("sha256").update(chars.join(",")).digest("hex").slice(0, 16);
    assertEquals([chars.length, digest], expected, name);
    assertEquals(negate(negate(set)), set, name);
    assert(negate(set).at(-1) === INVALID, name);
  }
});

Deno.test("names of properties may be written in any way that Oniguruma takes, and no other", () => {
  for (const name of ["Letter", "letter", "L", "uppercase_letter", "Uppercase Letter", "han", "Hiragana"]) {
    assert((propertySet(name) ?? []).length > 0, name);
  }
  for (const name of ["Letters", "Emoji", "RGI_Emoji", "Script=Han", "constructor"]) {
    assertEquals(propertySet(name), undefined, name);
  }
});
