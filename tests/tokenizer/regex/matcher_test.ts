// The matcher against JavaScript's own regular expressions, for all that both write alike.
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../../lib/errors.ts";
import { CharText } from "../../../lib/tokenizer/pretokenize/char_text.ts";
import { adjacencyOf } from "../../../lib/tokenizer/regex/adjacency.ts";
import { Alphabet } from "../../../lib/tokenizer/regex/alphabet.ts";
import { forEachSet } from "../../../lib/tokenizer/regex/ast.ts";
import type { CharSet } from "../../../lib/tokenizer/regex/char_set.ts";
import { Matcher } from "../../../lib/tokenizer/regex/matcher.ts";
import { parseRegex } from "../../../lib/tokenizer/regex/parse.ts";
import { compile } from "../../../lib/tokenizer/regex/program.ts";

function compiled(pattern: string) {
  const tree = parseRegex(pattern, "a test");
  const sets: CharSet[] = [];
  forEachSet(tree, (set) => sets.push(set));
  const alphabet = new Alphabet(sets, "a test");
  return { alphabet, matcher: new Matcher(compile(tree, alphabet, "a test"), alphabet), tree };
}

/** All matches, as places in the text's code points. */
function matchesOf({ alphabet, matcher }: ReturnType<typeof compiled>, text: string): [number, number][] {
  const bytes = new TextEncoder().encode(text);
  const chars = new CharText();
  chars.decode(bytes, 0, bytes.length, alphabet.classes);
  matcher.begin(chars.classes, chars.length);
  const found: [number, number][] = [];
  for (let at = 0; at < chars.length;) {
    const end = matcher.matchAt(at);
    if (end >= 0) found.push([at, end]);
    at = end < 0 ? at + 1 : end;
  }
  return found;
}

function expectedMatches(pattern: RegExp, text: string): [number, number][] {
  const place = (index: number) => [...text.slice(0, index)].length;
  return Array.from(text.matchAll(pattern), ({ 0: match, index }) => [place(index), place(index + match.length)]);
}

const CLASSES = [
  "a",
  "b",
  "é",
  "🙃",
  "[ab]",
  "[^a]",
  "[^ab\\n]",
  "[a-c1]",
  "\\p{L}",
  "\\P{L}",
  "\\p{Lu}",
  "[\\p{L}\\p{N}]",
  "\\.",
  "\\n",
  "[\\p{L}&&[^a]]",
  "[^\\p{L}\\n]",
  "\\p{White_Space}",
  ".",
];
const QUANTIFIERS = ["?", "*", "+", "{2}", "{1,2}", "{2,}", "??", "*?", "+?", "{1,2}?"];

/** Patterns that mean the same in both dialects. */
const { pattern } = fc.letrec((tie) => ({
  pattern: fc.array(tie("sequence"), { minLength: 1, maxLength: 4 }).map((options) => options.join("|")),
  sequence: fc.array(tie("part"), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")),
  part: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(...CLASSES),
    fc.tuple(fc.constantFrom(...CLASSES), fc.constantFrom(...QUANTIFIERS)).map((both) => both.join("")),
    // What may be empty is not repeated.
    fc.tuple(tie("pattern"), fc.constantFrom(...CLASSES), fc.constantFrom("", ...QUANTIFIERS))
      .map(([inner, char, times]) => `(?:(?:${inner})${char})${times}`),
    fc.tuple(
      fc.constantFrom("=", "!"),
      fc.constantFrom(...CLASSES),
      fc.constantFrom("", "?", "{1,2}", "|b"),
      fc.constantFrom(...CLASSES),
    )
      .map(([kind, first, times, second]) => `(?${kind}${first}${times}${second})`),
  ),
}));

/** Most of them take a character at least. */
const anyPattern = fc.tuple(
  pattern as fc.Arbitrary<string>,
  fc.constantFrom(...CLASSES),
  fc.constantFrom("", "|", ")?"),
)
  .map(([any, char, joint]) =>
    joint === "|" ? `(?:${any})${char}|${char}` : joint === "" ? `(?:${any})${char}` : `(?:(?:${any})${char})?${char}+`
  );

const anyText = fc.array(fc.constantFrom(..."aaabbbcé1 \nA.🙃"), { maxLength: 40 }).map((chars) => chars.join(""));

