import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Normalizer } from "../../../lib/tokenizer/normalize/normalizer.ts";
import type { NormalizerStep } from "../../../lib/tokenizer/normalize/normalizer_steps.ts";

const FORMS = ["NFC", "NFD", "NFKC", "NFKD"] as const;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

function normalize(normalizer: Normalizer, text: string, isBeginning = false): string {
  const bytes = bytesOf(text);
  return textOf(normalizer.normalize(bytes, 0, bytes.length, isBeginning));
}

/** Characters that are made of others, and those that they are made of. */
const PARTS = [
  ...new Set(
    Array.from({ length: 0x17000 }, (_, char) => char).filter((char) => char < 0xd800 || char > 0xdfff)
      .flatMap((char) => {
        const text = String.fromCodePoint(char);
        const parts = [...text.normalize("NFD")];
        return parts.length > 1 ? [text, ...parts] : [];
      }),
  ),
];

Deno.test("a text that may be cut between two characters is normalized alike in two parts, for any neighbours", () => {
  const char = fc.oneof(
    fc.constantFrom(...PARTS),
    fc.constantFrom(..."aA zẞΣİﬁ①가힣ᄀ。你▁"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  );
  const step = fc.oneof(
    fc.constantFrom<NormalizerStep>(...FORMS.map((type) => ({ type }))),
    fc.constantFrom<NormalizerStep>(
      { type: "Lowercase" },
      { type: "Replace", pattern: { String: "a" }, content: "xy" },
      { type: "Replace", pattern: { String: "▁" }, content: " " },
      { type: "Replace", pattern: { String: "z" }, content: "" },
    ),
  );
  let numCut = 0;
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 3 }),
      fc.array(char, { minLength: 2, maxLength: 6 }),
      (steps, chars) => {
        const normalizer = new Normalizer(steps);
        const points = [...chars.join("")];
        for (let at = 1; at < points.length; at++) {
          const [before, after] = [points[at - 1], points[at]].map((text) => text.codePointAt(0)!);
          if ((before >= 0xd800 && before < 0xe000) || (after >= 0xd800 && after < 0xe000)) continue;
          if (!normalizer.mayCutBetween(before, after)) continue;
          numCut++;
          const [left, right] = [points.slice(0, at).join(""), points.slice(at).join("")];
          const [first, second] = [left, right].map((text) => normalize(normalizer, text));
          assertEquals(first + second, normalize(normalizer, left + right));
          assertEquals([...first].at(-1)?.codePointAt(0), normalizer.characterOf(before));
          assertEquals([...second][0]?.codePointAt(0), normalizer.characterOf(after));
        }
      },
    ),
    { seed: 7, numRuns: 3000 },
  );
  assert(numCut > 1000, `${numCut} cuts`);
});

Deno.test("forms are those of the engine, and invalid bytes stay between them", () => {
  for (const type of FORMS) {
    const normalizer = new Normalizer([{ type }]);
    for (const text of ["e\u0301a", "\ufb01 ①", "가", "plain", ""]) {
      assertEquals(normalize(normalizer, text), text.normalize(type));
    }
    const bytes = Uint8Array.of(0x65, 0xff, 0xcc, 0x81, 0xc3, 0x28);
    const expected = [...bytesOf("e"), 0xff, ...bytesOf("\u0301"), 0xc3, 0x28];
    assertEquals([...normalizer.normalize(bytes, 0, bytes.length, false)], expected);
  }
  // A sigma at the end of a word is lower case like any other.
  assertEquals(normalize(new Normalizer([{ type: "Lowercase" }]), "ΣΑΣ ABC"), "σασ abc");
  const prepends = new Normalizer([{ type: "Prepend", prepend: "_" }]);
  assertEquals([normalize(prepends, "a", true), normalize(prepends, "a")], ["_a", "a"]);
});