Deno.test("the matcher finds what JavaScript's expressions find", () => {
  let numUsed = 0;
  fc.assert(
    fc.property(anyPattern, fc.array(anyText, { minLength: 3, maxLength: 3 }), (pattern, texts) => {
      let own: ReturnType<typeof compiled>;
      try {
        own = compiled(pattern);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        return; // refused: it may match the empty text, or looks ahead without a limit
      }
      numUsed++;
      const theirs = new RegExp(pattern.replaceAll(".", "[^\\n]").replaceAll("\\[^\\n]", "\\."), "gv");
      for (const text of texts) {
        assertEquals(matchesOf(own, text), expectedMatches(theirs, text), `${pattern} in ${JSON.stringify(text)}`);
      }
    }),
    { seed: 1, numRuns: 250 },
  );
  assert(numUsed > 170, `only ${numUsed} patterns were used`);
});

Deno.test("what adjacencyOf() calls apart is in no match, and what it calls matched always is", () => {
  fc.assert(
    fc.property(anyPattern, anyText, (pattern, text) => {
      let own: ReturnType<typeof compiled>;
      try {
        own = compiled(pattern);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        return;
      }
      const { joined, alwaysMatched } = adjacencyOf(own.tree, own.alphabet);
      const classes = [...text].map((char) => own.alphabet.classOf(char.codePointAt(0)!));
      const isMatched = new Uint8Array(classes.length);
      for (const [from, to] of matchesOf(own, text)) {
        isMatched.fill(1, from, to);
        for (let i = from + 1; i < to; i++) assertEquals(joined[classes[i - 1] * 256 + classes[i]], 1, pattern);
      }
      for (const [i, charClass] of classes.entries()) {
        assert(alwaysMatched[charClass] === 0 || isMatched[i] === 1, pattern);
      }
    }),
    { seed: 2, numRuns: 300 },
  );
});

Deno.test("possessive repetitions and atomic groups give nothing back", () => {
  const found = (pattern: string, text: string) => matchesOf(compiled(pattern), text);
  assertEquals(found("a++a|b", "aaab"), [[3, 4]]);
  assertEquals(found("a?+a|b", "aab"), [[0, 2], [2, 3]]);
  assertEquals(found("(?>a|ab)c|b", "abc"), [[1, 2]]);
  assertEquals(found("(?:ab){1,2}+a", "ababa"), [[0, 5]]);
  // In Oniguruma's dialect, {1,3}+ is one or more times one to three.
  assertEquals(found("\\d{1,3}+", "1234567"), [[0, 7]]);
});

Deno.test("matching takes time that grows with the text, whatever the pattern", () => {
  const text = "a".repeat(100_000);
  for (
    const pattern of ["(?:a|a)*b|a", "a*a*a*b|a", "(?:aa?){1,20}a*b|a", "(?:aa)*c|a", "a*[bc]+|a(?!b)", "(?:a*?b|a)"]
  ) {
    const own = compiled(pattern);
    const started = performance.now();
    assertEquals(matchesOf(own, text).length, text.length, pattern);
    // A quadratic time would be minutes.
    assert(performance.now() - started < 20_000, pattern);
  }
});

Deno.test("what is not known is refused by name, in a short line", () => {
  const refused: Record<string, string> = {
    "(?<=a)b": "(?<=, a look-behind",
    "(?<!a)b": "(?<!, a look-behind",
    "(a)\\1": "\\1",
    "\\bword": "\\b",
    "^a": "^, the beginning of a line",
    "\\Aa": "\\A",
    "\\Ga": "\\G",
    "a*": "matches the empty text",
    "(?:a?)*b": "after what may be empty",
    "(?=a*b)a": "a look-ahead of any length",
    "(?:ab)++c": "of a group, of any length",
    "(?i)a": "(?i)",
    "(?x:a b)": "(?x",
    "(?i:ss)": "ss, which is one character too",
    "(?i:é)": "(?i) for characters that are not ASCII",
    "\\p{Emoji}": "the property Emoji",
    "[[:punct:]]": "[:punct:]",
    "[z-a]": "a range",
    "[a": "the end of the pattern",
    "(a": "the end of the pattern",
    "a)": ") without (",
    "+a": "+ with nothing before it",
    "a{2000}": "more than 1000 times",
    "(?:[ab]c{1,9}d){1000}{1000}": "instructions",
    "\\xff": "\\xff, a byte",
    "a{3,2}": "{3,2}",
    ["(".repeat(60) + "a" + ")".repeat(60)]: "groups within more than 50 others",
  };
  for (const [pattern, message] of Object.entries(refused)) {
    const error = assertThrows(() => compiled(pattern), UserError);
    assertStringIncludes(error.message, message, pattern);
    assert(error.message.length < 400 && !error.message.includes("\n"), error.message);
  }
});
